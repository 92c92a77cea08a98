// Tries every float in each function of kernels/math_float.h against double precision. Prints per function
// the largest error in units in the last place, where it occurs, and how many special values (infinity, NaN)
// are wrong; exits 1 if any is. `bench_ulp_sweep 64` tries every 64th float.
#include <fmt/core.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <thread>

#include "kernels/math.h"

namespace {

namespace math = elbow::math;
using Floats = std::numeric_limits<float>;

struct Worst {
  double ulp = 0;
  float input = 0;
  std::int64_t wrong_specials = 0;
  float wrong_input = 0;

  void add(const Worst& other) {
    if (other.ulp > ulp) {
      ulp = other.ulp;
      input = other.input;
    }
    if (other.wrong_specials > 0) wrong_input = other.wrong_input;
    wrong_specials += other.wrong_specials;
  }
};

/// Distance of `value` from `exact` in spacings of float there.
double ulp_error(float value, double exact) {
  int exponent;
  std::frexp(exact, &exponent);
  return std::abs(value - exact) / std::ldexp(1.0, std::max(exponent - 24, -149));
}

template <class Function, class Exact>
void try_one(float x, Function function, Exact exact, Worst& worst) {
  const float value = function(x);
  const double expected = exact(static_cast<double>(x));
  const float rounded = static_cast<float>(expected);
  const bool special = !std::isfinite(rounded) || !std::isfinite(value);
  if (special) {
    if (std::isnan(rounded) ? !std::isnan(value) : value != rounded) {
      ++worst.wrong_specials;
      worst.wrong_input = x;
    }
    return;
  }
  if (expected == 0 && std::signbit(value) != std::signbit(rounded)) {
    ++worst.wrong_specials;
    worst.wrong_input = x;
  }
  const double error = ulp_error(value, expected);
  if (error > worst.ulp) {
    worst.ulp = error;
    worst.input = x;
  }
}

/// All floats between low and high (and, over the whole range, infinities and NaN).
template <class Function, class Exact>
bool sweep(const char* name, std::uint32_t step, float low, float high, Function function, Exact exact) {
  constexpr int threads = 2;
  const bool whole = low == -Floats::infinity();
  Worst worst[threads];
  std::thread workers[threads];
  for (int t = 0; t < threads; ++t) {
    workers[t] = std::thread([&, t] {
      const std::uint64_t half = std::uint64_t{1} << 31;
      for (std::uint64_t i = t * half; i < (t + 1) * half; i += step) {
        const float x = std::bit_cast<float>(static_cast<std::uint32_t>(i));
        if (whole || (low <= x && x <= high && std::signbit(x) == std::signbit(low)) ||
            (low < 0 && low <= x && x <= high))
          try_one(x, function, exact, worst[t]);
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  worst[0].add(worst[1]);
  fmt::print("{:10} {:.4f} ulp at {:a} = {:.9g}, {} wrong special values", name, worst[0].ulp, worst[0].input,
             worst[0].input, worst[0].wrong_specials);
  if (worst[0].wrong_specials > 0) fmt::print(", one at {:a}", worst[0].wrong_input);
  fmt::print("\n");
  std::fflush(stdout);
  return worst[0].wrong_specials == 0;
}

float sine_of_pi(float x) {
  float sine, cosine;
  math::sincospi(x, sine, cosine);
  return sine;
}
float cosine_of_pi(float x) {
  float sine, cosine;
  math::sincospi(x, sine, cosine);
  return cosine;
}
double exact_sine_of_pi(double x) {  // reduced exactly: x - 1 and 1 - x lose nothing
  return x > 1.5   ? -std::sin(math::pi * (2 - x))
         : x > 0.5 ? std::sin(math::pi * (1 - x))
                   : std::sin(math::pi * x);
}
double exact_cosine_of_pi(double x) {
  const double y = std::abs(x - 1);  // cos(pi x) = -cos(pi y)
  return y < 0.25   ? -std::cos(math::pi * y)
         : y < 0.75 ? -std::sin(math::pi * (0.5 - y))
                    : std::cos(math::pi * (1 - y));
}
double exact_sigmoid(double x) {
  const double e = std::exp(-std::abs(x));
  return (x > 0 ? 1 : e) / (1 + e);
}
double exact_softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

}  // namespace

int main(int argc, char** argv) {
  const std::uint32_t step = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 1;
  constexpr float all = Floats::infinity();
  bool right = true;
#define ELBOW_SWEEP(name, low, high, function, exact) \
  right &= sweep(                                     \
      name, step, low, high, [](float x) { return function(x); }, [](double x) { return exact(x); })
  ELBOW_SWEEP("exp", -all, all, math::exp, std::exp);
  ELBOW_SWEEP("log", -all, all, math::log, std::log);
  ELBOW_SWEEP("log1p", -all, all, math::log1p, std::log1p);
  ELBOW_SWEEP("tanh", -all, all, math::tanh, std::tanh);
  ELBOW_SWEEP("sigmoid", -all, all, math::sigmoid, exact_sigmoid);
  ELBOW_SWEEP("softplus", -all, all, math::softplus, exact_softplus);
  ELBOW_SWEEP("sin", -0x1.fffffep49f, 0x1.fffffep49f, math::sin, std::sin);
  ELBOW_SWEEP("cos", -0x1.fffffep49f, 0x1.fffffep49f, math::cos, std::cos);
  ELBOW_SWEEP("sin(pi x)", 0.0f, 2.0f, sine_of_pi, exact_sine_of_pi);
  ELBOW_SWEEP("cos(pi x)", 0.0f, 2.0f, cosine_of_pi, exact_cosine_of_pi);
#undef ELBOW_SWEEP
  return right ? 0 : 1;
}
