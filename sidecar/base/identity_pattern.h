// Which identities in certificates one --member-id or --caller-id stands for.
//
//   spiffe://example.org/ns/shop/sa/cart    that SPIFFE id (SPIFFE-ID standard, section 2), byte for byte
//   spiffe://example.org/ns/shop/*          every id below that path, however deep
//   dns:carts.example.org                   that DNS name, of certificates without a URI name: with one, that counts
//
// No regular expressions: what an operator reads is what is allowed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sidecar/base/result.h"

namespace ringside::base {

// The error is half a sentence: "has no trust domain".
Result<void, std::string> check_spiffe_id(std::string_view text);

class IdentityPattern {
 public:
  static Result<IdentityPattern, std::string> parse(std::string_view text);

  // `uri`: the certificate's URI name, empty where it has none. `dns`: its DNS names, in lower case.
  bool matches(std::string_view uri, const std::vector<std::string>& dns) const;
  const std::string& text() const { return text_; }
  bool operator==(const IdentityPattern&) const = default;

 private:
  enum class Kind { kUri, kUrisBelow, kDns };
  IdentityPattern(Kind kind, std::string text, std::string wanted)
      : kind_(kind), text_(std::move(text)), wanted_(std::move(wanted)) {}

  Kind kind_;
  std::string text_;
  std::string wanted_;  // what is compared: the id, the path with its last slash, the name
};

}  // namespace ringside::base
