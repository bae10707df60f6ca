#include "sidecar/cli/libraries.h"

#include <absl/base/config.h>
#include <ares.h>
#include <boost/version.hpp>
#include <fmt/core.h>
#include <gnu/libc-version.h>
#include <google/protobuf/stubs/common.h>
#include <nghttp2/nghttp2.h>
#include <nlohmann/json.hpp>
#include <openssl/crypto.h>
#include <zlib.h>

namespace ringside::cli {
namespace {

std::string dotted(int major, int minor, int patch) {
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

}  // namespace

std::vector<Library> loaded_libraries() {
  return {{"OpenSSL", OpenSSL_version(OPENSSL_VERSION_STRING)},
          {"nghttp2", nghttp2_version(0)->version_str},
          {"c-ares", ares_version(nullptr)},
          {"zlib", zlibVersion()},
          {"glibc", gnu_get_libc_version()}};
}

std::vector<Library> built_with_libraries() {
  constexpr int kProtobuf = GOOGLE_PROTOBUF_VERSION;
  return {
      {"protobuf", dotted(kProtobuf / 1'000'000, kProtobuf / 1000 % 1000, kProtobuf % 1000)},
      {"abseil", std::to_string(ABSL_LTS_RELEASE_VERSION)},
      {"fmt", dotted(FMT_VERSION / 10'000, FMT_VERSION / 100 % 100, FMT_VERSION % 100)},
      {"boost", dotted(BOOST_VERSION / 100'000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100)},
      {"nlohmann-json", dotted(NLOHMANN_JSON_VERSION_MAJOR, NLOHMANN_JSON_VERSION_MINOR, NLOHMANN_JSON_VERSION_PATCH)}};
}

}  // namespace ringside::cli
