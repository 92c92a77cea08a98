#pragma once
// Forward-mode derivatives: a value and its d tangents, which travel with it as d more batches and share its
// slopes.
//
// A tangent rule is an overload of the operation on Dual. It is written in operations, so a Jacobian can be
// differentiated by parameters and inputs. An operation without an overload does not compile on a Dual.
#include <functional>

#include "engine/activation.h"
#include "engine/ops.h"

namespace elbow {

struct Dual {
  Variable primal;    ///< (batch, ...)
  Variable tangents;  ///< (d, batch, ...): tangents[k] is the derivative by input k
};

/// z, (batch, d), with the unit vectors as tangents: what follows carries the Jacobian by z.
Dual seeded(const Variable& z);

/// Element-wise f. Its slope is f's own backward rule at gradient 1, so a formula and its derivative stand
/// once.
Dual elementwise(const Dual& x, const std::function<Variable(const Variable&)>& f);

Dual operator+(const Dual& left, const Dual& right);

/// kernels/matmul.h on value and tangents; the bias has no tangent.
Dual linear(const Dual& x, const Variable& weight, const Variable& bias);

/// The operations of engine/ops.h on images (batch, height, width, channels); the bias has no tangent.
Dual transposed_convolution(const Dual& x, const Variable& weight, const Variable& bias,
                            ConvolutionGeometry geometry);
Dual transposed_convolution_relu(const Dual& x, const Variable& weight, const Variable& bias,
                                 ConvolutionGeometry geometry);

/// The same batch with rows of another shape.
Variable reshape_rows(const Variable& x, const Shape& row);
Dual reshape_rows(const Dual& x, const Shape& row);

/// A multi-layer perceptron (kernels/dual_mlp.h): of x (batch, in) with tangents (d, batch, in); `parameters` are weight
/// (out, in) and bias (out) of each layer by turns, and `activation` is between the layers. Else UsageError. Fused for
/// values, to the bit what its twin gives; gradients of any order are the twin's, which computes the values again for them.
Dual dual_mlp(const Dual& x, const Variables& parameters, Activation activation);
Dual dual_mlp_unfused(const Dual& x, const Variables& parameters, Activation activation);

/// Tangents (d, batch, D) as Jacobians (batch, D, d), and back.
Variable jacobians(const Variable& tangents);
Variable tangents(const Variable& jacobians);

}  // namespace elbow
