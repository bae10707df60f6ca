#include "sidecar/net/resolver.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <utility>

#include <absl/container/flat_hash_map.h>
#include <absl/strings/str_join.h>
#include <ares.h>
#include <arpa/inet.h>
#include <netdb.h>

#include "sidecar/base/freed_by.h"

namespace ringside::net {

namespace {

// Answers are bounded: a name with more is cut.
constexpr std::size_t kMaxEndpoints = 10'000;
constexpr std::size_t kMaxTargets = 2'000;
// How often c-ares is asked about its own timeouts while a question is open.
constexpr std::chrono::milliseconds kLongestWait{500};

using ChannelHandle = std::unique_ptr<ares_channeldata, base::FreedBy<ares_destroy>>;
using HostHandle = std::unique_ptr<hostent, base::FreedBy<ares_free_hostent>>;
using AddressesHandle = std::unique_ptr<ares_addrinfo, base::FreedBy<ares_freeaddrinfo>>;
using ServicesHandle = std::unique_ptr<ares_srv_reply, base::FreedBy<ares_free_data>>;

struct SrvTarget {
  std::string host;
  std::uint16_t port = 0;
  std::uint16_t priority = 0;
  std::uint16_t weight = 0;
};

// One c-ares channel for one question: cancelling is destroying it, and a changed resolv.conf is read anew.
class Query : public std::enable_shared_from_this<Query> {
 public:
  Query(Loop& loop, const ResolverOptions& options, Resolver::Done done)
      : loop_(loop), options_(options), done_(std::move(done)), total_(loop), step_(loop) {}
  ~Query() { destroy(); }
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  void start_host(const Endpoint& endpoint, bool all) {
    if (!open()) return;
    hurry_ = !all;
    lookup(endpoint.host, endpoint.port);
    pump();
  }

  void start_srv(const std::string& name) {
    if (!open()) return;
    ++open_questions_;
    ares_query(channel_.get(), name.c_str(), 1 /* IN */, 33 /* SRV */, on_srv, this);
    pump();
  }

  void cancel() {
    done_ = nullptr;
    destroy();
  }

 private:
  struct Watch {
    explicit Watch(Loop& loop) : descriptor(loop) {}
    loop::Readiness descriptor;
    bool read = false;
    bool write = false;
    bool reading = false;
    bool writing = false;
  };

  struct HostQuestion {
    Query* query;
    std::uint16_t port;
  };

  bool open() {
    ares_options options{};
    options.timeout = static_cast<int>(std::max<std::int64_t>(1, options_.timeout.count() / 3));
    options.tries = 3;
    char lookups[] = "b";  // DNS; the hosts file is read before
    options.lookups = lookups;
    options.sock_state_cb = on_socket;
    options.sock_state_cb_data = this;
    const int mask = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;
    ares_channel channel = nullptr;
    int status = ares_init_options(&channel, &options, mask);
    channel_.reset(channel);
    if (status == ARES_SUCCESS && !options_.servers.empty()) {
      status = ares_set_servers_ports_csv(channel, absl::StrJoin(options_.servers, ",").c_str());
    }
    if (status != ARES_SUCCESS) {
      fail(status);
      loop_.post([self = shared_from_this()] { self->finish(); });
      return false;
    }
    end_within(options_.timeout);
    return true;
  }

  void end_within(std::chrono::milliseconds time) {
    total_.after(time, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      self->fail(ARES_ETIMEOUT);
      self->finish();
    });
  }

  // Each family by itself: one that is never answered keeps nothing of the other back.
  void lookup(const std::string& host, std::uint16_t port) {
    if (in_hosts_file(host, port)) return;
    for (const int family : {AF_INET, AF_INET6}) {
      ++open_questions_;
      ares_addrinfo_hints hints{};
      hints.ai_family = family;
      hints.ai_socktype = SOCK_STREAM;
      hints.ai_flags = ARES_AI_NOSORT;
      // c-ares calls it once, whatever comes, and also where the channel is destroyed before.
      auto question = std::make_unique<HostQuestion>(HostQuestion{this, port});
      ares_getaddrinfo(channel_.get(), host.c_str(), nullptr, &hints, on_addresses, question.release());
    }
  }

  bool in_hosts_file(const std::string& host, std::uint16_t port) {
    bool found = false;
    for (const int family : {AF_INET, AF_INET6}) {
      hostent* read = nullptr;
      if (ares_gethostbyname_file(channel_.get(), host.c_str(), family, &read) != ARES_SUCCESS) continue;
      const HostHandle entry(read);
      for (char** address = entry->h_addr_list; *address != nullptr; ++address) {
        std::array<char, INET6_ADDRSTRLEN> text{};
        if (inet_ntop(entry->h_addrtype, *address, text.data(), text.size()) != nullptr) add({text.data(), port, ""});
        found = true;
      }
    }
    return found;
  }

