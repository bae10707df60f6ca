#include "sidecar/net/grpc/grpc_bridge.h"

#include <absl/container/flat_hash_map.h>

#include "sidecar/net/grpc/grpc_framing.h"
#include "sidecar/net/http2/http2_server_session.h"

namespace ringside::net {

namespace {

Http2Settings bridge_settings() {
  Http2Settings settings;
  settings.max_header_list = 64 * 1024;
  settings.connection_window = 64 << 20;
  // The other end is our own library: its windows and pings are no abuse.
  settings.control_burst = 1e9;
  settings.control_per_second = 1e9;
  return settings;
}

}  // namespace

// One stream seen from both ends: `up` goes to the library, `down` to the client.
class BridgeStream final : public ServerStream {
 public:
  BridgeStream(std::weak_ptr<Http2ServerSession> server, std::int32_t server_id, std::shared_ptr<BridgeSession> bridge)
      : server_(std::move(server)), server_id_(server_id), bridge_(std::move(bridge)) {}

  // From the client.
  void on_data(std::string_view bytes) override;
  void on_end() override;
  void on_closed(std::uint32_t error) override;
  ssize_t read_body(std::uint8_t* to, std::size_t size, std::uint32_t* flags) override;

  // From the library.
  void opened(std::int32_t bridge_id) { bridge_id_ = bridge_id; }
  void down_header(std::string_view name, std::string_view value);
  void down_headers_end(bool end_stream);
  void down_data(std::string_view bytes);
  void down_end();
  void down_closed(std::uint32_t error);
  ssize_t read_up(std::uint8_t* to, std::size_t size, std::uint32_t* flags);

 private:
  std::weak_ptr<Http2ServerSession> server_;
  std::int32_t server_id_;
  std::shared_ptr<BridgeSession> bridge_;
  std::int32_t bridge_id_ = 0;
  OutBuffer up_;
  OutBuffer down_;
  std::string status_ = "200";
  Metadata headers_;  // the block being received: headers first, then trailers
  bool up_ended_ = false;
  bool responding_ = false;
  bool down_ended_ = false;
};

// Our client end of one socketpair.
class BridgeSession final : public Http2Connection {
 public:
  // Holds one of the target's slots, taken by whoever makes it.
  BridgeSession(Loop& loop, Transport transport, std::shared_ptr<BridgeTarget> target)
      : Http2Connection(loop, std::move(transport), bridge_settings()), target_(std::move(target)) {}
  ~BridgeSession() override { target_->slots().give_back(1); }

  bool usable() const { return !closed() && !going_away_; }
  bool open(const std::shared_ptr<BridgeStream>& stream, const HeaderList& headers) {
    const std::int32_t id = submit_request(headers, nullptr);
    if (id < 0) {
      going_away_ = true;
      return false;
    }
    stream->opened(id);
    streams_[id] = stream;
    return true;
  }
  void forget(std::int32_t id) { streams_.erase(id); }

 private:
  void on_header(std::int32_t id, std::string_view name, std::string_view value) override {
    if (const auto stream = find(id)) stream->down_header(name, value);
  }
  void on_headers_end(std::int32_t id, bool end_stream) override {
    if (const auto stream = find(id)) stream->down_headers_end(end_stream);
  }
  void on_data(std::int32_t id, std::string_view bytes) override {
    if (const auto stream = find(id)) return stream->down_data(bytes);
    consume_stream(id, bytes.size());
  }
  void on_data_end(std::int32_t id) override {
    if (const auto stream = find(id)) stream->down_end();
  }
  void on_stream_closed(std::int32_t id, std::uint32_t error) override {
    const auto stream = find(id);
    streams_.erase(id);
    if (stream) stream->down_closed(error);
  }
  void on_goaway() override { going_away_ = true; }
  ssize_t read_body(std::int32_t id, std::uint8_t* to, std::size_t size, std::uint32_t* flags) override {
    const auto stream = find(id);
    if (!stream) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    return stream->read_up(to, size, flags);
  }
  void on_end(std::string_view, error_code) override {
    const auto streams = std::move(streams_);
    streams_.clear();
    for (const auto& [id, stream] : streams) stream->down_closed(NGHTTP2_INTERNAL_ERROR);
  }

  std::shared_ptr<BridgeStream> find(std::int32_t id) const {
    const auto found = streams_.find(id);
    return found == streams_.end() ? nullptr : found->second;
  }

