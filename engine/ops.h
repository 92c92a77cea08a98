#pragma once
// The differentiable operations: a table of contents. Each is defined, value and backward rule together, in
// engine/ops_*.cpp; all but the fused ones can be differentiated any number of times. Operands share dtype
// and device, else UsageError; shapes broadcast as in numpy where two are given.
#include "engine/variable.h"
#include "kernels/elbo_latent.h"

namespace elbow {

// Element-wise, one operand (ops_unary.cpp).
Variable operator-(const Variable& x);
Variable absolute(const Variable& x);
Variable reciprocal(const Variable& x);
Variable square(const Variable& x);
Variable square_root(const Variable& x);
Variable power(const Variable& x, double exponent);  ///< x > 0
Variable scale(const Variable& x, double factor);
Variable shift(const Variable& x, double addend);
Variable exponential(const Variable& x);
Variable logarithm(const Variable& x);
Variable sine(const Variable& x);
Variable cosine(const Variable& x);
Variable log_gamma(const Variable& x);  ///< x > 0; once differentiable
Variable tanh(const Variable& x);
Variable sigmoid(const Variable& x);
Variable softplus(const Variable& x);  ///< log(1 + e^x)
Variable relu(const Variable& x);
Variable leaky_relu(const Variable& x, double slope);         ///< x > 0 ? x : slope x
Variable smooth_leaky_relu(const Variable& x, double slope);  ///< slope x + (1 - slope) softplus(x)
Variable gelu(const Variable& x);                             ///< tanh form
Variable silu(const Variable& x);                             ///< x sigmoid(x)

// Element-wise, two operands, broadcast (ops_binary.cpp).
Variable operator+(const Variable& left, const Variable& right);
Variable operator-(const Variable& left, const Variable& right);
Variable operator*(const Variable& left, const Variable& right);
Variable operator/(const Variable& left, const Variable& right);
Variable gate(const Variable& x, const Variable& by);  ///< x where by > 0, else 0; no gradient by `by`

// Shape (ops_shape.cpp).
Variable reshape(const Variable& x, const Shape& shape);
Variable transpose(const Variable& x);  ///< the last two axes exchanged
Variable broadcast_to(const Variable& x, const Shape& shape);
Variable slice(const Variable& x, int axis, Index first, Index count);
Variable concatenate(const Variables& parts, int axis);

// Reductions (ops_sum.cpp). Accumulated in float64.
Variable sum(const Variable& x, int axis);               ///< removes the axis
Variable sum(const Variable& x);                         ///< of everything, a scalar
Variable mean(const Variable& x);                        ///< of everything, a scalar; x not empty
Variable sum_to(const Variable& x, const Shape& shape);  ///< adjoint of broadcast_to

// Matrices (ops_matmul.cpp).
/// (..., m, k) (..., k, n): batch axes alike, or one matrix for the whole batch.
Variable matmul(const Variable& left, const Variable& right);
Variable linear(const Variable& x, const Variable& weight, const Variable& bias);  ///< x W^T + b, W (out, in)

// Images (ops_convolution.cpp), (batch, height, width, channels), and weights (kernel, kernel, channels of the large image,
// channels of the small one): see kernels/convolution.h. UsageError for shapes that do not fit. ReLU in the same pass where the
// name says so: its twin is relu() of the other.
struct ConvolutionGeometry {
  Index stride = 1;
  Index padding = 0;  ///< rows and columns of zeros on each side; below the kernel's extent
};
/// x large, bias (channels of the small image); rows that no place of the kernel covers are left out.
Variable convolution(const Variable& x, const Variable& weight, const Variable& bias,
                     ConvolutionGeometry geometry);
Variable convolution_relu(const Variable& x, const Variable& weight, const Variable& bias,
                          ConvolutionGeometry geometry);
/// x small, bias (channels of the large image), whose extents are stride (n - 1) + kernel - 2 padding.
Variable transposed_convolution(const Variable& x, const Variable& weight, const Variable& bias,
                                ConvolutionGeometry geometry);
Variable transposed_convolution_relu(const Variable& x, const Variable& weight, const Variable& bias,
                                     ConvolutionGeometry geometry);

// Determinants (ops_slogdet.cpp), of matrices (..., n, n), n at least 1; else UsageError. kernels/slogdet.h says what is
// done with singular and ill-conditioned ones.
struct LogDeterminant {
  Variable sign;     ///< 1, -1, or 0 if singular, (...); without gradient
  Variable log_abs;  ///< log abs det, (...); -infinity if singular
  Tensor state;      ///< of each matrix a kernels::MatrixState, as a number, (...)
};
LogDeterminant slogdet(const Variable& matrix);
Variable inverse_transpose(const Variable& matrix);  ///< infinite where singular

// The local IMA contrast (ops_c_ima.cpp): c_IMA in nats, (batch), of the Jacobian that tangents (d, batch, D), d <= D,
// of forward mode are; else UsageError. Fused for 2 x 2 and 3 x 3 (kernels/c_ima.h); its twin is -log abs det N for d = D and
// -1/2 log det NᵀN for d < D, N the Jacobian with columns of length 1.
Variable c_ima(const Variable& tangents);
Variable c_ima_unfused(const Variable& tangents);

// The ELBO (ops_elbo.cpp). Fused, each with its twin made of operations: specification, reference, second
// order.
struct LatentSample {
  Variable latent;  ///< z, (batch, dim)
  Variable kl;      ///< KL(q || p0) in nats, (batch)
};
/// kernels/elbo_latent.h: encoder (batch, 2 dim), prior_parameters (2, dim), noise (batch, dim).
LatentSample elbo_latent(const Variable& encoder, const Variable& prior_parameters, const Tensor& noise,
                         kernels::Prior prior, kernels::KlForm form);
LatentSample elbo_latent_unfused(const Variable& encoder, const Variable& prior_parameters,
                                 const Tensor& noise, kernels::Prior prior, kernels::KlForm form);
/// kernels/elbo_reconstruction.h: -log p(x | z) in nats, (batch), for decoder precision gamma^2.
Variable elbo_reconstruction(const Variable& observation, const Variable& decoded, double precision);
Variable elbo_reconstruction_unfused(const Variable& observation, const Variable& decoded, double precision);

// Images in bytes (ops_pixels.cpp, kernels/pixels.h). Both throw UsageError for pixels that are not uint8.
/// Pixels of any shape as numbers from 0 to 1, float32 or float64.
Tensor pixel_values(const Tensor& pixels, DType dtype = DType::float32);
/// elbo_reconstruction of the values of pixels (batch, columns).
Variable pixel_reconstruction(const Tensor& pixels, const Variable& decoded, double precision);
Variable pixel_reconstruction_unfused(const Tensor& pixels, const Variable& decoded, double precision);

// Numbers as operands.
inline Variable operator+(const Variable& x, double number) { return shift(x, number); }
inline Variable operator+(double number, const Variable& x) { return shift(x, number); }
inline Variable operator-(const Variable& x, double number) { return shift(x, -number); }
inline Variable operator-(double number, const Variable& x) { return shift(-x, number); }
inline Variable operator*(const Variable& x, double factor) { return scale(x, factor); }
inline Variable operator*(double factor, const Variable& x) { return scale(x, factor); }
inline Variable operator/(const Variable& x, double number) { return scale(x, 1 / number); }
inline Variable operator/(double number, const Variable& x) { return scale(reciprocal(x), number); }

}  // namespace elbow