  void add(Endpoint endpoint) {
    if (found_.size() >= kMaxEndpoints || std::find(found_.begin(), found_.end(), endpoint) != found_.end()) return;
    found_.push_back(std::move(endpoint));
  }

  static void on_addresses(void* user, int status, int, ares_addrinfo* given) {
    const std::unique_ptr<const HostQuestion> question(static_cast<HostQuestion*>(user));
    const AddressesHandle answer(given);
    Query& self = *question->query;
    --self.open_questions_;
    if (status != ARES_SUCCESS) return self.fail(status);
    for (const ares_addrinfo_node* node = answer->nodes; node; node = node->ai_next) {
      Endpoint endpoint = to_endpoint(SocketAddress(node->ai_addr, node->ai_addrlen));
      endpoint.port = question->port;
      self.add(std::move(endpoint));
    }
  }

  static void on_srv(void* user, int status, int, unsigned char* answer, int size) {
    Query& self = *static_cast<Query*>(user);
    --self.open_questions_;
    ares_srv_reply* read = nullptr;
    if (status == ARES_SUCCESS) status = ares_parse_srv_reply(answer, size, &read);
    const ServicesHandle list(read);
    if (status != ARES_SUCCESS) return self.fail(status);
    for (const ares_srv_reply* srv = list.get(); srv && self.targets_.size() < kMaxTargets; srv = srv->next) {
      self.targets_.push_back({srv->host, srv->port, srv->priority, srv->weight});
    }
    std::stable_sort(self.targets_.begin(), self.targets_.end(), [](const SrvTarget& a, const SrvTarget& b) {
      return a.priority != b.priority ? a.priority < b.priority : a.weight > b.weight;
    });
    self.targets_pending_ = true;
  }

  // Keeps the reason why; not_found only where every question agreed.
  void fail(int status) {
    why_ = ares_strerror(status);
    failures_ += 1;
    const bool absent = status == ARES_ENOTFOUND || status == ARES_ENODATA;
    not_found_ += absent ? 1 : 0;
  }

  ResolveFailure failure() const {
    return {why_.empty() ? "no records" : why_, failures_ > 0 && failures_ == not_found_};
  }

  static void on_socket(void* user, ares_socket_t fd, int readable, int writable) {
    Query& self = *static_cast<Query*>(user);
    auto found = self.watches_.find(fd);
    if (!readable && !writable) {
      if (found == self.watches_.end()) return;
      found->second->descriptor.release();  // c-ares closes it
      self.watches_.erase(found);
      return;
    }
    if (found == self.watches_.end()) {
      auto watch = std::make_shared<Watch>(self.loop_);
      if (!watch->descriptor.open(fd)) return;  // the total timeout ends the question
      found = self.watches_.emplace(fd, std::move(watch)).first;
    }
    found->second->read = readable != 0;
    found->second->write = writable != 0;
  }

  void wait(ares_socket_t fd, const std::shared_ptr<Watch>& watch) {
    if (watch->read && !watch->reading) {
      watch->reading = true;
      watch->descriptor.look_again();
      watch->descriptor.wait_readable([weak = weak_from_this(), watch, fd] {
        watch->reading = false;
        if (const auto self = weak.lock()) self->process(fd, ARES_SOCKET_BAD, watch);
      });
    }
    if (watch->write && !watch->writing) {
      watch->writing = true;
      watch->descriptor.wait_writable([weak = weak_from_this(), watch, fd] {
        watch->writing = false;
        if (const auto self = weak.lock()) self->process(ARES_SOCKET_BAD, fd, watch);
      });
    }
  }

  void process(ares_socket_t readable, ares_socket_t writable, const std::shared_ptr<Watch>& watch) {
    if (!channel_) return;
    const auto found = watches_.find(readable != ARES_SOCKET_BAD ? readable : writable);
    if (found == watches_.end() || found->second != watch) return;  // the number belongs to another socket by now
    ares_process_fd(channel_.get(), readable, writable);
    pump();
  }

  // What c-ares' callbacks asked for, outside of them.
  void pump() {
    while (std::exchange(targets_pending_, false)) {
      for (const SrvTarget& target : targets_) lookup(target.host, target.port);
    }
    if (open_questions_ == 0) {
      loop_.post([self = shared_from_this()] { self->finish(); });
      return;
    }
    if (hurry_ && !found_.empty()) {
      hurry_ = false;
      end_within(std::min(options_.other_family, options_.timeout));
    }
    const auto watches = watches_;
    for (const auto& [fd, watch] : watches) wait(fd, watch);
    timeval most{0, std::chrono::microseconds(kLongestWait).count()};
    timeval next{};
    const timeval* until = ares_timeout(channel_.get(), &most, &next);
    step_.after(std::chrono::seconds(until->tv_sec) + std::chrono::microseconds(until->tv_usec + 1000),
                [weak = weak_from_this()] {
                  const auto self = weak.lock();
                  if (!self || !self->channel_) return;
                  ares_process_fd(self->channel_.get(), ARES_SOCKET_BAD, ARES_SOCKET_BAD);
                  self->pump();
                });
  }

