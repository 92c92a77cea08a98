#pragma once
#include <string>
#include <vector>

namespace elbow::bench {

/// The lines, as words, that bench/peers/<script with arguments> prints. Empty, with a row that says so, if there are none:
/// it is started from the project's folder and needs PyTorch or JAX.
std::vector<std::vector<std::string>> ask_peer(const std::string& script);

}  // namespace elbow::bench
