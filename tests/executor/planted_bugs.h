#pragma once
// Kernels with one bug each, and the same kernels without it.
#include <vector>

namespace elbow::test {

struct PlantedBug {
  const char* name;
  /// Launches the kernel with or without its bug; true if the result is right. May throw, or end the process,
  /// where the executor or a sanitizer sees the bug.
  bool (*gives_right_result)(bool planted);
};

std::vector<PlantedBug> planted_bugs();

/// Threads of four blocks of 512 whose last writes what the first has written, and a kernel that leaves it.
bool race_of_many_threads(bool planted);

}  // namespace elbow::test
