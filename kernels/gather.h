#pragma once
// A shuffled mini-batch: output[r, c] = data[shuffled(first + r), c], r in [0, rows), c in [0, columns).
// Overwrites. Data in bytes are pixels, 0 to 255, and become 0 to 1.
//
// `shuffled` is the keyed bijection of [0, samples) of kernels/philox.h for (seed, stream, epoch): each epoch
// visits each sample once, and no permutation is stored. 0 <= first, first + rows <= samples.
#include "kernels/types.h"

namespace elbow::kernels {

template <class T, class Stored = T>
struct Gather {
  std::uint64_t seed;
  std::uint32_t stream;
  std::uint32_t epoch;
  Index samples;
  Index first;
  Index rows;
  Index columns;
  const Stored* data;
  T* output;
};

template <class T>
ELBOW_HD T number_of(T stored) {
  return stored;
}
template <class T>
ELBOW_HD T number_of(std::uint8_t pixel) {
  return static_cast<T>(pixel) * static_cast<T>(1.0 / 255);
}

namespace cpu {
template <class T, class Stored>
void run(const Gather<T, Stored>&);  // float, double, and float of bytes
}
namespace cuda {
template <class T, class Stored>
void run(const Gather<T, Stored>&);  // float, double, and float of bytes
}

}  // namespace elbow::kernels
