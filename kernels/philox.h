#pragma once
// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) and what is drawn
// from it.
#include "kernels/math.h"
#include "kernels/types.h"

namespace elbow::kernels {

struct PhiloxBlock {
  std::uint32_t word[4];
};

ELBOW_HD PhiloxBlock philox(std::uint64_t key, std::uint32_t c0, std::uint32_t c1, std::uint32_t c2,
                            std::uint32_t c3) {
  std::uint32_t k0 = static_cast<std::uint32_t>(key);
  std::uint32_t k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c0;
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * c2;
    c0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
    c1 = static_cast<std::uint32_t>(p1);
    c2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c3 = static_cast<std::uint32_t>(p0);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

/// A uniform number in (0, 1) with 23 bits, exact in float.
template <class T>
ELBOW_HD T uniform_from(std::uint32_t word) {
  return (static_cast<T>(word >> 9) + T(0.5)) * T(0x1p-23);
}

/// Two standard normal numbers from two words (Box-Muller).
template <class T>
ELBOW_HD void normal_pair(std::uint32_t first_word, std::uint32_t second_word, T& first, T& second) {
  const T radius = math::sqrt(T(-2) * math::log(uniform_from<T>(first_word)));
  T sine, cosine;
  math::sincospi(T(2) * uniform_from<T>(second_word), sine, cosine);
  first = radius * cosine;
  second = radius * sine;
}

/// Four standard normal numbers from the four words of a block.
template <class T>
ELBOW_HD void normals_from(const PhiloxBlock& block, T normals[4]) {
  for (int w = 0; w < 4; w += 2) normal_pair(block.word[w], block.word[w + 1], normals[w], normals[w + 1]);
}

inline constexpr std::uint32_t shuffle_rounds = 4;

/// Half of the smallest even number of bits that holds `samples` indices.
ELBOW_HD constexpr int shuffle_half(Index samples) {
  int half = 1;
  while ((Index{1} << (2 * half)) < samples) ++half;
  return half;
}

/// A bijection of [0, 4^half): a Feistel network. mix(round, right) gives `half` bits.
template <class Mix>
ELBOW_HD Index shuffle_step(Index index, int half, const Mix& mix) {
  std::uint32_t left = static_cast<std::uint32_t>(index >> half);
  std::uint32_t right = static_cast<std::uint32_t>(index) & ((std::uint32_t{1} << half) - 1);
  for (std::uint32_t round = 0; round < shuffle_rounds; ++round) {
    const std::uint32_t mixed = left ^ mix(round, right);
    left = right;
    right = mixed;
  }
  return (static_cast<Index>(left) << half) | right;
}

/// Where sample `index` of [0, samples) goes in epoch `epoch`: steps until one lands inside again, a bijection for every key.
ELBOW_HD Index shuffled(Index index, Index samples, std::uint64_t key, std::uint32_t stream,
                        std::uint32_t epoch) {
  const int half = shuffle_half(samples);
  const std::uint32_t mask = (std::uint32_t{1} << half) - 1;
  const auto mix = [=](std::uint32_t round, std::uint32_t right) {
    return philox(key, stream, epoch, right, round).word[0] & mask;
  };
  do {
    index = shuffle_step(index, half, mix);
  } while (index >= samples);
  return index;
}

}  // namespace elbow::kernels
