#pragma once
// A multi-layer perceptron: linear layers with an activation between them, none after the last.
#include <string>
#include <vector>

#include "engine/activation.h"
#include "engine/forward_mode.h"
#include "engine/parameters.h"

namespace elbow {

class Mlp {
 public:
  /// Layer i maps widths[i] to widths[i + 1]; its parameters are <prefix>.fc.<i>.weight, (out, in), and
  /// .bias, (out,).
  Mlp(ParameterLayout& layout, const std::string& prefix, const std::vector<Index>& widths,
      Activation activation);

  /// Weights Xavier-uniform (Glorot & Bengio, 2010), biases U(+-1 / sqrt(fan in)).
  void initialise(Parameters& parameters, std::uint64_t seed) const;

  Variable operator()(const Parameters& parameters,
                      const Variable& x) const;  ///< (batch, in) to (batch, out)
  /// And its Jacobian-vector products: dual_mlp, or where the tape records its twin, which keeps what gradients need.
  Dual operator()(const Parameters& parameters, const Dual& x) const;

  /// The index of layer i's weight among the parameters.
  int weight(std::size_t i) const { return layers_[i].weight; }
  Activation activation() const { return activation_; }

 private:
  struct Layer {
    int weight;
    int bias;
  };
  std::vector<Layer> layers_;
  std::vector<Index> widths_;
  Activation activation_;
};

/// in, hidden, ..., hidden, out for `layers` >= 1 linear layers.
std::vector<Index> mlp_widths(Index in, Index hidden, Index layers, Index out);

}  // namespace elbow