  void finish() {
    if (!done_) return;
    auto done = std::exchange(done_, nullptr);
    ResolveResult result = found_.empty() ? ResolveResult(base::Error(failure())) : ResolveResult(std::move(found_));
    destroy();
    done(std::move(result));
  }

  void destroy() {
    total_.cancel();
    step_.cancel();
    // Its callbacks run inside, and the sockets are let go through on_socket.
    std::exchange(channel_, nullptr).reset();
    for (auto& [fd, watch] : watches_) watch->descriptor.release();
    watches_.clear();
  }

  Loop& loop_;
  const ResolverOptions options_;
  Resolver::Done done_;
  ChannelHandle channel_;
  Timer total_;
  Timer step_;
  absl::flat_hash_map<ares_socket_t, std::shared_ptr<Watch>> watches_;
  std::vector<SrvTarget> targets_;
  std::vector<Endpoint> found_;
  std::string why_;  // of the last failure
  bool targets_pending_ = false;
  bool hurry_ = false;  // one family is enough, soon
  int open_questions_ = 0;
  int failures_ = 0;
  int not_found_ = 0;
};

bool is_localhost(const std::string& host) { return host == "localhost" || host == "localhost."; }

}  // namespace

class Resolver::Impl : public std::enable_shared_from_this<Impl> {
 public:
  Impl(Loop& loop, ResolverOptions options) : loop_(loop), options_(std::move(options)) {}

  void answer(QueryId id, std::vector<Endpoint> endpoints, Done done) {
    local_.insert(id);
    loop_.post([weak = weak_from_this(), id, endpoints = std::move(endpoints), done = std::move(done)]() mutable {
      const auto self = weak.lock();
      if (self && self->local_.erase(id) == 1) done(std::move(endpoints));
    });
  }

  std::shared_ptr<Query> make(QueryId id, Done done) {
    auto query = std::make_shared<Query>(
        loop_, options_, [weak = weak_from_this(), id, done = std::move(done)](ResolveResult result) mutable {
          if (const auto self = weak.lock()) self->queries_.erase(id);
          done(std::move(result));
        });
    queries_[id] = query;
    return query;
  }

  void cancel(QueryId id) {
    local_.erase(id);
    const auto found = queries_.find(id);
    if (found == queries_.end()) return;
    const auto query = found->second;
    queries_.erase(found);
    query->cancel();
  }

  void cancel_all() {
    local_.clear();
    const auto queries = std::exchange(queries_, {});
    for (const auto& [id, query] : queries) query->cancel();
  }

  QueryId ask(const Endpoint& endpoint, bool all, Done done) {
    const QueryId id = next_id();
    if (endpoint.is_literal()) {
      answer(id, {endpoint}, std::move(done));
    } else if (is_localhost(endpoint.host)) {
      Endpoint v4 = endpoint;
      Endpoint v6 = endpoint;
      v4.host = "127.0.0.1";
      v6.host = "::1";
      answer(id, {v4, v6}, std::move(done));
    } else {
      make(id, std::move(done))->start_host(endpoint, all);
    }
    return id;
  }

  QueryId next_id() { return ++last_id_; }

 private:
  Loop& loop_;
  ResolverOptions options_;
  std::set<QueryId> local_;
  absl::flat_hash_map<QueryId, std::shared_ptr<Query>> queries_;
  QueryId last_id_ = 0;
};

Resolver::Resolver(Loop& loop, ResolverOptions options) : impl_(std::make_shared<Impl>(loop, std::move(options))) {
  ares_library_init(ARES_LIB_INIT_ALL);
}

Resolver::~Resolver() {
  impl_->cancel_all();
  ares_library_cleanup();
}

Resolver::QueryId Resolver::resolve(const Endpoint& endpoint, Done done) {
  return impl_->ask(endpoint, false, std::move(done));
}

Resolver::QueryId Resolver::resolve_all(const Endpoint& endpoint, Done done) {
  return impl_->ask(endpoint, true, std::move(done));
}

Resolver::QueryId Resolver::resolve_srv(const std::string& name, Done done) {
  const QueryId id = impl_->next_id();
  impl_->make(id, std::move(done))->start_srv(name);
  return id;
}

void Resolver::cancel(QueryId query) { impl_->cancel(query); }

}  // namespace ringside::net
