// ctest labels: cuda threads
// What the words of kernels mean, in the executor under several orders of threads and, where there is one, on a GPU.
#include "tests/executor/language.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/error.h"
#include "tests/executor/executor.h"
#include "tests/thrown.h"

namespace elbow::test {
namespace {

using executor::Schedule;

struct Where {
  std::string name;
  const Language* language;
  Schedule schedule;  ///< the executor's
};

std::vector<Where> everywhere() {
  std::vector<Where> all{{"Forward", elbow_language(), {Schedule::forward}}};
#if !defined(__SANITIZE_THREAD__)  // sees races under any order, and takes its time
  all.push_back({"Reverse", elbow_language(), {Schedule::reverse}});
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    all.push_back({"Random" + std::to_string(seed), elbow_language(), {Schedule::random, seed}});
  }
#endif
#if defined(ELBOW_LANGUAGE_CUDA)
  void* module = dlopen(ELBOW_LANGUAGE_CUDA, RTLD_NOW | RTLD_LOCAL);
  if (module == nullptr) throw std::runtime_error(dlerror());
  all.push_back({"cuda", reinterpret_cast<decltype(&elbow_language)>(dlsym(module, "elbow_language"))(), {}});
#endif
  return all;
}

class LanguageOf : public ::testing::TestWithParam<Where> {
 protected:
  void SetUp() override {
    const std::string reason = language().why_unavailable();
    if (!reason.empty()) GTEST_SKIP() << "no GPU: " << reason;
    executor::set_schedule(GetParam().schedule);
  }
  void TearDown() override { executor::set_schedule({}); }
  static const Language& language() { return *GetParam().language; }
};
INSTANTIATE_TEST_SUITE_P(Each, LanguageOf, ::testing::ValuesIn(everywhere()),
                         [](const auto& info) { return info.param.name; });

/// Words without a pattern.
Words scattered(std::size_t count) {
  Words words(count);
  Word word = 12345;
  for (Word& each : words) each = word = word * 1664525 + 1013904223;
  return words;
}

Words reversed(Words words) {
  std::reverse(words.begin(), words.end());
  return words;
}

TEST_P(LanguageOf, Barriers) {
  for (const std::size_t threads : {1, 31, 33, 256, 1024}) {
    EXPECT_EQ(language().reverse(scattered(threads)), reversed(scattered(threads))) << threads;
  }
}

TEST_P(LanguageOf, DynamicSharedMemory) {
  const std::size_t least_beyond_48_kilobytes = 48 * 256 + 1, most = 227 * 256;
  for (const std::size_t words : {std::size_t{1}, std::size_t{1000}, least_beyond_48_kilobytes, most}) {
    EXPECT_EQ(language().reverse_in_dynamic(scattered(words)), reversed(scattered(words))) << words;
  }
  EXPECT_EQ(thrown<DeviceError>([] { language().reverse_in_dynamic(Words(most + 1)); }),
            "[language] launch of 1 blocks of 256 threads and 232452 bytes of dynamic shared memory failed: "
            "invalid argument (kernels/language.cu)");
}

TEST_P(LanguageOf, LaunchLimits) {
  const auto refusal = [](std::int64_t blocks, int threads) {
    return thrown<DeviceError>([=] { language().count_threads(blocks, threads, 0); });
  };
  const auto says = [](const std::string& grid, const std::string& reason) {
    return "[language] launch of " + grid +
           " threads and 0 bytes of dynamic shared memory failed: " + reason + " (kernels/language.cu)";
  };
  EXPECT_EQ(refusal(2, 1025), says("2 blocks of 1025", "invalid argument"));
  EXPECT_EQ(refusal(2, 0), says("2 blocks of 0", "invalid argument"));
  EXPECT_EQ(refusal(-1, 32), says("-1 blocks of 32", "invalid configuration argument"));
  EXPECT_EQ(refusal(std::int64_t{1} << 31, 32),
            says("2147483648 blocks of 32", "invalid configuration argument"));
  EXPECT_EQ(language().count_threads(0, 32, 0), 0u);
  EXPECT_EQ(language().count_threads(2, 1024, 0), 2048u);
}

TEST_P(LanguageOf, Syncwarp) {
  Words expected = scattered(32);
  std::reverse(expected.begin(), expected.begin() + 16);
  std::reverse(expected.begin() + 16, expected.end());
  for (int lane = 16; lane < 32; ++lane) expected[lane] += 16;
  EXPECT_EQ(language().reverse_half_warps(scattered(32)), expected);
}

/// The lane whose value a lane gets: CUDA C++ Programming Guide, "Warp Shuffle Functions".
int source(Shuffle kind, int lane, int argument, int width) {
  const int first = lane - lane % width, end = first + width;
  switch (kind) {
    case Shuffle::from:
      return first + (argument % width + width) % width;
    case Shuffle::up:
      return lane - argument < first ? lane : lane - argument;
    case Shuffle::down:
      return lane + argument >= end ? lane : lane + argument;
    case Shuffle::exclusive_or:
      return (lane ^ argument) >= end ? lane : lane ^ argument;
  }
  return lane;
}

template <class T>
void expect_shuffles(std::vector<T> (*shuffle)(Shuffle, Word, const std::vector<T>&, int, int), Word mask) {
  const Words words = scattered(32);
  const std::vector<T> values(words.begin(), words.end());
  for (const Shuffle kind : {Shuffle::from, Shuffle::up, Shuffle::down, Shuffle::exclusive_or}) {
    for (const int width : {1, 2, 4, 8, 16, 32}) {
      for (const int argument : {0, 1, 2, 3, 5, 8, 15, 16, 21, 31}) {
        std::vector<T> expected = values;
        bool defined = true;
        for (int lane = 0; lane < 32; ++lane) {
          if ((mask >> lane & 1) == 0) continue;
          const int from = source(kind, lane, argument, width);
          defined = defined && (mask >> from & 1) != 0;
          expected[lane] = values[from];
        }
        if (!defined) continue;
        EXPECT_EQ(shuffle(kind, mask, values, argument, width), expected)
            << "shuffle " << static_cast<int>(kind) << " by " << argument << " of " << width << ", mask "
            << mask;
      }
    }
  }
}

TEST_P(LanguageOf, Shuffles) {
  for (const Word mask : {0xffffffffu, 0x0000ffffu, 0xff00ff00u, 0x33333333u, 0x80000000u}) {
    expect_shuffles(language().shuffle, mask);
    expect_shuffles(language().shuffle_wide, mask);
  }
}

TEST_P(LanguageOf, VotesAndReductions) {
  Words odd = scattered(32);
  for (Word& word : odd) word |= 1;
  for (const Words& values : {scattered(32), odd, Words(32, 2)}) {
    for (const Word mask : {0xffffffffu, 0x0000ffffu, 0x80000001u, 0x00010000u, 0x55555555u}) {
      Votes together{0, 0, 1, 0, ~0u, 0, 0x7fffffff, -0x7fffffff - 1};
      for (int lane = 0; lane < 32; ++lane) {
        if ((mask >> lane & 1) == 0) continue;
        const Word value = values[lane], bit = value & 1;
        together.ballot |= bit << lane;
        together.any |= bit;
        together.all &= bit;
        together.sum += value;
        together.smallest = std::min(together.smallest, value);
        together.largest = std::max(together.largest, value);
        together.smallest_signed = std::min(together.smallest_signed, static_cast<int>(value));
        together.largest_signed = std::max(together.largest_signed, static_cast<int>(value));
      }
      const std::vector<Votes> found = language().vote(mask, values);
      for (int lane = 0; lane < 32; ++lane) {
        EXPECT_EQ(found[lane], (mask >> lane & 1) != 0 ? together : Votes{})
            << "lane " << lane << ", mask " << mask;
      }
    }
  }
}

TEST_P(LanguageOf, Atomics) {
  constexpr int blocks = 7, threads = 65, all = blocks * threads;
  const Counters found = language().count(blocks, threads);
  EXPECT_EQ(found.ones, all);
  EXPECT_EQ(found.wide, std::uint64_t{all} << 32);
  EXPECT_EQ(found.swapped, 2 * all);
  EXPECT_EQ(found.largest, all - 1 - 10);
  EXPECT_EQ(found.least_large, 10);
  // Each number left is found by exactly one thread, but for the last.
  Words exchanged = found.exchanged, expected(all + 1);
  std::sort(exchanged.begin(), exchanged.end());
  std::iota(expected.begin(), expected.end(), 0);
  EXPECT_EQ(exchanged, expected);
}

TEST_P(LanguageOf, FencesAroundAtomics) {
  for (const int blocks : {1, 2, 40}) {
    const Words values = scattered(5000);
    EXPECT_EQ(language().sum_by_last_block(values, blocks),
              std::accumulate(values.begin(), values.end(), Word{0}));
  }
}

TEST_P(LanguageOf, CopiesThatArriveLater) {
  for (const int ahead : {1, 2}) {
    for (const std::size_t count : {1, 127, 128, 129, 130, 131, 500, 1024}) {
      Words expected = scattered(count);
      expected.resize((count + 127) / 128 * 128, 0);
      EXPECT_EQ(language().copy_ahead(scattered(count), ahead), expected)
          << count << ", " << ahead << " ahead";
    }
  }
}

TEST(LanguageOfExecutor, NothingArrivesBeforeTheWait) {
  EXPECT_EQ(elbow_language()->look_before_wait(7), (Words{~0u, 7}));
}

std::vector<float> uniform(std::size_t count, Word seed) {
  std::vector<float> values(count);
  const Words words = scattered(count + seed);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = static_cast<float>(static_cast<int>(words[seed + i]) / 2147483648.0);
  }
  return values;
}

