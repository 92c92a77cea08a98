#pragma once
// Counts what a program allocates through operator new, which is all that elbow uses.
#include <cstddef>

namespace elbow::bench {

/// Bytes allocated by all threads since the start, freed or not.
std::size_t allocated_bytes();

}  // namespace elbow::bench