  absl::flat_hash_map<std::int32_t, std::shared_ptr<BridgeStream>> streams_;
  std::shared_ptr<BridgeTarget> target_;
  bool going_away_ = false;
};

void BridgeStream::on_data(std::string_view bytes) {
  const auto server = server_.lock();
  if (!server || !bridge_) return;
  if (!server->account().take(bytes.size())) return server->reset(server_id_, NGHTTP2_ENHANCE_YOUR_CALM);
  up_.append(bytes);
  bridge_->resume(bridge_id_);
}

void BridgeStream::on_end() {
  up_ended_ = true;
  if (bridge_) bridge_->resume(bridge_id_);
}

void BridgeStream::on_closed(std::uint32_t error) {
  if (const auto server = server_.lock()) server->account().give_back(up_.size() + down_.size());
  server_.reset();
  up_.clear();
  down_.clear();
  // The bridge must not find us any more when its own stream ends.
  if (const auto bridge = std::move(bridge_)) {
    bridge->forget(bridge_id_);
    bridge->reset(bridge_id_, error == NGHTTP2_NO_ERROR ? std::uint32_t{NGHTTP2_CANCEL} : error);
  }
  bridge_.reset();
}

ssize_t BridgeStream::read_up(std::uint8_t* to, std::size_t size, std::uint32_t* flags) {
  const std::size_t copied = up_.read(to, size);
  if (const auto server = server_.lock()) {
    server->account().give_back(copied);
    server->consume_stream(server_id_, copied);
  }
  if (up_.empty() && up_ended_) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(copied);
  }
  if (copied == 0) return NGHTTP2_ERR_DEFERRED;
  return static_cast<ssize_t>(copied);
}

void BridgeStream::down_header(std::string_view name, std::string_view value) {
  if (name == ":status") {
    status_ = value;
  } else if (!name.starts_with(':')) {
    headers_.add(std::string(name), std::string(value));
  }
}

void BridgeStream::down_headers_end(bool end_stream) {
  const auto server = server_.lock();
  if (!server) return;
  if (responding_) return down_end();  // these were the trailers
  if (status_.starts_with('1')) return headers_ = Metadata(), void();
  responding_ = true;
  HeaderList headers;
  headers.add(":status", status_);
  headers.add(headers_);
  server->submit_response(server_id_, headers, !end_stream);
  headers_ = Metadata();
  down_ended_ = end_stream;
}

void BridgeStream::down_data(std::string_view bytes) {
  const auto server = server_.lock();
  if (!server) return;
  if (!server->account().take(bytes.size())) return server->reset(server_id_, NGHTTP2_ENHANCE_YOUR_CALM);
  down_.append(bytes);
  server->resume(server_id_);
}

void BridgeStream::down_end() {
  down_ended_ = true;
  if (const auto server = server_.lock()) server->resume(server_id_);
}

void BridgeStream::down_closed(std::uint32_t error) {
  bridge_.reset();
  const auto server = server_.lock();
  if (server && !down_ended_) {
    server->reset(server_id_, error == NGHTTP2_NO_ERROR ? std::uint32_t{NGHTTP2_INTERNAL_ERROR} : error);
  }
}

ssize_t BridgeStream::read_body(std::uint8_t* to, std::size_t size, std::uint32_t* flags) {
  const std::size_t copied = down_.read(to, size);
  const auto server = server_.lock();
  if (server) server->account().give_back(copied);
  if (bridge_) bridge_->consume_stream(bridge_id_, copied);
  if (down_.empty() && down_ended_ && server) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!headers_.empty()) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      HeaderList trailers;
      trailers.add(headers_);
      server->submit_trailers(server_id_, trailers);
    }
    return static_cast<ssize_t>(copied);
  }
  if (copied == 0) return NGHTTP2_ERR_DEFERRED;
  return static_cast<ssize_t>(copied);
}

GrpcBridge::GrpcBridge(Loop& loop, std::shared_ptr<BridgeTarget> target) : loop_(loop), target_(std::move(target)) {}

GrpcBridge::~GrpcBridge() { close(); }

void GrpcBridge::close() {
  if (const auto session = std::move(current_)) session->close("");
  current_.reset();
}

std::shared_ptr<ServerStream> GrpcBridge::open(const std::shared_ptr<Http2ServerSession>& session, std::int32_t id,
                                               const RequestHead& head) {
  HeaderList headers;
  headers.add(":method", head.method);
  headers.add(":scheme", head.scheme);
  headers.add(":path", head.path);
  const std::string_view host = head.authority.empty() ? head.metadata.get("host") : std::string_view(head.authority);
  headers.add(":authority", host.empty() ? "localhost" : host);
  for (const Header& header : head.metadata) {
    if (header.name != kBridgePeerHeader && header.name != "host") headers.add(header.name, header.value);
  }
  headers.add(kBridgePeerHeader, session->peer());

  // A used-up session (GOAWAY, no id left) is set aside for the streams that still hold it.
  for (int attempt = 0; attempt < 2; ++attempt) {
    if (!current_ || !current_->usable()) {
      if (!target_->slots().take(1)) return nullptr;
      const int fd = target_->connect();
      error_code ec;
      Transport transport = fd < 0 ? Transport(loop_) : Transport::from_fd(loop_, fd, ec);
      if (fd < 0 || ec) {
        target_->slots().give_back(1);
        return nullptr;
      }
      current_ = std::make_shared<BridgeSession>(loop_, std::move(transport), target_);
      current_->begin("");
    }
    auto stream = std::make_shared<BridgeStream>(session, id, current_);
    if (current_->open(stream, headers)) return stream;
  }
  return nullptr;
}

}  // namespace ringside::net
