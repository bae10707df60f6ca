// The files of --tls-cert, --tls-key and --tls-roots, read again and again: by content, since Kubernetes swaps a folder
// and leaves the files alone, and notifications of the kernel miss that. What is not good never takes the place of what
// works. Loop thread only.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "sidecar/base/result.h"
#include "sidecar/net/tls/credentials.h"

namespace ringside::peer_tls {

struct CredentialPaths {
  std::string certificate;
  std::string key;
  std::string roots;
};

// The error is the reason, to stand behind "cannot be read: ".
using ReadFile = std::function<base::Result<std::string, std::string>(const std::string& path)>;
inline constexpr std::size_t kMostOfAFile = std::size_t{4} << 20;  // bytes that whoever reads has to take

// All three. The error is a sentence that names the setting and the file.
base::Result<net::CredentialTexts, std::string> read_texts(const CredentialPaths& paths, const ReadFile& read_file);

class CredentialFiles {
 public:
  CredentialFiles(CredentialPaths paths, ReadFile read_file, std::chrono::milliseconds clock_skew)
      : paths_(std::move(paths)), read_file_(std::move(read_file)), clock_skew_(clock_skew) {}

  struct Look {
    // What to use from now on; null: nothing new.
    std::shared_ptr<const net::Credentials> credentials;
    // Why what stands in the files is not used; empty: it is. A sentence.
    std::string problem;
    bool is_news = false;  // the files were not like this when they were looked at last
  };
  Look look(net::WallTime now);
  // What look() gave is in use.
  void took(std::shared_ptr<const net::Credentials> credentials);

 private:
  base::Result<std::shared_ptr<const net::Credentials>, std::string> check(const net::CredentialTexts& texts,
                                                                           net::WallTime now) const;

  CredentialPaths paths_;
  ReadFile read_file_;
  std::chrono::milliseconds clock_skew_;
  std::shared_ptr<const net::Credentials> used_;
  net::CredentialTexts used_texts_;
  net::CredentialTexts last_texts_;  // at the last look
  std::string last_unread_;          // why they could not be read then
};

}  // namespace ringside::peer_tls
