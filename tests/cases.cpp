#include "tests/cases.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

#include "engine/forward_mode.h"
#include "kernels/philox.h"

namespace elbow::test {
namespace {

using kernels::KlForm;
using kernels::Prior;

constexpr Range everywhere{-2.5, 2.5};
constexpr Range positive{0.3, 3};
constexpr Range off_zero{0.1, 2.5, true};
constexpr Range far_out{-30, 30};

using Operands = std::vector<Operand>;

Operand of(const Shape& shape, const Range& range = everywhere, Role role = Role::differentiated) {
  return {shape, range, role};
}
Operand noise(const Shape& shape, const Range& range = everywhere) { return {shape, range, Role::constant}; }

/// Numbers from 0 to 255 without what follows the point.
Tensor pixels_of(const Variable& numbers) {
  std::vector<std::uint8_t> pixels;
  for (const double number : numbers.value().to_vector<double>()) {
    pixels.push_back(static_cast<std::uint8_t>(number));
  }
  return Tensor::from(pixels, numbers.shape(), numbers.value().device());
}

Variables outputs(const Variable& output) { return {output}; }
Variables outputs(const LatentSample& sample) { return {sample.latent, sample.kl}; }
Variables outputs(const Dual& dual) { return {dual.primal, dual.tangents}; }
Variables outputs(const LogDeterminant& determinant) { return {determinant.sign, determinant.log_abs}; }

/// Tangents (d, batch, D) and 3 on the diagonal of each Jacobian: far from singular.
Variable dominant(const Variable& tangents) {
  const Index d = tangents.shape()[0], outputs = tangents.shape()[2];
  std::vector<double> diagonal(static_cast<std::size_t>(d * outputs), 0);
  for (Index k = 0; k < d; ++k) diagonal[k * outputs + k] = 3;
  const Variable constant(Tensor::from(diagonal, {d, 1, outputs}).to(tangents.dtype()).to(tangents.device()));
  return tangents + constant;
}

/// Weight and bias of three layers, d to h to h to d, of a weight (h, d) and a bias (h), d <= h.
Variables three_layers(const Variable& weight, const Variable& bias) {
  const Variable back = transpose(weight);
  return {weight, bias, matmul(weight, back), bias, back, slice(bias, 0, 0, weight.shape()[1])};
}

class List {
 public:
  void add(const char* expression, Build build, const char* torch, const Operands& operands,
           unsigned traits = 0, Build twin = nullptr) {
    std::string shapes;
    for (const Operand& operand : operands) (shapes += " ") += to_string(operand.shape);
    all.push_back({expression + shapes, torch + shapes, expression, torch, operands, build, twin, traits});
  }
  void add_elementwise(const char* expression, Build build, const char* torch, const Range& range,
                       unsigned traits = 0) {
    for (const Shape& shape : {Shape{}, Shape{0}, Shape{1}, Shape{31}, Shape{3, 11}, Shape{257}}) {
      add(expression, build, torch, {of(shape, range)}, traits);
    }
    add(expression, build, torch, {of({1 << 20}, range)}, traits | for_benchmarks);
  }
  void add_broadcast(const char* expression, Build build, const char* torch, const Range& left,
                     const Range& right) {
    const std::pair<Shape, Shape> shapes[] = {
        {{}, {}},     {{0}, {0}},       {{0, 3}, {3}},       {{0}, {1}},
        {{33}, {33}}, {{3, 31}, {31}},  {{31}, {2, 31}},     {{257}, {}},
        {{}, {33}},   {{7, 1}, {1, 9}}, {{2, 1, 3}, {4, 1}}, {{3, 1, 2, 1, 2}, {1, 2, 1, 3, 1}}};
    for (const auto& [a, b] : shapes) add(expression, build, torch, {of(a, left), of(b, right)});
    add(expression, build, torch, {of({1 << 20}, left), of({1 << 20}, right)}, for_benchmarks);
    add(expression, build, torch, {of({1 << 14, 64}, left), of({64}, right)}, for_benchmarks);
  }

