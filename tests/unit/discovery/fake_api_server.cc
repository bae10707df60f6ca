#include "tests/unit/discovery/fake_api_server.h"

#include <cstdio>
#include <cstdlib>

#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace ringside::discovery::testing {
namespace {

namespace asio = boost::asio;

std::string chunk(const std::string& text) {
  char size[32];
  std::snprintf(size, sizeof size, "%zx\r\n", text.size());
  return size + text + "\r\n";
}

}  // namespace

void FakeApiServer::Request::answer(int status, const std::string& body) const {
  write("HTTP/1.1 " + std::to_string(status) + " x\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" +
        body);
}

void FakeApiServer::Request::begin() const { write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"); }

void FakeApiServer::Request::event(const std::string& type, const std::string& object) const {
  write(chunk(R"({"type":")" + type + R"(","object":)" + object + "}\n"));
}

struct FakeApiServer::Connection : std::enable_shared_from_this<Connection> {
  Connection(asio::ip::tcp::socket socket, asio::ssl::context& context) : stream(std::move(socket), context) {}

  void flush() {
    if (writing || out.empty()) return;
    writing = true;
    auto data = std::make_shared<std::string>(std::exchange(out, {}));
    asio::async_write(stream, asio::buffer(*data), [self = shared_from_this(), data](const auto&, std::size_t) {
      self->writing = false;
      self->flush();
    });
  }
  void watch_for_end(std::shared_ptr<bool> closed) {
    stream.async_read_some(asio::buffer(scratch), [self = shared_from_this(), closed](const auto& error, std::size_t) {
      if (error) *closed = true;
    });
  }

  asio::ssl::stream<asio::ip::tcp::socket> stream;
  std::string in, out;
  std::array<char, 16> scratch{};
  bool writing = false;
};

FakeApiServer::FakeApiServer(net::Loop& loop, const std::string& directory, const std::string& name)
    : asio_(loop),
      context_(asio::ssl::context::tls_server),
      acceptor_(asio_.context(), {asio::ip::address_v4::loopback(), 0}) {
  make_certificate(directory, name);
  context_.use_certificate_file(directory + "/ca.crt", asio::ssl::context::pem);
  context_.use_private_key_file(directory + "/server.key", asio::ssl::context::pem);
  accept();
}

net::Endpoint FakeApiServer::endpoint() const {
  net::Endpoint endpoint;
  endpoint.host = "127.0.0.1";
  endpoint.port = acceptor_.local_endpoint().port();
  return endpoint;
}

void FakeApiServer::accept() {
  acceptor_.async_accept([this](const auto& error, asio::ip::tcp::socket socket) {
    if (error) return;
    auto connection = std::make_shared<Connection>(std::move(socket), context_);
    connection->stream.async_handshake(asio::ssl::stream_base::server, [this, connection](const auto& failed) {
      if (failed) return;
      asio::async_read_until(connection->stream, asio::dynamic_buffer(connection->in), "\r\n\r\n",
                             [this, connection](const auto& broken, std::size_t) {
                               if (broken) return;
                               const std::string& in = connection->in;
                               Request request;
                               request.target = in.substr(4, in.find(' ', 4) - 4);
                               const std::size_t bearer = in.find("Bearer ");
                               request.token = in.substr(bearer + 7, in.find("\r\n", bearer) - bearer - 7);
                               request.write = [connection](const std::string& bytes) {
                                 connection->out += bytes;
                                 connection->flush();
                               };
                               request.close = [connection] { connection->stream.lowest_layer().close(); };
                               connection->watch_for_end(request.closed);
                               requests.push_back(std::move(request));
                             });
    });
    accept();
  });
}

void FakeApiServer::make_certificate(const std::string& directory, const std::string& name) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  X509_set_issuer_name(certificate, subject);
  X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, ("IP:" + name).c_str());
  X509_add_ext(certificate, names, -1);
  X509_EXTENSION_free(names);
  X509_sign(certificate, key, EVP_sha256());
  std::FILE* file = std::fopen((directory + "/ca.crt").c_str(), "w");
  PEM_write_X509(file, certificate);
  std::fclose(file);
  file = std::fopen((directory + "/server.key").c_str(), "w");
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

std::string slice(const std::string& name, const std::string& version, const std::vector<std::string>& endpoints) {
  std::string list;
  for (std::string address : endpoints) {
    const bool ending = address.back() == '!';
    if (ending) address.pop_back();
    list += std::string(list.empty() ? "" : ",") + R"({"addresses":[")" + address +
            R"("],"conditions":{"ready":true,)" + R"("serving":false,"terminating":)" + (ending ? "true" : "false") +
            "}}";
  }
  return R"({"kind":"EndpointSlice","metadata":{"name":")" + name + R"(","resourceVersion":")" + version +
         R"("},"addressType":"IPv4","endpoints":[)" + list + "]}";
}

std::string slice_list(const std::string& version, const std::vector<std::string>& slices) {
  std::string items;
  for (const std::string& one : slices) items += (items.empty() ? "" : ",") + one;
  return R"({"kind":"EndpointSliceList","metadata":{"resourceVersion":")" + version + R"("},"items":[)" + items + "]}";
}

}  // namespace ringside::discovery::testing
