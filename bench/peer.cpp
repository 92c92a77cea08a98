#include "bench/peer.h"

#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <sstream>

namespace elbow::bench {

std::vector<std::vector<std::string>> ask_peer(const std::string& script) {
  const std::string command = "python3 bench/peers/" + script;
  const std::unique_ptr<FILE, int (*)(FILE*)> peer(popen(command.c_str(), "r"), pclose);
  std::vector<std::vector<std::string>> lines;
  char line[256];
  while (peer && std::fgets(line, sizeof line, peer.get()) != nullptr) {
    std::istringstream words(line);
    std::vector<std::string> found;
    for (std::string word; words >> word;) found.push_back(word);
    lines.push_back(found);
  }
  if (lines.empty()) {
    fmt::print("{}: no answer; it wants the project's folder, and PyTorch or JAX\n", command);
  }
  return lines;
}

}  // namespace elbow::bench
