// Philox (kernels/philox.h) with a counter in each lane.
// Included once for each instruction set (kernels/simd.h), hence the unusual guard.
#if defined(ELBOW_KERNELS_PHILOX_VECTORS) == defined(HWY_TARGET_TOGGLE)
#ifdef ELBOW_KERNELS_PHILOX_VECTORS
#undef ELBOW_KERNELS_PHILOX_VECTORS
#else
#define ELBOW_KERNELS_PHILOX_VECTORS
#endif

#include <hwy/highway.h>

#include "kernels/philox.h"

HWY_BEFORE_NAMESPACE();
namespace elbow::kernels::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Words = hn::ScalableTag<std::uint32_t>;
using WordVector = hn::Vec<Words>;

struct HighAndLow {
  WordVector high;
  WordVector low;
};

/// The two words of x * factor in each lane.
HWY_INLINE HighAndLow multiply_words(WordVector x, std::uint32_t factor) {
  const Words d;
#if HWY_TARGET == HWY_SCALAR
  const std::uint64_t product = std::uint64_t{factor} * hn::GetLane(x);
  return {hn::Set(d, static_cast<std::uint32_t>(product >> 32)),
          hn::Set(d, static_cast<std::uint32_t>(product))};
#else
  const hn::RepartitionToWide<Words> wide;
  const auto f = hn::Set(d, factor);
  const auto even = hn::MulEven(x, f);
  const auto odd = hn::MulEven(hn::BitCast(d, hn::ShiftRight<32>(hn::BitCast(wide, x))), f);
  return {hn::OddEven(hn::BitCast(d, odd), hn::BitCast(d, hn::ShiftRight<32>(even))),
          hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd)), hn::BitCast(d, even))};
#endif
}

/// philox(key, c[0], c[1], c[2], c[3]) in each lane, in place.
HWY_INLINE void philox(std::uint64_t key, WordVector (&c)[4]) {
  const Words d;
  auto k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  HWY_UNROLL(10)
  for (int round = 0; round < 10; ++round) {
    const HighAndLow p0 = multiply_words(c[0], 0xD2511F53u), p1 = multiply_words(c[2], 0xCD9E8D57u);
    c[0] = hn::Xor(hn::Xor(p1.high, c[1]), hn::Set(d, k0));
    c[1] = p1.low;
    c[2] = hn::Xor(hn::Xor(p0.high, c[3]), hn::Set(d, k1));
    c[3] = p0.low;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

}  // namespace
}  // namespace elbow::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
