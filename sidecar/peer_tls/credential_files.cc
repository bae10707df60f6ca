#include "sidecar/peer_tls/credential_files.h"

#include <algorithm>
#include <utility>

namespace ringside::peer_tls {
namespace {

constexpr const char* kKept = " (what was read before stays in use)";

// Without SPIFFE a renewed certificate may have more names than the one before, and in another order.
bool same_identity(const net::CertificateFacts& one, const net::CertificateFacts& other) {
  if (one.uri != other.uri) return false;
  return !one.uri.empty() ||
         std::find_first_of(one.dns.begin(), one.dns.end(), other.dns.begin(), other.dns.end()) != one.dns.end();
}

}  // namespace

base::Result<net::CredentialTexts, std::string> read_texts(const CredentialPaths& paths, const ReadFile& read_file) {
  net::CredentialTexts texts;
  const auto take = [&read_file](const char* setting, const std::string& path,
                                 std::string& to) -> base::Result<void, std::string> {
    if (path.empty()) return base::Error(std::string(setting) + " is not set");
    auto text = read_file(path);
    if (!text) {
      return base::Error("the file of " + std::string(setting) + ", " + path + ", cannot be read: " + text.error());
    }
    to = std::move(*text);
    return {};
  };
  if (auto done = take("--tls-cert", paths.certificate, texts.certificate); !done) return base::Error(done.error());
  if (auto done = take("--tls-key", paths.key, texts.key); !done) return base::Error(done.error());
  if (auto done = take("--tls-roots", paths.roots, texts.roots); !done) return base::Error(done.error());
  return texts;
}

base::Result<std::shared_ptr<const net::Credentials>, std::string> CredentialFiles::check(
    const net::CredentialTexts& texts, net::WallTime now) const {
  // One that has run out takes the place of none that works.
  const auto run_out = used_ ? net::RunOut::kNever : net::RunOut::kWithinSkew;
  auto read = net::Credentials::read(texts, now, clock_skew_, run_out);
  if (!read || !used_) return read;
  const net::CertificateFacts& found = (*read)->own().leaf;
  const net::CertificateFacts& wanted = used_->own().leaf;
  if (same_identity(found, wanted)) return read;
  return base::Error("the certificate of --tls-cert is of another identity: found " + found.identity() +
                     ", in use is " + wanted.identity() +
                     "; another identity needs a restart, with --member-id for both on every host");
}

CredentialFiles::Look CredentialFiles::look(net::WallTime now) {
  Look look;
  const auto texts = read_texts(paths_, read_file_);
  if (!texts) {
    look.problem = texts.error();
    look.is_news = std::exchange(last_unread_, look.problem) != look.problem;
  } else {
    look.is_news = !last_unread_.empty() || !(*texts == last_texts_);
    last_unread_.clear();
    last_texts_ = *texts;
    if (used_ && *texts == used_texts_) return look;
    auto checked = check(*texts, now);
    if (checked) {
      look.credentials = std::move(*checked);
    } else {
      look.problem = std::move(checked.error());
    }
  }
  if (used_ && !look.problem.empty()) look.problem += kKept;
  return look;
}

void CredentialFiles::took(std::shared_ptr<const net::Credentials> credentials) {
  used_ = std::move(credentials);
  used_texts_ = last_texts_;
}

}  // namespace ringside::peer_tls
