#pragma once
// Counter-based random numbers, Philox4x32-10 (Salmon et al., SC 2011): stateless, the same integers on every
// device.
//
// output[r, c], r in [0, rows), c in [0, columns), comes from the block with
//   key = seed (64 bits), counter = (stream, step, first_sample + r, c / 4)
// whose four words are columns 4b .. 4b+3. Overwrites.
//   uniform: ((word >> 9) + 1/2) 2^-23, in (0, 1), exact in float32; scaled to low + (high - low) u
//   normal:  Box-Muller on the word pairs (0, 1) and (2, 3): radius sqrt(-2 log u_even), angle 2 pi u_odd;
//            the cosine, then the sine. |normal| <= 5.77.
//
// float64 output starts from the same words and is computed in float64, so it agrees with float32 to
// rounding.
#include "kernels/philox.h"
#include "kernels/types.h"

namespace elbow::kernels {

enum class Distribution { uniform, normal };

template <class T>
struct Random {
  Distribution distribution;
  std::uint64_t seed;
  std::uint32_t stream;
  std::uint32_t step;
  std::uint32_t first_sample;
  Index rows;
  Index columns;
  double low;   ///< uniform only
  double high;  ///< uniform only
  T* output;
};

/// Columns 4 block .. 4 block + 3 of row `row`.
template <class T>
ELBOW_HD void random_block(const Random<T>& a, Index row, Index block, T values[4]) {
  const PhiloxBlock words = philox(a.seed, a.stream, a.step, a.first_sample + static_cast<std::uint32_t>(row),
                                   static_cast<std::uint32_t>(block));
  if (a.distribution == Distribution::normal) {
    normals_from(words, values);
  } else {
    for (int i = 0; i < 4; ++i) {
      values[i] = static_cast<T>(a.low) + static_cast<T>(a.high - a.low) * uniform_from<T>(words.word[i]);
    }
  }
}

namespace cpu {
template <class T>
void run(const Random<T>&);  // float, double
}
namespace cuda {
template <class T>
void run(const Random<T>&);  // float, double
}

}  // namespace elbow::kernels
