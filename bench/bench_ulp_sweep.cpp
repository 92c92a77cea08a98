// Tries every float in each function of kernels/math_float.h against double precision. Prints per function
// the largest error in units in the last place, where it occurs, and how many special values (infinity, NaN,
// the sign of zero) are wrong; exits 1 if any is. `bench_ulp_sweep 64` tries every 64th float.
#include <fmt/core.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <thread>

#include "kernels/math.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/bench_ulp_sweep.cpp"
#include "kernels/simd.h"

HWY_BEFORE_NAMESPACE();
namespace elbow::HWY_NAMESPACE {

/// output[i] = the named function of input[i].
void evaluate(char name, const float* input, float* output, int size) {
  const auto map = [=](auto function) HWY_ATTR {
    for (int i = 0; i < size; ++i) output[i] = function(input[i]);
  };
  float other;
  switch (name) {
    case 'e':
      return map([](float x) HWY_ATTR { return math::exp(x); });
    case 'l':
      return map([](float x) HWY_ATTR { return math::log(x); });
    case '1':
      return map([](float x) HWY_ATTR { return math::log1p(x); });
    case 't':
      return map([](float x) HWY_ATTR { return math::tanh(x); });
    case 'g':
      return map([](float x) HWY_ATTR { return math::sigmoid(x); });
    case '+':
      return map([](float x) HWY_ATTR { return math::softplus(x); });
    case 's':
      return map([](float x) HWY_ATTR { return math::sin(x); });
    case 'c':
      return map([](float x) HWY_ATTR { return math::cos(x); });
    case 'S':
      for (int i = 0; i < size; ++i) math::sincospi(input[i], output[i], other);
      return;
    case 'C':
      for (int i = 0; i < size; ++i) math::sincospi(input[i], other, output[i]);
  }
}

}  // namespace elbow::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace elbow {
namespace {

HWY_EXPORT(evaluate);

double sigmoid(double x) {
  const double e = std::exp(-std::abs(x));
  return (x > 0 ? 1 : e) / (1 + e);
}
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }
// On [0, 2], reduced without rounding: 1 - x, 2 - x and x - 1/2 are exact.
double sinpi(double x) {
  return x > 1.5   ? -std::sin(math::pi * (2 - x))
         : x > 0.5 ? std::sin(math::pi * (1 - x))
                   : std::sin(math::pi * x);
}
double cospi(double x) {
  const double from_one = std::abs(x - 1);  // cos(pi x) = -cos(pi (x - 1))
  if (from_one < 0.25) return -std::cos(math::pi * from_one);
  return from_one < 0.75 ? -std::sin(math::pi * (0.5 - from_one)) : std::cos(math::pi * (1 - from_one));
}

constexpr float infinity = std::numeric_limits<float>::infinity();

struct Function {
  const char* name;
  char key;
  double (*exact)(double);
  float low = -infinity;
  float high = infinity;
};

const Function functions[] = {
    {"exp", 'e', std::exp},
    {"log", 'l', std::log},
    {"log1p", '1', std::log1p},
    {"tanh", 't', std::tanh},
    {"sigmoid", 'g', sigmoid},
    {"softplus", '+', softplus},
    {"sin", 's', std::sin, -0x1.fffffep49f, 0x1.fffffep49f},
    {"cos", 'c', std::cos, -0x1.fffffep49f, 0x1.fffffep49f},
    {"sin(pi x)", 'S', sinpi, 0, 2},
    {"cos(pi x)", 'C', cospi, 0, 2},
};

struct Worst {
  double ulp = 0;
  float input = 0;
  std::int64_t wrong_specials = 0;
  float wrong_input = 0;

  void meet(float x, float value, double exact) {
    const float rounded = static_cast<float>(exact);
    const bool special = !std::isfinite(rounded) || !std::isfinite(value);
    const bool right = special ? value == rounded || (std::isnan(value) && std::isnan(rounded))
                               : exact != 0 || std::signbit(value) == std::signbit(rounded);
    if (!right) {
      ++wrong_specials;
      wrong_input = x;
    }
    if (special) return;
    const double size = std::max(std::abs(exact), 0x1p-126);
    const double spacing =
        std::bit_cast<double>(std::bit_cast<std::uint64_t>(size) & 0x7ff0000000000000u) * 0x1p-23;
    const double error = std::abs(value - exact) / spacing;
    if (error > ulp) {
      ulp = error;
      input = x;
    }
  }

  void meet(const Worst& other) {
    if (other.ulp > ulp) {
      ulp = other.ulp;
      input = other.input;
    }
    if (other.wrong_specials > 0) wrong_input = other.wrong_input;
    wrong_specials += other.wrong_specials;
  }
};

/// Every `step`-th float whose bits are in [first, last).
Worst sweep(const Function& function, std::uint64_t first, std::uint64_t last, std::uint64_t step) {
  constexpr int size = 4096;
  float input[size], output[size];
  Worst worst;
  while (first < last) {
    int count = 0;
    for (; count < size && first < last; first += step) {
      const float x = std::bit_cast<float>(static_cast<std::uint32_t>(first));
      const bool inside = function.low <= x && x <= function.high && !(function.low == 0 && std::signbit(x));
      if (inside || (std::isnan(x) && function.low < 0)) input[count++] = x;
    }
    HWY_DYNAMIC_DISPATCH(evaluate)(function.key, input, output, count);
    for (int i = 0; i < count; ++i) worst.meet(input[i], output[i], function.exact(input[i]));
  }
  return worst;
}

int run(std::uint64_t step) {
  constexpr std::uint64_t half = std::uint64_t{1} << 31;
  bool right = true;
  for (const Function& function : functions) {
    Worst worst, worst_negative;
    std::thread negative([&] { worst_negative = sweep(function, half, 2 * half, step); });
    worst = sweep(function, 0, half, step);
    negative.join();
    worst.meet(worst_negative);
    fmt::print("{:10} {:.4f} ulp at {:.9g} ({:a}), {} wrong special values", function.name, worst.ulp,
               worst.input, worst.input, worst.wrong_specials);
    if (worst.wrong_specials > 0) fmt::print(", one at {:a}", worst.wrong_input);
    fmt::print("\n");
    std::fflush(stdout);
    right &= worst.wrong_specials == 0;
  }
  return right ? 0 : 1;
}

}  // namespace
}  // namespace elbow

int main(int argc, char** argv) { return elbow::run(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1); }
#endif
