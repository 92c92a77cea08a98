#pragma once
// A shuffled mini-batch: output[r, c] = data[shuffled(first + r), c], r in [0, rows), c in [0, columns).
// Overwrites.
//
// `shuffled` is the keyed bijection of [0, samples) of kernels/philox.h for (seed, stream, epoch): each epoch
// visits each sample once, and no permutation is stored. 0 <= first, first + rows <= samples.
#include "kernels/types.h"

namespace elbow::kernels {

template <class T>
struct Gather {
  std::uint64_t seed;
  std::uint32_t stream;
  std::uint32_t epoch;
  Index samples;
  Index first;
  Index rows;
  Index columns;
  const T* data;
  T* output;
};

namespace cpu {
template <class T>
void run(const Gather<T>&);  // float, double, std::uint8_t
}
namespace cuda {
template <class T>
void run(const Gather<T>&);  // float, double, std::uint8_t
}

}  // namespace elbow::kernels
