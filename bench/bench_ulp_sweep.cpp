// Tries every float in each function of kernels/math_float.h and kernels/gamma.h against tests/exact_functions.h.
// Prints the table of docs/results/float_functions.md: the inputs tried, the largest error in units in the last place, where it occurs, and how
// many special values (infinity, NaN, the sign of zero) are wrong. Exits 1 if any is, or an error is above 1.
// `bench_ulp_sweep 64` tries every 64th float.
#include <fmt/core.h>

#include <atomic>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

#include "kernels/gamma.h"
#include "tests/exact_functions.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/bench_ulp_sweep.cpp"
#include "kernels/simd.h"

#ifndef ELBOW_SWEPT_FUNCTIONS
#define ELBOW_SWEPT_FUNCTIONS(X) \
  X(exp)                         \
  X(log) X(log1p) X(tanh) X(sigmoid) X(softplus) X(sin) X(cos) X(sinpi) X(cospi) X(log_gamma) X(digamma)

namespace elbow {

enum class Swept {
#define ELBOW_NAME(name) name,
  ELBOW_SWEPT_FUNCTIONS(ELBOW_NAME)
#undef ELBOW_NAME
};

namespace math {
ELBOW_HD float sinpi(float x) {
  float sine, cosine;
  sincospi(x, sine, cosine);
  return sine;
}
ELBOW_HD float cospi(float x) {
  float sine, cosine;
  sincospi(x, sine, cosine);
  return cosine;
}
}  // namespace math

}  // namespace elbow
#endif

HWY_BEFORE_NAMESPACE();
namespace elbow::HWY_NAMESPACE {

const char* instruction_set() { return hwy::TargetName(HWY_TARGET); }

void evaluate(Swept function, const float* input, float* output, int size) {
  switch (function) {
#define ELBOW_CASE(name)                                             \
  case Swept::name:                                                  \
    for (int i = 0; i < size; ++i) output[i] = math::name(input[i]); \
    return;
    ELBOW_SWEPT_FUNCTIONS(ELBOW_CASE)
#undef ELBOW_CASE
  }
}

}  // namespace elbow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elbow {
namespace {

HWY_EXPORT(instruction_set);
HWY_EXPORT(evaluate);

struct Function {
  const char* name;
  Swept function;
  double (*exact)(double);
};

const Function functions[] = {
#define ELBOW_ROW(name) {#name, Swept::name, exact::name},
    ELBOW_SWEPT_FUNCTIONS(ELBOW_ROW)
#undef ELBOW_ROW
};

/// sincospi takes 0 <= x <= 2, the others every float.
bool in_domain(Swept function, float x) {
  if (function != Swept::sinpi && function != Swept::cospi) return true;
  return 0 <= x && x <= 2 && !std::signbit(x);
}

struct Result {
  std::int64_t inputs = 0;
  double worst = 0;
  float worst_input = 0;
  std::int64_t wrong_specials = 0;
  float wrong_input = 0;

  void meet(float x, float value, double exact) {
    ++inputs;
    if (!exact::special_is_right(value, exact)) {
      ++wrong_specials;
      wrong_input = x;
    }
    if (exact::is_special(value, exact)) return;
    const double error = exact::ulp_error(value, exact);
    if (error > worst) {
      worst = error;
      worst_input = x;
    }
  }

  void add(const Result& other) {
    inputs += other.inputs;
    if (other.worst > worst) {
      worst = other.worst;
      worst_input = other.worst_input;
    }
    wrong_specials += other.wrong_specials;
    if (other.wrong_specials > 0) wrong_input = other.wrong_input;
  }
};

/// Every `step`-th float whose bits are in [first, last).
Result sweep(const Function& function, std::uint64_t first, std::uint64_t last, std::uint64_t step) {
  constexpr int size = 4096;
  float input[size], output[size];
  Result result;
  while (first < last) {
    int count = 0;
    for (; count < size && first < last; first += step) {
      const float x = std::bit_cast<float>(static_cast<std::uint32_t>(first));
      if (in_domain(function.function, x)) input[count++] = x;
    }
    HWY_DYNAMIC_DISPATCH(evaluate)(function.function, input, output, count);
    for (int i = 0; i < count; ++i) result.meet(input[i], output[i], function.exact(input[i]));
  }
  return result;
}

Result sweep_in_parallel(const Function& function, std::uint64_t step) {
  const std::uint64_t range = step << 20;
  std::atomic<std::uint64_t> next = 0;
  std::mutex mutex;
  Result result;
  const auto work = [&] {
    for (std::uint64_t first; (first = next.fetch_add(range)) < std::uint64_t{1} << 32;) {
      const Result part = sweep(function, first, std::min(first + range, std::uint64_t{1} << 32), step);
      const std::lock_guard lock(mutex);
      result.add(part);
    }
  };
  std::vector<std::jthread> threads(std::max(1u, std::thread::hardware_concurrency()));
  for (std::jthread& thread : threads) thread = std::jthread(work);
  threads.clear();  // waits
  return result;
}

int run(std::uint64_t step) {
  bool right = true;
  fmt::print("g++ {}, instruction set {}\n\n", __VERSION__, HWY_DYNAMIC_DISPATCH(instruction_set)());
  fmt::print("| function | inputs tried | largest error, ulp | at x = | wrong special values |\n");
  fmt::print("|---|---:|---:|---|---:|\n");
  for (const Function& function : functions) {
    const Result result = sweep_in_parallel(function, step);
    fmt::print("| `{}` | {} | {:.4f} | {:.9g} (`{:a}`) | {} |\n", function.name, result.inputs, result.worst,
               result.worst_input, result.worst_input, result.wrong_specials);
    if (result.wrong_specials > 0) fmt::print(stderr, "wrong special value at {:a}\n", result.wrong_input);
    std::fflush(stdout);
    right &= result.wrong_specials == 0 && result.worst <= 1;
  }
  return right ? 0 : 1;
}

}  // namespace
}  // namespace elbow

int main(int argc, char** argv) { return elbow::run(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1); }
#endif