TEST_P(LanguageOf, RoundingToTf32) {
  const float infinity = INFINITY;
  const std::vector<float> values{0.0f,       -0.0f,       1.0f,        0x1.001p0f,      0x1.002p0f,
                                  0x1.003p0f, -0x1.002p0f, 0x1.ffffp3f, 0x1.fffffep127f, -infinity,
                                  0x1p-149f};
  const std::vector<float> expected{0.0f,        -0.0f,  1.0f,     1.0f,      0x1.004p0f, 0x1.004p0f,
                                    -0x1.004p0f, 0x1p4f, infinity, -infinity, 0.0f};
  EXPECT_EQ(language().round_to_tf32(values), expected);
  EXPECT_TRUE(std::isnan(language().round_to_tf32({NAN}).front()));
}

TEST_P(LanguageOf, TensorTile) {
  // Small integers: exact in any order of summation.
  std::vector<float> sum = uniform(128, 1), left = uniform(128, 200), right = uniform(64, 400);
  for (auto* matrix : {&sum, &left, &right}) {
    for (float& each : *matrix) each = std::round(each * 100);
  }
  std::vector<float> expected = sum;
  for (int row = 0; row < 16; ++row) {
    for (int column = 0; column < 8; ++column) {
      for (int k = 0; k < 8; ++k) expected[row * 8 + column] += left[row * 8 + k] * right[k * 8 + column];
    }
  }
  EXPECT_EQ(language().multiply_add(sum, left, right), expected);
}

// Of numbers in (-1, 1): eight products and the sum before are added, and hardware may cut off what does not fit
// into 24 bits beside the largest of them.
TEST_P(LanguageOf, TensorTileRounds) {
  const std::vector<float> sum = uniform(128, 1), left = uniform(128, 200), right = uniform(64, 400);
  const std::vector<float> l = language().round_to_tf32(left), r = language().round_to_tf32(right);
  const std::vector<float> found = language().multiply_add(sum, left, right);
  for (int row = 0; row < 16; ++row) {
    for (int column = 0; column < 8; ++column) {
      double expected = sum[row * 8 + column];
      double largest = std::abs(expected);
      for (int k = 0; k < 8; ++k) {
        const double product = double{l[row * 8 + k]} * r[k * 8 + column];
        expected += product;
        largest = std::max(largest, std::abs(product));
      }
      const double limit = 9 * 0x1p-23 * std::max(largest, std::abs(expected));
      EXPECT_NEAR(found[row * 8 + column], expected, limit) << row << ", " << column;
    }
  }
}

}  // namespace
}  // namespace elbow::test
