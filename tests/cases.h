#pragma once
// The one list of cases: golden values, gradient checks, CPU against CUDA and benchmarks all read it.
//
// To test a new operation, add one line to tests/cases.cpp: the call, the same in PyTorch, what is drawn for
// its operands. Then run tests/golden/make_golden.py (its header says how).
#include <cstdint>
#include <string>
#include <vector>

#include "engine/ops.h"

namespace elbow::test {

/// Uniform numbers in (low, high), rounded to float32 so that float32 and float64 runs see the same operands.
/// With both signs, every second one is negated: low > 0 then keeps clear of a kink at 0.
struct Range {
  double low;
  double high;
  bool both_signs = false;
};

enum class Role {
  differentiated,
  without_effect,  ///< its gradient is zero: for everything else an all-zero gradient fails
  constant,        ///< not differentiated: noise
};

struct Operand {
  Shape shape;
  Range range;
  Role role = Role::differentiated;
};

// Traits, to be joined by |.
inline constexpr unsigned real_only =
    1;                               ///< no complex kernel: checked by differences, not by the complex step
inline constexpr unsigned once = 2;  ///< its gradient cannot be differentiated
inline constexpr unsigned in_own_type = 4;     ///< adds up terms in its own type rather than in float64
inline constexpr unsigned for_benchmarks = 8;  ///< too large for tests
inline constexpr unsigned of_images = 16;  ///< as in_own_type, its sums over pixels or taps times channels

using Build = Variables (*)(const Variables& operands);

struct Case {
  std::string name;        ///< the call and its shapes: "matmul(a, b) (31, 33) (33, 7)"
  std::string golden;      ///< the PyTorch expression and the shapes: the key of its golden entry
  std::string expression;  ///< the call in C++, of a, b and c
  std::string torch;       ///< the same in PyTorch; several outputs as a tuple
  std::vector<Operand> operands;
  Build build;
  Build twin;  ///< a fused operation made of operations; null for the others
  unsigned traits;

  bool has(unsigned trait) const { return (traits & trait) != 0; }
  /// Roundings in one element of the result or of a gradient: the factor k of every limit k * eps * norm.
  double roundings() const;
};

/// Every case that is not for benchmarks.
const std::vector<Case>& cases();
const std::vector<Case>& benchmark_cases();

/// What the Philox generator gives for operand `i`, or with draw_weights for output `i`: seeded by the case's
/// name.
std::vector<double> draw_operand(const Case&, std::size_t i);
std::vector<double> draw_weights(const Case&, std::size_t i, Index count);
/// Of all drawn operands: tells whether stored results are still of these.
std::uint64_t fingerprint(const Case&);

}  // namespace elbow::test
