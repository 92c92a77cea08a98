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

/// The words of a counter, in the lower half of each wide lane; what is in the upper half does not matter.
template <class Wide>
HWY_INLINE void philox_rounds(Wide wide, std::uint64_t key, hn::Vec<Wide> (&c)[4]) {
  auto k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  HWY_UNROLL(10)
  for (int round = 0; round < 10; ++round) {
    const auto product = [&](hn::Vec<Wide> x, std::uint32_t factor) HWY_ATTR {
#if HWY_TARGET == HWY_SCALAR
      return hn::Set(wide, std::uint64_t{factor} * static_cast<std::uint32_t>(hn::GetLane(x)));
#else
      const Words d;
      return hn::MulEven(hn::BitCast(d, x), hn::Set(d, factor));
#endif
    };
    const auto p0 = product(c[0], 0xD2511F53u), p1 = product(c[2], 0xCD9E8D57u);
    c[0] = hn::Xor3(hn::ShiftRight<32>(p1), c[1], hn::Set(wide, k0));
    c[1] = p1;
    c[2] = hn::Xor3(hn::ShiftRight<32>(p0), c[3], hn::Set(wide, k1));
    c[3] = p0;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

/// philox(key, c[0], c[1], c[2], c[3]) in each lane, in place.
HWY_INLINE void philox(std::uint64_t key, WordVector (&c)[4]) {
  const Words d;
#if HWY_TARGET == HWY_SCALAR
  const hn::Sisd<std::uint64_t> wide;
  hn::Vec<decltype(wide)> counter[4];
  for (int w = 0; w < 4; ++w) counter[w] = hn::Set(wide, hn::GetLane(c[w]));
  philox_rounds(wide, key, counter);
  for (int w = 0; w < 4; ++w) c[w] = hn::Set(d, static_cast<std::uint32_t>(hn::GetLane(counter[w])));
#else
  const hn::RepartitionToWide<Words> wide;
  hn::Vec<decltype(wide)> even[4], odd[4];
  HWY_UNROLL(4)
  for (int w = 0; w < 4; ++w) {
    even[w] = hn::BitCast(wide, c[w]);
    odd[w] = hn::ShiftRight<32>(even[w]);
  }
  philox_rounds(wide, key, even);
  philox_rounds(wide, key, odd);
  HWY_UNROLL(4)
  for (int w = 0; w < 4; ++w) {
    c[w] = hn::OddEven(hn::BitCast(d, hn::ShiftLeft<32>(odd[w])), hn::BitCast(d, even[w]));
  }
#endif
}

}  // namespace
}  // namespace elbow::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
