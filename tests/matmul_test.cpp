// The CPU matrix product against plain loops: bit for bit, on every instruction set this processor has.
#include "kernels/matmul.h"

#include <gtest/gtest.h>
#include <hwy/targets.h>

#include <cmath>
#include <complex>
#include <random>
#include <vector>

namespace elbow::kernels {
namespace {

struct Sizes {
  Index batch;
  Index rows;
  Index depth;
  Index columns;
};

/// How the operands lie in memory. A strided operand has gaps in both directions.
enum class Layout { plain, transposed, strided };
constexpr Layout layouts[] = {Layout::plain, Layout::transposed, Layout::strided};

/// A batch of matrices, given dense and row by row, in memory exactly as long as its layout needs.
template <class T>
struct Operand {
  std::vector<T> data;
  MatrixView<T> view;

  Operand(const std::vector<T>& dense, Index batch, Index rows, Index columns, Layout layout) {
    view.row_stride = layout == Layout::plain ? columns : layout == Layout::transposed ? 1 : 2 * columns + 3;
    view.column_stride = layout == Layout::plain ? 1 : layout == Layout::transposed ? rows : 2;
    const Index extent =
        rows * columns == 0 ? 0 : (rows - 1) * view.row_stride + (columns - 1) * view.column_stride + 1;
    view.batch_stride = extent;
    data.assign(batch * extent, T(77));
    auto next = dense.begin();
    for (Index b = 0; b < batch; ++b) {
      for (Index r = 0; r < rows; ++r) {
        for (Index c = 0; c < columns; ++c)
          data[b * extent + r * view.row_stride + c * view.column_stride] = *next++;
      }
    }
    view.data = data.data();
  }
};

template <class T, class Draw>
std::vector<T> drawn(Index size, Draw& draw) {
  std::vector<T> values(size);
  for (T& x : values) x = static_cast<T>(draw());
  return values;
}

/// output + left right, all dense; each element a chain of fma in ascending depth.
template <class T>
std::vector<T> plain_product(const Sizes& sizes, const std::vector<T>& left, const std::vector<T>& right,
                             std::vector<T> output) {
  T* element = output.data();
  for (Index b = 0; b < sizes.batch; ++b) {
    for (Index r = 0; r < sizes.rows; ++r) {
      const T* row = left.data() + (b * sizes.rows + r) * sizes.depth;
      for (Index c = 0; c < sizes.columns; ++c, ++element) {
        const T* column = right.data() + b * sizes.depth * sizes.columns + c;
        T sum = *element;
        for (Index k = 0; k < sizes.depth; ++k) sum = std::fma(row[k], column[k * sizes.columns], sum);
        *element = sum;
      }
    }
  }
  return output;
}

/// Runs the kernel on a copy of `output` that ends in a guard, and checks the guard.
template <class T>
std::vector<T> product(const Sizes& sizes, const MatrixView<T>& left, const MatrixView<T>& right,
                       std::vector<T> output, bool accumulate) {
  constexpr int guard = 64;
  const std::size_t size = output.size();
  output.resize(size + guard, T(-12345));
  cpu::run(
      Matmul<T>{sizes.batch, sizes.rows, sizes.depth, sizes.columns, left, right, output.data(), accumulate});
  for (std::size_t i = size; i < output.size(); ++i)
    EXPECT_EQ(output[i], T(-12345)) << "written beyond the end";
  output.resize(size);
  return output;
}

template <class T>
void expect_same(const std::vector<T>& actual, const std::vector<T>& expected, const Sizes& sizes) {
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    ASSERT_EQ(actual[i], expected[i])
        << "element " << i << " of (" << sizes.rows << " x " << sizes.depth << ") times (" << sizes.depth
        << " x " << sizes.columns << "), batch " << sizes.batch;
  }
}

/// Every layout of both operands, overwriting and accumulating, against `plain_product`.
template <class T, class Draw>
void check_all_layouts(const Sizes& sizes, Draw draw) {
  const auto [batch, rows, depth, columns] = sizes;
  const auto left = drawn<T>(batch * rows * depth, draw), right = drawn<T>(batch * depth * columns, draw);
  const auto before = drawn<T>(batch * rows * columns, draw);
  const auto overwritten = plain_product(sizes, left, right, std::vector<T>(before.size(), T(0)));
  const auto accumulated = plain_product(sizes, left, right, before);
  for (const Layout left_layout : layouts) {
    const Operand<T> l(left, batch, rows, depth, left_layout);
    for (const Layout right_layout : layouts) {
      const Operand<T> r(right, batch, depth, columns, right_layout);
      SCOPED_TRACE(testing::Message() << "layouts " << int(left_layout) << ", " << int(right_layout));
      expect_same(product(sizes, l.view, r.view, before, false), overwritten, sizes);
      expect_same(product(sizes, l.view, r.view, before, true), accumulated, sizes);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

/// Integers in +-8: every order of summation gives the same, exact result.
struct DrawInteger {
  std::mt19937 generator{1};
  int operator()() { return static_cast<int>(generator() % 17) - 8; }
};

struct DrawReal {
  std::mt19937 generator{2};
  double operator()() { return std::uniform_real_distribution<double>(-1, 1)(generator); }
};

template <class T>
class MatmulTest : public testing::Test {};
using Reals = testing::Types<float, double>;
TYPED_TEST_SUITE(MatmulTest, Reals);

TYPED_TEST(MatmulTest, OddSizesAreExactOnIntegers) {
  constexpr Index odd_sizes[] = {0, 1, 2, 3, 5, 31, 33, 60, 64, 65};
  for (const Index rows : odd_sizes) {
    for (const Index depth : odd_sizes) {
      for (const Index columns : odd_sizes)
        check_all_layouts<TypeParam>({1, rows, depth, columns}, DrawInteger());
    }
  }
}

TYPED_TEST(MatmulTest, LargeSizesAreExactOnIntegers) {
  for (const Sizes& sizes : {Sizes{1, 257, 3, 5}, Sizes{1, 3, 257, 2}, Sizes{1, 2, 5, 257},
                             Sizes{1, 33, 257, 65}, Sizes{1, 257, 65, 3}, Sizes{1, 31, 600, 257}}) {
    check_all_layouts<TypeParam>(sizes, DrawInteger());
  }
}

TYPED_TEST(MatmulTest, BatchesAreExactOnIntegers) {
  for (const Index batch : {0, 1, 2, 5}) {
    check_all_layouts<TypeParam>({batch, 3, 5, 2}, DrawInteger());
    check_all_layouts<TypeParam>({batch, 33, 6, 3}, DrawInteger());
    check_all_layouts<TypeParam>({batch, 5, 31, 60}, DrawInteger());
  }
}

/// The first matrix of a batch in place of every other.
template <class T>
std::vector<T> first_repeated(std::vector<T> dense, Index batch) {
  const Index size = static_cast<Index>(dense.size()) / batch;
  for (Index i = size; i < batch * size; ++i) dense[i] = dense[i - size];
  return dense;
}

TYPED_TEST(MatmulTest, BatchStrideZeroRepeatsAnOperand) {
  using T = TypeParam;
  const Sizes sizes{4, 7, 33, 20};
  const auto [batch, rows, depth, columns] = sizes;
  DrawInteger draw;
  const auto left = drawn<T>(batch * rows * depth, draw), right = drawn<T>(batch * depth * columns, draw);
  Operand<T> l(left, batch, rows, depth, Layout::plain);
  Operand<T> r(right, batch, depth, columns, Layout::transposed);
  const std::vector<T> zero(batch * rows * columns, T(0));
  r.view.batch_stride = 0;
  expect_same(product(sizes, l.view, r.view, zero, false),
              plain_product(sizes, left, first_repeated(right, batch), zero), sizes);
  l.view.batch_stride = 0;
  expect_same(product(sizes, l.view, r.view, zero, false),
              plain_product(sizes, first_repeated(left, batch), first_repeated(right, batch), zero), sizes);
}

TYPED_TEST(MatmulTest, EveryInstructionSetRoundsLikeScalarFma) {
  const std::int64_t supported = hwy::SupportedTargets();
  int tried = 0;
  for (const std::int64_t target : {HWY_SCALAR, HWY_NEON, HWY_AVX2, HWY_AVX3}) {
    if (target != HWY_SCALAR && (supported & target) == 0) continue;
    SCOPED_TRACE(hwy::TargetName(target));
    hwy::SetSupportedTargetsForTest(target);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    for (const Sizes& sizes :
         {Sizes{1, 64, 60, 60}, Sizes{1, 60, 64, 3}, Sizes{1, 64, 60, 6}, Sizes{1, 64, 3, 60},
          Sizes{1, 6, 64, 60}, Sizes{1, 13, 300, 130}, Sizes{3, 9, 17, 33}, Sizes{1, 33, 5, 12}}) {
      check_all_layouts<TypeParam>(sizes, DrawReal());
    }
    ++tried;
  }
  hwy::SetSupportedTargetsForTest(0);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  EXPECT_GE(tried, 1);
}

TEST(MatmulComplexTest, IsExactOnIntegers) {
  const Sizes sizes{2, 3, 5, 4};
  DrawInteger integer;
  const auto draw = [&] {
    const double real = integer();
    return Complex(real, integer());
  };
  const auto left = drawn<Complex>(2 * 3 * 5, draw), right = drawn<Complex>(2 * 5 * 4, draw);
  const Operand<Complex> l(left, 2, 3, 5, Layout::transposed), r(right, 2, 5, 4, Layout::strided);
  const std::vector<Complex> before(2 * 3 * 4, Complex(1, -2));
  const std::vector<Complex> after = product(sizes, l.view, r.view, before, true);
  for (Index row = 0; row < 2 * 3; ++row) {
    for (Index c = 0; c < 4; ++c) {
      Complex sum(1, -2);
      for (Index k = 0; k < 5; ++k) sum += left[row * 5 + k] * right[(row / 3 * 5 + k) * 4 + c];
      EXPECT_EQ(after[row * 4 + c], sum);
    }
  }
}

}  // namespace
}  // namespace elbow::kernels
