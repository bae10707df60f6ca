// transcripts [--rewrite] FILE...: performs each, and compares what happens with what is written there.
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/transcripts/script.h"

namespace {

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot be read");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// The first line that differs is what a person looks for.
void show_difference(const std::string& expected, const std::string& actual) {
  std::istringstream one(expected), other(actual);
  std::string left, right;
  for (int number = 1; true; ++number) {
    const bool more = static_cast<bool>(std::getline(one, left));
    const bool also_more = static_cast<bool>(std::getline(other, right));
    if (more && also_more && left == right) continue;
    std::cout << "  line " << number << "\n    written:  " << (more ? left : "(the end)")
              << "\n    happened: " << (also_more ? right : "(the end)") << "\n";
    return;
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> files(argv + 1, argv + argc);
  const bool rewrite = !files.empty() && files.front() == "--rewrite";
  if (rewrite) files.erase(files.begin());
  if (files.empty()) {
    std::cerr << "usage: transcripts [--rewrite] FILE...\n";
    return 2;
  }
  int failed = 0;
  for (const std::string& path : files) {
    try {
      const std::string written = read(path);
      const std::string happened = ringside::transcripts::perform(written);
      if (written == happened) continue;
      if (rewrite) {
        std::ofstream(path, std::ios::binary) << happened;
        std::cout << path << ": rewritten\n";
        continue;
      }
      std::cout << path << ": something else happened (./run transcripts --rewrite takes it over)\n";
      show_difference(written, happened);
      ++failed;
    } catch (const std::exception& error) {
      std::cout << path << ": " << error.what() << "\n";
      ++failed;
    }
  }
  return failed == 0 ? 0 : 1;
}
