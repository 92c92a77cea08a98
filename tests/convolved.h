#pragma once
// The three convolutions of kernels/convolution.h on drawn operands, by whoever runs them, and how far two orders of their
// sums may lie apart.
#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "engine/device.h"
#include "engine/random.h"
#include "kernels/convolution.h"

namespace elbow::test {

using kernels::ConvolutionShape;

/// The small image has as many pixels as the large one has places for.
inline ConvolutionShape convolution_shape(Index batch, Index height, Index width, Index large_channels,
                                          Index small_channels, Index kernel, Index stride, Index padding) {
  const auto places = [=](Index extent) { return (extent + 2 * padding - kernel) / stride + 1; };
  return {batch,         height,         width,  large_channels, places(height),
          places(width), small_channels, kernel, stride,         padding};
}

/// Which of the three arguments of the form is made of the other two.
enum class Made { small, large, weight };

struct ConvolutionOperands {
  Tensor large, small, weight, bias;

  explicit ConvolutionOperands(const ConvolutionShape& s)
      : large(drawn(0, s.large_count())),
        small(drawn(1, s.small_count())),
        weight(drawn(2, s.weight_count())),
        bias(drawn(3, std::max(s.large_channels, s.small_channels))) {}

  /// What `change` makes of each.
  template <class Change>
  ConvolutionOperands each(Change change) const {
    ConvolutionOperands changed = *this;
    for (Tensor* operand : {&changed.large, &changed.small, &changed.weight, &changed.bias}) {
      *operand = change(*operand);
    }
    return changed;
  }
  ConvolutionOperands on(Device device) const {
    return each([=](const Tensor& operand) { return operand.to(device); });
  }

 private:
  static Tensor drawn(std::uint32_t step, Index count) {
    return uniform({1, Stream::test, step}, -1, 1, 1, count, DType::float32);
  }
};

/// What follows the sums; not of a weight.
struct Finish {
  bool bias = false, relu = false;
};

/// Where the operands are, by run(arguments).
template <class T, class Run>
Tensor convolved(Made made, const ConvolutionShape& s, const ConvolutionOperands& o, Finish finish, Run run) {
  const Tensor& like = made == Made::small ? o.small : made == Made::large ? o.large : o.weight;
  const Tensor output =
      Tensor::full(like.shape(), like.dtype(), std::numeric_limits<double>::quiet_NaN(), like.device());
  const Index elements = std::max(convolution_weight_workspace(s), kernels::DnnWorkspace(s).end);
  const Tensor workspace({elements}, like.dtype(), like.device());
  T *const to = output.data<T>(), *const space = workspace.data<T>();
  const T *const large = o.large.data<T>(), *const small = o.small.data<T>(),
                 *const weight = o.weight.data<T>(), *const bias = finish.bias ? o.bias.data<T>() : nullptr;
  switch (made) {
    case Made::small:
      run(kernels::Convolution<T>{s, large, weight, bias, finish.relu, to, space});
      break;
    case Made::large:
      run(kernels::TransposedConvolution<T>{s, small, weight, bias, finish.relu, to, space});
      break;
    case Made::weight:
      run(kernels::ConvolutionWeight<T>{s, large, small, to, space});
      break;
  }
  return output;
}

/// By the device's own kernels.
template <class T>
Tensor convolved_on(Device device, Made made, const ConvolutionShape& s, const ConvolutionOperands& o,
                    Finish finish) {
  return convolved<T>(made, s, o.on(device), finish, [device](const auto& arguments) {
    backend(device).kernels.entry<std::decay_t<decltype(arguments)>>()(arguments);
  });
}

/// For each element, of two sums of the same terms in float, in any order: n terms have n roundings, each of at most u of
/// what the terms' magnitudes add up to, so a sum is off by gamma = n u / (1 - n u) of that at most. ReLU brings numbers no
/// farther apart.
inline std::vector<double> bounds_between_orders(Made made, const ConvolutionShape& s,
                                                 const ConvolutionOperands& o, Finish finish) {
  const ConvolutionOperands magnitudes = o.each([](const Tensor& operand) {
    std::vector<double> values = operand.to_vector<double>();
    for (double& value : values) value = std::abs(value);
    return Tensor::from(values, operand.shape());
  });
  finish.relu = false;
  std::vector<double> bounds =
      convolved_on<double>(Device::cpu, made, s, magnitudes, finish).to_vector<double>();
  const Index taps = s.kernel * s.kernel;
  const Index terms = made == Made::small   ? taps * s.large_channels
                      : made == Made::large ? taps * s.small_channels
                                            : s.batch * s.small_height * s.small_width;
  const double roundings = static_cast<double>(terms + 1) * 0x1p-24;  // 1 for the bias
  for (double& bound : bounds) bound *= 2 * roundings / (1 - roundings);
  return bounds;
}

}  // namespace elbow::test
