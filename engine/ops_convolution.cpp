#include <fmt/format.h>

#include "engine/dispatch.h"
#include "engine/ops.h"
#include "kernels/convolution.h"

namespace elbow {
namespace {

using kernels::ConvolutionShape;

/// All but the extents of one image; throws UsageError unless image and weight can meet.
ConvolutionShape shape_of(const char* name, const Variable& x, bool x_is_large, const Variable& weight,
                          ConvolutionGeometry geometry) {
  const Shape& image = x.shape();
  const Shape& w = weight.shape();
  expect_alike(name, x.value(), weight.value());
  if (image.rank() != 4 || w.rank() != 4 || w[0] != w[1] || w[0] < 1 || image[3] != w[x_is_large ? 2 : 3]) {
    throw UsageError(
        fmt::format("[{}] expected images (batch, height, width, c) and a weight {}, got {} and {}", name,
                    x_is_large ? "(kernel, kernel, c, out)" : "(kernel, kernel, out, c)", to_string(image),
                    to_string(w)));
  }
  if (geometry.stride < 1 || geometry.padding < 0 || geometry.padding >= w[0]) {
    throw UsageError(
        fmt::format("[{}] expected a stride of at least 1 and a padding of 0 to {}, got {} and {}", name,
                    w[0] - 1, geometry.stride, geometry.padding));
  }
  ConvolutionShape s{};
  s.batch = image[0];
  s.large_channels = w[2];
  s.small_channels = w[3];
  s.kernel = w[0];
  s.stride = geometry.stride;
  s.padding = geometry.padding;
  (x_is_large ? s.large_height : s.small_height) = image[1];
  (x_is_large ? s.large_width : s.small_width) = image[2];
  return s;
}

template <class T>
const T* data_or_null(const Variable& x) {
  return x.defined() ? x.value().data<T>() : nullptr;
}

void expect_bias(const char* name, const Variable& x, const Variable& bias, Index channels) {
  if (!bias.defined()) return;
  expect_alike(name, x.value(), bias.value());
  expect_shape(name, "bias", bias.value(), {channels});
}

Variables with_bias(const Variable& x, const Variable& weight, const Variable& bias) {
  return bias.defined() ? Variables{x, weight, bias} : Variables{x, weight};
}

/// The gradient by the bias: over all pixels.
Variable sum_of_pixels(const Variable& gradient) {
  const Shape& shape = gradient.shape();
  return sum(reshape(gradient, {shape[0] * shape[1] * shape[2], shape[3]}), 0);
}

// The three derivatives of kernels/convolution.h's form; each one's rule is the other two. `bias` may be empty.
Variable make_small(const Variable& large, const Variable& weight, const Variable& bias, ConvolutionGeometry,
                    bool relu);
Variable make_large(const Variable& small, const Variable& weight, const Variable& bias, ConvolutionGeometry,
                    Index height, Index width, bool relu);
Variable make_weight(const Variable& large, const Variable& small, Index kernel, ConvolutionGeometry);

Tensor workspace(const Tensor& like, Index elements) { return {{elements}, like.dtype(), like.device()}; }

Variable make_small(const Variable& large, const Variable& weight, const Variable& bias,
                    ConvolutionGeometry geometry, bool relu) {
  constexpr const char* name = "convolution";
  ConvolutionShape s = shape_of(name, large, true, weight, geometry);
  const Index rows = s.large_height + 2 * s.padding - s.kernel,
              columns = s.large_width + 2 * s.padding - s.kernel;
  if (rows < 0 || columns < 0) {
    throw UsageError(fmt::format("[{}] expected images of at least {} x {} for a kernel of {}, got {}", name,
                                 s.kernel - 2 * s.padding, s.kernel - 2 * s.padding, s.kernel,
                                 to_string(large.shape())));
  }
  s.small_height = rows / s.stride + 1;
  s.small_width = columns / s.stride + 1;
  expect_bias(name, large, bias, s.small_channels);
  Tensor small({s.batch, s.small_height, s.small_width, s.small_channels}, large.dtype(), large.device());
  with_type(large.dtype(), [&]<class T>() {
    const Tensor space = workspace(small, kernels::convolution_workspace(s));
    run(large.device(),
        kernels::Convolution<T>{s, large.value().data<T>(), weight.value().data<T>(), data_or_null<T>(bias),
                                relu, small.data<T>(), space.data<T>()});
  });
  PoolVector<Tensor> values;
  values.push_back(std::move(small));
  return operation(
      name, std::move(values), with_bias(large, weight, bias), [geometry, relu](const Backward& b) {
        const Variable &large = b.input(0), &weight = b.input(1);
        const Variable gradient = relu ? gate(b.gradient(), b.output()) : b.gradient();
        Gradients gradients(2);
        if (b.wanted(0)) {
          gradients[0] =
              make_large(gradient, weight, {}, geometry, large.shape()[1], large.shape()[2], false);
        }
        if (b.wanted(1)) gradients[1] = make_weight(large, gradient, weight.shape()[0], geometry);
        if (b.inputs() == 3) gradients.push_back(b.wanted(2) ? sum_of_pixels(gradient) : Variable());
        return gradients;
      })[0];
}

Variable make_large(const Variable& small, const Variable& weight, const Variable& bias,
                    ConvolutionGeometry geometry, Index height, Index width, bool relu) {
  constexpr const char* name = "transposed_convolution";
  ConvolutionShape s = shape_of(name, small, false, weight, geometry);
  s.large_height = height;
  s.large_width = width;
  expect_bias(name, small, bias, s.large_channels);
  Tensor large({s.batch, height, width, s.large_channels}, small.dtype(), small.device());
  with_type(small.dtype(), [&]<class T>() {
    const Tensor space = workspace(large, kernels::convolution_workspace(s));
    run(small.device(),
        kernels::TransposedConvolution<T>{s, small.value().data<T>(), weight.value().data<T>(),
                                          data_or_null<T>(bias), relu, large.data<T>(), space.data<T>()});
  });
  PoolVector<Tensor> values;
  values.push_back(std::move(large));
  return operation(name, std::move(values), with_bias(small, weight, bias),
                   [geometry, relu](const Backward& b) {
                     const Variable &small = b.input(0), &weight = b.input(1);
                     const Variable gradient = relu ? gate(b.gradient(), b.output()) : b.gradient();
                     Gradients gradients(2);
                     if (b.wanted(0)) gradients[0] = make_small(gradient, weight, {}, geometry, false);
                     if (b.wanted(1))
                       gradients[1] = make_weight(gradient, small, weight.shape()[0], geometry);
                     if (b.inputs() == 3)
                       gradients.push_back(b.wanted(2) ? sum_of_pixels(gradient) : Variable());
                     return gradients;
                   })[0];
}

Variable make_weight(const Variable& large, const Variable& small, Index kernel,
                     ConvolutionGeometry geometry) {
  const Shape &of_large = large.shape(), &of_small = small.shape();
  const ConvolutionShape s{of_large[0], of_large[1], of_large[2], of_large[3],     of_small[1],
                           of_small[2], of_small[3], kernel,      geometry.stride, geometry.padding};
  Tensor weight({kernel, kernel, s.large_channels, s.small_channels}, large.dtype(), large.device());
  with_type(large.dtype(), [&]<class T>() {
    const Tensor space = workspace(weight, kernels::convolution_weight_workspace(s));
    run(large.device(), kernels::ConvolutionWeight<T>{s, large.value().data<T>(), small.value().data<T>(),
                                                      weight.data<T>(), space.data<T>()});
  });
  return operation("convolution_weight", weight, {large, small}, [geometry](const Backward& b) -> Gradients {
    const Variable &large = b.input(0), &small = b.input(1);
    return {b.wanted(0)
                ? make_large(small, b.gradient(), {}, geometry, large.shape()[1], large.shape()[2], false)
                : Variable(),
            b.wanted(1) ? make_small(large, b.gradient(), {}, geometry, false) : Variable()};
  });
}

Variable transposed(const Variable& x, const Variable& weight, const Variable& bias,
                    ConvolutionGeometry geometry, bool relu) {
  const ConvolutionShape s = shape_of("transposed_convolution", x, false, weight, geometry);
  const auto extent = [&](Index n) { return s.stride * (n - 1) + s.kernel - 2 * s.padding; };
  const Index height = extent(s.small_height), width = extent(s.small_width);
  if (s.small_height < 1 || s.small_width < 1 || height < 1 || width < 1) {
    throw UsageError(
        fmt::format("[transposed_convolution] expected images from which others of at least 1 x 1 come, "
                    "got {} with kernel {}, stride {}, padding {}",
                    to_string(x.shape()), s.kernel, s.stride, s.padding));
  }
  return make_large(x, weight, bias, geometry, height, width, relu);
}

}  // namespace

Variable convolution(const Variable& x, const Variable& weight, const Variable& bias,
                     ConvolutionGeometry geometry) {
  return make_small(x, weight, bias, geometry, false);
}

Variable convolution_relu(const Variable& x, const Variable& weight, const Variable& bias,
                          ConvolutionGeometry geometry) {
  return make_small(x, weight, bias, geometry, true);
}

Variable transposed_convolution(const Variable& x, const Variable& weight, const Variable& bias,
                                ConvolutionGeometry geometry) {
  return transposed(x, weight, bias, geometry, false);
}

Variable transposed_convolution_relu(const Variable& x, const Variable& weight, const Variable& bias,
                                     ConvolutionGeometry geometry) {
  return transposed(x, weight, bias, geometry, true);
}

}  // namespace elbow