  std::vector<Case> all;
};

/// An operation as a function of the operands a, b and c.
#define ELBOW_BUILD(expression)                                                         \
  [](const Variables& operands) -> Variables {                                          \
    [[maybe_unused]] const Variable a = operands[0];                                    \
    [[maybe_unused]] const Variable b = operands.size() > 1 ? operands[1] : Variable(); \
    [[maybe_unused]] const Variable c = operands.size() > 2 ? operands[2] : Variable(); \
    return outputs(expression);                                                         \
  }
#define CASE(expression, ...) list.add(#expression, ELBOW_BUILD(expression), __VA_ARGS__)
#define ELEMENTWISE(expression, ...) list.add_elementwise(#expression, ELBOW_BUILD(expression), __VA_ARGS__)
#define BROADCAST(expression, ...) list.add_broadcast(#expression, ELBOW_BUILD(expression), __VA_ARGS__)
/// A fused operation and its twin, each a case.
#define FUSED(expression, twin, torch, operands, traits)                                                    \
  list.add(#expression, ELBOW_BUILD(expression), torch, operands, real_only | (traits), ELBOW_BUILD(twin)); \
  list.add(#twin, ELBOW_BUILD(twin), torch, operands, traits)

/// The same, where the fused operation has a complex kernel too.
#define FUSED_COMPLEX(expression, twin, torch, operands, traits)                              \
  list.add(#expression, ELBOW_BUILD(expression), torch, operands, traits, ELBOW_BUILD(twin)); \
  list.add(#twin, ELBOW_BUILD(twin), torch, operands, traits)

// clang-format off
void add_unary(List& list) {
  ELEMENTWISE(-a, "-a", everywhere);
  ELEMENTWISE(absolute(a), "a.abs()", off_zero);
  ELEMENTWISE(reciprocal(a), "1 / a", off_zero);
  ELEMENTWISE(square(a), "a * a", everywhere);
  ELEMENTWISE(square_root(a), "a.sqrt()", positive);
  ELEMENTWISE(power(a, 1.7), "a ** 1.7", positive);
  ELEMENTWISE(power(a, -2.0), "a ** -2.0", positive);
  ELEMENTWISE(scale(a, -1.3), "-1.3 * a", everywhere);
  ELEMENTWISE(shift(a, 0.7), "a + 0.7", everywhere);
  ELEMENTWISE(exponential(a), "a.exp()", everywhere);
  ELEMENTWISE(logarithm(a), "a.log()", positive);
  ELEMENTWISE(sine(a), "a.sin()", everywhere);
  ELEMENTWISE(cosine(a), "a.cos()", everywhere);
  ELEMENTWISE(log_gamma(a), "torch.lgamma(a)", (Range{0.2, 12}), once);
  ELEMENTWISE(tanh(a), "a.tanh()", everywhere);
  ELEMENTWISE(sigmoid(a), "a.sigmoid()", everywhere);
  ELEMENTWISE(softplus(a), "F.softplus(a)", everywhere);
  ELEMENTWISE(relu(a), "F.relu(a)", off_zero);
  ELEMENTWISE(leaky_relu(a, 0.2), "F.leaky_relu(a, 0.2)", off_zero);
  ELEMENTWISE(smooth_leaky_relu(a, 0.2), "0.2 * a + 0.8 * F.softplus(a)", everywhere);
  ELEMENTWISE(gelu(a), "F.gelu(a, approximate='tanh')", everywhere);
  ELEMENTWISE(silu(a), "F.silu(a)", everywhere);
  CASE(a + 1.5, "a + 1.5", {of({33})});
  CASE(1.5 + a, "1.5 + a", {of({33})});
  CASE(a - 1.5, "a - 1.5", {of({33})});
  CASE(1.5 - a, "1.5 - a", {of({33})});
  CASE(a * 1.3, "a * 1.3", {of({33})});
  CASE(1.3 * a, "1.3 * a", {of({33})});
  CASE(a / 1.3, "a / 1.3", {of({33})});
  CASE(1.3 / a, "1.3 / a", {of({33}, off_zero)});
  // Saturated.
  CASE(tanh(a), "a.tanh()", {of({35}, far_out)});
  CASE(sigmoid(a), "a.sigmoid()", {of({35}, far_out)});
  CASE(softplus(a), "torch.logaddexp(a, torch.zeros_like(a))", {of({35}, far_out)});
  CASE(smooth_leaky_relu(a, 0.2), "0.2 * a + 0.8 * torch.logaddexp(a, torch.zeros_like(a))", {of({35}, far_out)});
  CASE(gelu(a), "F.gelu(a, approximate='tanh')", {of({35}, far_out)});
  CASE(silu(a), "F.silu(a)", {of({35}, far_out)});
}

void add_binary(List& list) {
  BROADCAST(a + b, "a + b", everywhere, everywhere);
  BROADCAST(a - b, "a - b", everywhere, everywhere);
  BROADCAST(a * b, "a * b", everywhere, everywhere);
  BROADCAST(a / b, "a / b", everywhere, off_zero);
  for (const auto& [x, by] : {std::pair<Shape, Shape>{{}, {}}, {{0}, {0}}, {{33}, {33}}, {{3, 31}, {31}}, {{257}, {}}, {{7, 1}, {1, 9}},
                              {{1 << 20}, {1 << 20}}}) {
    const unsigned traits = x.count() > 1000 ? for_benchmarks : 0;
    CASE(gate(a, b), "torch.where(b > 0, a, torch.zeros_like(a))", (Operands{of(x), of(by, off_zero, Role::without_effect)}), traits);
  }
  CASE(a * a, "a * a", {of({33})});
  CASE(a / (a * a + 1), "a / (a * a + 1)", {of({33})});
}

void add_shape(List& list) {
  CASE(reshape(a, {3, 4}), "a.reshape(3, 4)", {of({12})});
  CASE(reshape(a, {31}), "a.reshape(31)", {of({1, 31, 1})});
  CASE(reshape(a, {}), "a.reshape(())", {of({1, 1})});
  CASE(reshape(a, {3, 0}), "a.reshape(3, 0)", {of({0, 5})});
  CASE(transpose(a), "a.transpose(-1, -2)", {of({5, 33})});
  CASE(transpose(a), "a.transpose(-1, -2)", {of({1, 257})});
  CASE(transpose(a), "a.transpose(-1, -2)", {of({0, 3})});
  CASE(transpose(a), "a.transpose(-1, -2)", {of({2, 1, 3, 5})});
  CASE(broadcast_to(a, {4, 3, 5}), "a.expand(4, 3, 5)", {of({3, 1})});
  CASE(broadcast_to(a, {31}), "a.expand(31)", {of({})});
  CASE(broadcast_to(a, {33, 7}), "a.expand(33, 7)", {of({7})});
  CASE(broadcast_to(a, {0, 3}), "a.expand(0, 3)", {of({3})});
  CASE(slice(a, 0, 2, 3), "a[2:5]", {of({7})});
  CASE(slice(a, 1, 30, 3), "a[:, 30:33]", {of({5, 33})});
  CASE(slice(a, 1, 0, 2), "a[:, 0:2]", {of({3, 4, 5})});
  CASE(slice(a, -1, 1, 2), "a[..., 1:3]", {of({3, 4, 5})});
  CASE(slice(a, 0, 3, 0), "a[3:3]", {of({3, 2})});
  CASE(concatenate({a, b}, 0), "torch.cat((a, b), 0)", {of({31}), of({2})});
  CASE(concatenate({a, b, c}, 1), "torch.cat((a, b, c), 1)", {of({5, 3}), of({5, 0}), of({5, 31})});
  CASE(concatenate({a, b, a}, -2), "torch.cat((a, b, a), -2)", {of({3, 1, 5}), of({3, 4, 5})});
}

void add_sum(List& list) {
  CASE(sum(a), "a.sum()", {of({})});
  CASE(sum(a), "a.sum()", {of({0})});
  CASE(sum(a), "a.sum()", {of({257})});
  CASE(sum(a), "a.sum()", {of({3, 5, 7})});
  CASE(sum(a), "a.sum()", {of({1 << 20})}, for_benchmarks);
  CASE(sum(a, 0), "a.sum(0)", {of({257})});
  CASE(sum(a, 0), "a.sum(0)", {of({7, 33})});
  CASE(sum(a, 0), "a.sum(0)", {of({0, 3})});
  CASE(sum(a, 0), "a.sum(0)", {of({1 << 14, 64})}, for_benchmarks);
  CASE(sum(a, 1), "a.sum(1)", {of({5, 31})});
  CASE(sum(a, 1), "a.sum(1)", {of({3, 0})});
  CASE(sum(a, 1), "a.sum(1)", {of({3, 5, 7})});
  CASE(sum(a, 1), "a.sum(1)", {of({1 << 14, 64})}, for_benchmarks);
  CASE(sum(a, -1), "a.sum(-1)", {of({3, 5, 17})});
  CASE(mean(a), "a.mean()", {of({})});
  CASE(mean(a), "a.mean()", {of({257})});
  CASE(mean(a), "a.mean()", {of({3, 11})});
  CASE(sum_to(a, {3, 1}), "a.sum_to_size(3, 1)", {of({4, 3, 5})});
  CASE(sum_to(a, {}), "a.sum_to_size(())", {of({33})});
  CASE(sum_to(a, {7}), "a.sum_to_size(7)", {of({33, 7})});
  CASE(sum_to(a, {1, 7}), "a.sum_to_size(1, 7)", {of({0, 7})});
}

void add_matrices(List& list) {
  CASE(matmul(a, b), "a @ b", (Operands{of({1, 1}), of({1, 1})}), in_own_type);
  CASE(matmul(a, b), "a @ b", (Operands{of({17, 33}), of({33, 7})}), in_own_type);
  CASE(matmul(a, b), "a @ b", (Operands{of({1, 257}), of({257, 1})}), in_own_type);
  CASE(matmul(a, b), "a @ b", (Operands{of({17, 1}), of({1, 33})}), in_own_type);
  CASE(matmul(a, b), "a @ b", (Operands{of({0, 3}), of({3, 2})}), in_own_type);
  CASE(matmul(a, b), "a @ b", (Operands{of({3, 0}), of({0, 2})}), in_own_type);
  CASE(matmul(a, b), "a @ b", (Operands{of({2, 3, 4}), of({4, 5})}), in_own_type);
  CASE(matmul(a, b), "a @ b", (Operands{of({3, 4}), of({2, 4, 5})}), in_own_type);
  CASE(matmul(a, b), "a @ b", (Operands{of({2, 3, 3, 4}), of({2, 3, 4, 5})}), in_own_type);
  CASE(matmul(a, b), "a @ b", (Operands{of({1, 1, 3, 4}), of({2, 4, 5})}), in_own_type);
  CASE(matmul(a, b), "a @ b", (Operands{of({512, 512}), of({512, 512})}), in_own_type | for_benchmarks);
  CASE(linear(a, b, c), "a @ b.T + c", (Operands{of({33, 3}), of({31, 3}), of({31})}), in_own_type);
  CASE(linear(a, b, c), "a @ b.T + c", (Operands{of({7, 31}), of({1, 31}), of({1})}), in_own_type);
  CASE(linear(a, b, c), "a @ b.T + c", (Operands{of({1, 1}), of({33, 1}), of({33})}), in_own_type);
  CASE(linear(a, b, c), "a @ b.T + c", (Operands{of({0, 3}), of({5, 3}), of({5})}), in_own_type);
  CASE(linear(a, b, c), "a @ b.T + c", (Operands{of({64, 60}), of({60, 60}), of({60})}), in_own_type | for_benchmarks);
  CASE(linear(a, b, c), "a @ b.T + c", (Operands{of({4096, 60}), of({60, 60}), of({60})}), in_own_type | for_benchmarks);
}

void add_determinants(List& list) {
  for (const Shape& shape : {Shape{1, 1}, Shape{33, 3, 3}, Shape{0, 3, 3}, Shape{131, 1, 1}, Shape{31, 2, 2}, Shape{2, 3, 4, 4},
                             Shape{5, 6, 6}, Shape{5, 7, 7}, Shape{3, 8, 8}, Shape{2, 16, 16}, Shape{17, 17}, Shape{33, 33},
                             Shape{100000, 3, 3}, Shape{100000, 8, 8}, Shape{100000, 16, 16}}) {
    const unsigned traits = in_own_type | (shape[0] > 1000 ? for_benchmarks : 0);
    CASE(slogdet(a), "torch.linalg.slogdet(a)", {of(shape)}, traits);
    CASE(inverse_transpose(a), "torch.linalg.inv(a).transpose(-1, -2)", {of(shape)}, traits);
  }
  // Fused up to 3 x 3.
  for (const Shape& shape : {Shape{2, 31, 2}, Shape{3, 1, 3}, Shape{3, 0, 3}, Shape{3, 257, 3}, Shape{4, 5, 4}, Shape{2, 7, 3},
                             Shape{3, 5, 33}, Shape{3, 100000, 3}}) {
    const unsigned traits = in_own_type | (shape[1] > 1000 ? for_benchmarks : 0);
    FUSED(c_ima(dominant(a)), c_ima_unfused(dominant(a)), "c_ima(dominant(a))", {of(shape, {-1, 1})}, traits);
  }
}

struct ImageShapes {
  Shape image;
  Shape weight;
};

/// Rows left out at the end, kernels smaller than their stride, vectors that are not filled, no images.
void add_convolutions(List& list) {
  const auto operands = [](const ImageShapes& s, int bias_axis) {
    return Operands{of(s.image, {-1, 1}), of(s.weight, {-1, 1}), of({s.weight[bias_axis]})};
  };
  const char* const convolved = "conv2d(a, b, c, 2, 1)";
  const char* const transposed = "conv_transpose2d(a, b, c, 2, 1)";
  for (const ImageShapes& s : {ImageShapes{{2, 5, 7, 3}, {4, 4, 3, 5}}, {{1, 4, 4, 3}, {4, 4, 3, 33}}, {{1, 2, 3, 17}, {2, 2, 17, 1}},
                               {{0, 4, 4, 2}, {4, 4, 2, 3}}, {{8, 32, 32, 32}, {4, 4, 32, 32}}}) {
    const unsigned traits = of_images | (s.image[1] > 16 ? for_benchmarks : 0);
    CASE(convolution(a, b, c, {2, 1}), convolved, operands(s, 3), traits);
    FUSED_COMPLEX(convolution_relu(a, b, c, {2, 1}), relu(convolution(a, b, c, {2, 1})), "F.relu(conv2d(a, b, c, 2, 1))", operands(s, 3), traits);
  }
  for (const ImageShapes& s : {ImageShapes{{2, 2, 3, 5}, {4, 4, 3, 5}}, {{1, 2, 2, 3}, {4, 4, 33, 3}}, {{2, 3, 1, 1}, {3, 3, 2, 1}},
                               {{0, 4, 4, 2}, {4, 4, 3, 2}}, {{8, 16, 16, 32}, {4, 4, 32, 32}}, {{8, 32, 32, 32}, {4, 4, 3, 32}}}) {
    const unsigned traits = of_images | (s.image[1] > 15 ? for_benchmarks : 0);
    CASE(transposed_convolution(a, b, c, {2, 1}), transposed, operands(s, 2), traits);
    FUSED_COMPLEX(transposed_convolution_relu(a, b, c, {2, 1}), relu(transposed_convolution(a, b, c, {2, 1})),
          "F.relu(conv_transpose2d(a, b, c, 2, 1))", operands(s, 2), traits);
  }
  CASE(convolution(a, b, c, {1, 0}), "conv2d(a, b, c, 1, 0)", operands({{1, 4, 5, 2}, {1, 1, 2, 3}}, 3), of_images);
  CASE(convolution(a, b, c, {3, 0}), "conv2d(a, b, c, 3, 0)", operands({{1, 7, 6, 2}, {2, 2, 2, 3}}, 3), of_images);
  CASE(convolution(a, b, c, {3, 2}), "conv2d(a, b, c, 3, 2)", operands({{2, 2, 9, 1}, {5, 5, 1, 2}}, 3), of_images);
  CASE(transposed_convolution(a, b, c, {1, 1}), "conv_transpose2d(a, b, c, 1, 1)", operands({{1, 4, 5, 2}, {3, 3, 2, 2}}, 2), of_images);
  CASE(transposed_convolution(a, b, c, {3, 0}), "conv_transpose2d(a, b, c, 3, 0)", operands({{1, 2, 3, 2}, {2, 2, 9, 2}}, 2), of_images);
}

void add_forward_mode(List& list) {
  constexpr Range small{-0.7, 0.7};
  for (const auto& [batch, d, hidden] : {std::array<Index, 3>{5, 3, 7}, {1, 1, 1}, {0, 2, 3}, {17, 2, 5}}) {
    const Operands operands{of({batch, d}, small), of({hidden, d}, small), of({hidden}, small)};
    FUSED(dual_mlp(seeded(a), three_layers(b, c), Activation::smooth_leaky_relu),
          dual_mlp_unfused(seeded(a), three_layers(b, c), Activation::smooth_leaky_relu),
          "dual_mlp(a, b, c, lambda x: 0.2 * x + 0.8 * F.softplus(x))", operands, in_own_type);
    FUSED(dual_mlp(seeded(a), three_layers(b, c), Activation::tanh),
          dual_mlp_unfused(seeded(a), three_layers(b, c), Activation::tanh),
          "dual_mlp(a, b, c, torch.tanh)", operands, in_own_type);
    FUSED(dual_mlp(seeded(a), three_layers(b, c), Activation::gelu),
          dual_mlp_unfused(seeded(a), three_layers(b, c), Activation::gelu),
          "dual_mlp(a, b, c, lambda x: F.gelu(x, approximate='tanh'))", operands, in_own_type);
  }
}

void add_elbo(List& list) {
  constexpr Range log_variance{-1, 1}, encoded{-2, 1};
  for (const auto& [batch, dim] : {std::pair<Index, Index>{33, 2}, {1, 1}, {2, 31}, {257, 1}, {0, 3}, {4096, 3}}) {
    const unsigned large = batch > 1000 ? for_benchmarks : 0;
    const auto operands = [batch, dim](const Range& encoder, const Range& prior, const Range& noises,
                                       Role role = Role::differentiated) {
      return Operands{of({batch, 2 * dim}, encoder), of({2, dim}, prior, role), noise({batch, dim}, noises)};
    };
    const Operands gaussian = operands(encoded, log_variance, everywhere);
    const Operands uniform = operands(encoded, log_variance, everywhere, Role::without_effect);
    const Operands beta = operands(encoded, {0.5, 5}, everywhere);
    // abs(mu) > 0.5 and sigma * abs(eps) < 0.25 keep the sample off the kink at 0.
    const Operands laplace = operands({0.5, 1.5, true}, log_variance, {-0.05, 0.05});
    FUSED(elbo_latent(a, b, c.value(), Prior::gaussian, KlForm::sampled),
          elbo_latent_unfused(a, b, c.value(), Prior::gaussian, KlForm::sampled),
          "latent_and_kl(a, b, c, gaussian)", gaussian, large);
    FUSED(elbo_latent(a, b, c.value(), Prior::gaussian, KlForm::closed),
          elbo_latent_unfused(a, b, c.value(), Prior::gaussian, KlForm::closed),
          "latent_and_closed_kl(a, b, c)", gaussian, large);
    FUSED(elbo_latent(a, b, c.value(), Prior::uniform, KlForm::sampled),
          elbo_latent_unfused(a, b, c.value(), Prior::uniform, KlForm::sampled),
          "latent_and_kl(a, b, c, uniform)", uniform, large);
    FUSED(elbo_latent(a, b, c.value(), Prior::beta, KlForm::sampled),
          elbo_latent_unfused(a, b, c.value(), Prior::beta, KlForm::sampled),
          "latent_and_kl(a, b, c, beta)", beta, once | large);
    FUSED(elbo_latent(a, b, c.value(), Prior::laplace, KlForm::sampled),
          elbo_latent_unfused(a, b, c.value(), Prior::laplace, KlForm::sampled),
          "latent_and_kl(a, b, c, laplace)", laplace, large);
  }
  for (const Shape& shape : {Shape{33, 3}, Shape{1, 1}, Shape{0, 3}, Shape{7, 31}, Shape{2, 257}, Shape{64, 12288}}) {
    FUSED(elbo_reconstruction(a, b, 10.0), elbo_reconstruction_unfused(a, b, 10.0),
          "reconstruction(a, b, 10.0)", (Operands{of(shape), of(shape)}), shape.count() > 10000 ? for_benchmarks : 0);
    FUSED(pixel_reconstruction(pixels_of(a), b, 10.0), pixel_reconstruction_unfused(pixels_of(a), b, 10.0),
          "reconstruction(a.floor() / 255, b, 10.0)", (Operands{noise(shape, {0, 255.9}), of(shape)}),
          real_only | (shape.count() > 10000 ? for_benchmarks : 0));
  }
}
// clang-format on

std::vector<Case> chosen(bool benchmarks) {
  List list;
  for (const auto add : {add_unary, add_binary, add_shape, add_sum, add_matrices, add_determinants,
                         add_convolutions, add_forward_mode, add_elbo})
    add(list);
  std::erase_if(list.all, [benchmarks](const Case& c) { return c.has(for_benchmarks) != benchmarks; });
  return list.all;
}

constexpr std::uint64_t hash_start = 0xcbf29ce484222325u;

/// 64-bit FNV-1a.
std::uint64_t hashed(std::uint64_t hash, std::span<const std::byte> bytes) {
  for (const std::byte byte : bytes) hash = (hash ^ static_cast<std::uint64_t>(byte)) * 0x100000001b3u;
  return hash;
}

std::vector<double> draw(const Case& c, std::uint32_t stream, Index count, const Range& range) {
  const std::uint64_t key = hashed(hash_start, std::as_bytes(std::span(c.golden)));
  std::vector<double> values(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto block = kernels::philox(key, stream, 0, 0, static_cast<std::uint32_t>(i / 4));
    const double uniform = kernels::uniform_from<double>(block.word[i % 4]);
    const double value = range.low + (range.high - range.low) * uniform;
    values[i] = static_cast<float>(range.both_signs && i % 2 == 1 ? -value : value);
  }
  return values;
}

}  // namespace

double Case::roundings() const {
  // Eight: the longest formulas, rounded step by step. Sums in float64 round as one step.
  Index terms = 0;
  if (has(in_own_type)) {
    for (const Operand& operand : operands) {
      for (int axis = 0; axis < operand.shape.rank(); ++axis) terms = std::max(terms, operand.shape[axis]);
    }
  }
  if (has(of_images)) {
    for (const Operand& operand : operands) {
      const Shape& shape = operand.shape;
      if (shape.rank() == 4)
        terms = std::max(terms, shape.count() / std::max<Index>(1, std::min(shape[2], shape[3])));
    }
  }
  return 8 + static_cast<double>(terms);
}

const std::vector<Case>& cases() {
  static const std::vector<Case> list = chosen(false);
  return list;
}

const std::vector<Case>& benchmark_cases() {
  static const std::vector<Case> list = chosen(true);
  return list;
}

std::vector<double> draw_operand(const Case& c, std::size_t i) {
  return draw(c, static_cast<std::uint32_t>(i), c.operands[i].shape.count(), c.operands[i].range);
}

std::vector<double> draw_weights(const Case& c, std::size_t i, Index count) {
  return draw(c, 100 + static_cast<std::uint32_t>(i), count, {0.5, 1, true});
}

std::uint64_t fingerprint(const Case& c) {
  std::uint64_t hash = hash_start;
  for (std::size_t i = 0; i < c.operands.size(); ++i) {
    const std::vector<double> values = draw_operand(c, i);
    hash = hashed(hash, std::as_bytes(std::span(values)));
  }
  return hash;
}

}  // namespace elbow::test
