#pragma once
// A multi-layer perceptron that is given, not trained: a decoder fixed to the ground truth.
#include "models/mlp.h"

namespace elbow {

class FixedMlp {
 public:
  /// Linear layers without biases; weights[i] is (out, in), of any dtype and device, and takes what weights[i - 1]
  /// gives. `activation` is between the layers. Works in `dtype` on `device`. Throws UsageError where widths do
  /// not fit.
  FixedMlp(const std::vector<Tensor>& weights, Activation activation, DType dtype,
           Device device = Device::cpu);

  const std::vector<Index>& widths() const { return widths_; }  ///< layer i maps widths[i] to widths[i + 1]
  Activation activation() const { return network_.activation(); }
  /// For each layer its weight and its bias, which is 0.
  const Parameters& parameters() const { return parameters_; }
  Index inputs() const { return widths_.front(); }
  Index outputs() const { return widths_.back(); }

  /// (batch, inputs) to (batch, outputs); of a Dual, with Jacobian-vector products.
  template <class Value>
  Value operator()(const Value& x) const {
    return network_(parameters_, x);
  }

 private:
  std::vector<Index> widths_;
  ParameterLayout layout_;
  Mlp network_;
  Parameters parameters_;
};

}  // namespace elbow
