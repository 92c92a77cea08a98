#include "tests/kernel_hashes.h"

#include <fmt/format.h>

#include <cmath>

#include "engine/activation.h"
#include "engine/adam.h"
#include "engine/dataset.h"
#include "engine/device.h"
#include "engine/forward_mode.h"
#include "tests/determinant_hashes.h"
#include "tests/evaluate.h"
#include "tests/hash.h"
#include "tests/vae_steps_hashes.h"

namespace elbow::test {
namespace {

Variable variable(const Shape& shape, DType dtype, Device device) {
  return Variable(drawn(shape, dtype, device));
}

Tensor some_pixels(const Shape& shape, Device device) {
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(shape.count()));
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i * i / 7);
  return Tensor::from(pixels, shape, device);
}

/// The loss on some pixels as `decoded`.
Variable loss_of_pixels(const Variable& decoded) {
  return pixel_reconstruction(some_pixels(decoded.shape(), decoded.value().device()), decoded, 10);
}

/// From zero moments.
std::uint64_t hash_of_adam(Index size, int steps, DType dtype, Device device) {
  ParameterLayout layout;
  layout.add("a", {31, 9});
  layout.add("b", {size});
  Parameters parameters(layout, dtype, device);
  parameters.flat().assign(drawn({31 * 9 + size}, dtype, device));
  Adam adam(parameters);
  for (int step = 0; step < steps; ++step) {
    Gradients gradients;
    gradients.emplace_back(drawn({31, 9}, dtype, device));
    gradients.emplace_back(drawn({size}, dtype, device));
    adam.step(parameters, gradients, 1e-3);
  }
  Hash hash;
  hash.add(parameters.flat());
  hash.add(adam.first_moment());
  hash.add(adam.second_moment());
  return hash.value;
}

/// output += left right, where products of tiny numbers leave a zero whose sign tells each rounding.
template <class T>
std::uint64_t hash_of_accumulation(Index batch, Index rows, Index depth, Index columns, Device device) {
  constexpr DType dtype = std::is_same_v<T, float> ? DType::float32 : DType::float64;
  const double tiny = dtype == DType::float32 ? 0x1p-80 : 0x1p-600;
  const Tensor left = scale(variable({batch, rows, depth}, dtype, device), tiny).value();
  const Tensor right = scale(variable({batch, depth, columns}, dtype, device), -tiny).value();
  const Tensor output = drawn({batch, rows, columns}, dtype, device);
  kernels::Matmul<T> product{batch,
                             rows,
                             depth,
                             columns,
                             {left.data<T>(), rows * depth, depth, 1},
                             {right.data<T>(), depth * columns, columns, 1},
                             output.data<T>(),
                             true};
  const auto run = backend(device).kernels.entry<kernels::Matmul<T>>();
  run(product);
  Hash hash;
  hash.add(output);
  product.accumulate = false;
  run(product);
  hash.add(output);
  return hash.value;
}

/// Every second element of both operands: contiguous in neither.
template <class T>
std::uint64_t hash_of_every_second(Index size, Device device) {
  constexpr DType dtype = std::is_same_v<T, float> ? DType::float32 : DType::float64;
  const Tensor operands = drawn({2 * size}, dtype, device);
  const Tensor output = Tensor::zeros({size}, dtype, device);
  const T* const data = operands.data<T>();
  backend(device).kernels.entry<kernels::Binary<T>>()({kernels::BinaryFunction::subtract,
                                                       {1, 1, 1, 1, size},
                                                       {0, 0, 0, 0, 2},
                                                       {0, 0, 0, 0, 2},
                                                       data,
                                                       data + 1,
                                                       output.data<T>()});
  return hash_of(output);
}

/// Of samples of one element each.
std::uint64_t hash_of_reconstruction_backward(Index batch, Device device) {
  const Tensor operands = drawn({3, batch}, DType::float32, device);
  const Tensor gradient = Tensor::zeros({batch}, DType::float32, device);
  const float* const data = operands.data<float>();
  backend(device).kernels.entry<kernels::ElboReconstructionBackward<float>>()(
      {batch, 1, 10, data, data + batch, data + 2 * batch, gradient.data<float>()});
  return hash_of(gradient);
}

/// Of an image, a weight and a bias.
Variable gradient_by_weight(const Variables& v, ConvolutionGeometry geometry) {
  const Variable weight(v[1].value(), true);
  return gradients(sum(square(convolution(v[0], weight, v[2], geometry))), {weight})[0];
}

/// Of small integers, whose sums have no roundings in any order: a convolution, and its gradients by image, weight and bias.
std::uint64_t hash_of_convolved_integers(const Shape& image, const Shape& weight, DType dtype,
                                         Device device) {
  const auto integers = [=](const Shape& shape) {
    std::vector<double> values = drawn(shape, DType::float64, Device::cpu).to_vector<double>();
    for (double& value : values) value = std::round(value);
    return Variable(Tensor::from(values, shape).to(dtype).to(device), true);
  };
  const Variable x = integers(image), w = integers(weight), bias = integers({weight[3]});
  const Variable y = convolution_relu(x, w, bias, {2, 1});
  Hash hash;
  hash.add(y.value());
  for (const Variable& gradient : gradients(sum(y * integers(y.shape())), {x, w, bias})) {
    hash.add(gradient.value());
  }
  return hash.value;
}

class Runs {
 public:
  explicit Runs(DType dtype) : dtype_(dtype) {
    for (const Case& c : cases()) {
      add(c.name, [&c, dtype](Device device) {
        Hash hash;
        for (const Tensor& array : evaluate(c, c.build, dtype, device).arrays) hash.add(array);
        return hash.value;
      });
    }
    add_small();
    add_beyond_one_tile();
    if (dtype == DType::float32) {
      for (HashedRun& run : vae_steps_runs()) all.push_back(std::move(run));
    }
    const std::size_t small = all.size();
    add_irregular_determinants(4, {60});
    add_scaled_permutations(97);
    if (dtype == DType::float32) {
      add_beyond_one_grid();
      add("convolution by cuDNN, integers (2, 96, 96, 16) (4, 4, 16, 128)", [](Device device) {
        return hash_of_convolved_integers({2, 96, 96, 16}, {4, 4, 16, 128}, DType::float32, device);
      });
    }
    for (std::size_t i = small; i < all.size(); ++i) all[i].large = true;
  }
  std::vector<HashedRun> all;

 private:
  void add(const std::string& name, std::function<std::uint64_t(Device)> hash) {
    all.push_back({name, std::move(hash)});
  }

  /// One tensor from drawn operands.
  void add(const std::string& name, const std::vector<Shape>& shapes,
           std::function<Variable(const Variables&)> build) {
    add(name, [=, dtype = dtype_](Device device) {
      Variables operands;
      for (const Shape& shape : shapes) operands.push_back(variable(shape, dtype, device));
      return hash_of(build(operands).value());
    });
  }

  void add_small() {
    add("adam", [dtype = dtype_](Device device) { return hash_of_adam(257, 3, dtype, device); });
    for (const auto& [rows, columns] : {std::pair<Index, Index>{257, 31}, {2, 32}}) {
      const std::string shape = to_string(Shape{rows, columns});
      add("uniform " + shape, [=, dtype = dtype_](Device device) {
        return hash_of(uniform(draw, -2, 3, rows, columns, dtype, device));
      });
      add("normal " + shape,
          [=, dtype = dtype_](Device device) { return hash_of(normal(draw, rows, columns, dtype, device)); });
    }
    for (const auto& [rows, columns] : {std::pair<Index, Index>{1000, 5}, {600, 150}}) {
      add("shuffled_batch " + to_string(Shape{rows, columns}), [=, dtype = dtype_](Device device) {
        return hash_of(shuffled_batch(drawn({rows, columns}, dtype, device), 42, 3, 1, 257));
      });
    }
    for (const Index columns : {48, 5}) {
      add("shuffled_batch of pixels " + to_string(Shape{600, columns}), [columns](Device device) {
        return hash_of(pixel_values(shuffled_batch(some_pixels({600, columns}, device), 42, 3, 1, 257)));
      });
    }
    add("a - b, every second element (31)", [dtype = dtype_](Device device) {
      return dtype == DType::float32 ? hash_of_every_second<float>(31, device)
                                     : hash_of_every_second<double>(31, device);
    });
    add("matmul, accumulating (2, 35, 41, 33)", [dtype = dtype_](Device device) {
      return dtype == DType::float32 ? hash_of_accumulation<float>(2, 35, 41, 33, device)
                                     : hash_of_accumulation<double>(2, 35, 41, 33, device);
    });
    constexpr Index more_than_a_block = 150;
    add_irregular_determinants(11, {1, 3, 5, 6, 8, 9});
    add_irregular_determinants(more_than_a_block, {4});
    add_irregular_determinants(4, {16, 17});
    add_scaled_permutations(61);
    add("slogdet of a singular matrix whose quotients round (1, 3, 3)", [dtype = dtype_](Device device) {
      const Tensor counted =
          Tensor::from(std::vector<double>{1, 2, 3, 4, 5, 6, 7, 8, 9}, {1, 3, 3}).to(dtype).to(device);
      return hash_of(slogdet(Variable(counted)).sign.value());
    });
    for (const std::string& activation : activation_names()) {
      add(fmt::format("dual_mlp of four layers, {} (5, 3)", activation),
          {{5, 3}, {4, 3}, {4}, {2, 4}, {2}, {3, 2}, {3}},
          [f = activation_named(activation)](const Variables& v) {
            return dual_mlp(seeded(v[0]), {v[1], v[2], v[3], v[4], v[5], v[6], v[1], v[2]}, f).tangents;
          });
    }
  }

  void add_irregular_determinants(Index batch, std::initializer_list<Index> sizes) {
    for (const Index n : sizes) {
      add(fmt::format("slogdet, irregular ({0}, {0})", n), [=, dtype = dtype_](Device device) {
        return hash_of_irregular_determinants(batch, n, dtype, device);
      });
    }
  }

  void add_scaled_permutations(Index n) {
    add(fmt::format("slogdet by cuBLAS, scaled permutations ({0}, {0})", n),
        [=, dtype = dtype_](Device device) { return hash_of_scaled_permutations(n, dtype, device); });
  }

  /// More than a block does at once.
  void add_beyond_one_tile() {
    add("matmul (520, 33) (33, 1030)", {{520, 33}, {33, 1030}},
        [](const Variables& v) { return matmul(v[0], v[1]); });
    add("elbo_reconstruction (3, 1100)", {{3, 1100}},
        [](const Variables& v) { return elbo_reconstruction(square(v[0]), v[0], 10); });
    add("pixel_reconstruction (6, 70)", {{6, 70}}, [](const Variables& v) { return loss_of_pixels(v[0]); });
    add("convolution (3, 13, 11, 3) (3, 3, 3, 37)", {{3, 13, 11, 3}, {3, 3, 3, 37}, {37}},
        [](const Variables& v) {
          return convolution_relu(v[0], v[1], v[2], {2, 1});
        });
    add("transposed_convolution (3, 7, 7, 5) (3, 3, 37, 5)", {{3, 7, 7, 5}, {3, 3, 37, 5}, {37}},
        [](const Variables& v) {
          return transposed_convolution_relu(v[0], v[1], v[2], {2, 1});
        });
    add("convolution, its weight's gradient (3, 9, 9, 3) (5, 5, 3, 37)", {{3, 9, 9, 3}, {5, 5, 3, 37}, {37}},
        [](const Variables& v) {
          return gradient_by_weight(v, {2, 2});
        });
    add("transposed_convolution of images smaller than the stride (2, 1, 1, 3) (4, 4, 2, 3)",
        {{2, 1, 1, 3}, {4, 4, 2, 3}, {2}}, [](const Variables& v) {
          return transposed_convolution(v[0], v[1], v[2], {3, 1});
        });
  }

  /// Kernels that go through their elements in steps, with more elements than the largest grid has threads.
  void add_beyond_one_grid() {
    constexpr Index size = 600000;
    add("silu (600000)", {{size}}, [](const Variables& v) { return silu(v[0]); });
    add("a + b (600000)", {{size}}, [](const Variables& v) { return v[0] + v[0]; });
    add("a - b (600000) (2, 600000)", {{size}, {2, size}}, [](const Variables& v) { return v[1] - v[0]; });
    add("transpose (2, 600000)", {{2, size}}, [](const Variables& v) { return transpose(v[0]); });
    add("uniform (600000, 1)",
        [](Device device) { return hash_of(uniform(draw, -2, 3, size, 1, DType::float32, device)); });
    add("adam (600000)", [](Device device) { return hash_of_adam(size, 1, DType::float32, device); });
    add("elbo_latent (600000)", {{size, 2}, {2, 1}, {size, 1}}, [](const Variables& v) {
      return elbo_latent(v[0], v[1], v[2].value(), kernels::Prior::gaussian, kernels::KlForm::sampled).kl;
    });
    add("elbo_reconstruction (600000, 1)", {{size, 1}},
        [](const Variables& v) { return elbo_reconstruction(square(v[0]), v[0], 10); });
    add("elbo_reconstruction_backward (600000)",
        [](Device device) { return hash_of_reconstruction_backward(size, device); });
    add("pixel_values (600000)",
        [](Device device) { return hash_of(pixel_values(some_pixels({size}, device))); });
    add("pixel_reconstruction_backward (60, 10000)", {{60, size / 60}}, [](const Variables& v) {
      const Variable decoded(v[0].value(), true);
      return gradients(sum(loss_of_pixels(decoded)), {decoded})[0];
    });
    add("c_ima (2, 600000, 2)", {{2, size, 2}}, [](const Variables& v) { return c_ima(v[0]); });
    add("dual_mlp, silu (9000, 1) (60, 1) (1, 60)", {{9000, 1}, {60, 1}, {60}, {1, 60}, {1}},
        [](const Variables& v) {
          return dual_mlp(seeded(v[0]), {v[1], v[2], v[3], v[4]}, Activation::silu).tangents;
        });
    add("convolution, its weight's gradient (1, 1, 1, 730) (1, 1, 730, 730)",
        {{1, 1, 1, 730}, {1, 1, 730, 730}, {730}}, [](const Variables& v) {
          return gradient_by_weight(v, {1, 0});
        });
    constexpr Index matrices = 66000;
    add("slogdet (66000, 4, 4)", {{matrices, 4, 4}},
        [](const Variables& v) { return slogdet(v[0]).log_abs; });
  }

  DType dtype_;
};

}  // namespace

std::vector<HashedRun> hashed_runs(DType dtype) { return Runs(dtype).all; }

KernelHashes kernel_hashes(Device device, DType dtype) {
  KernelHashes hashes;
  for (const HashedRun& run : hashed_runs(dtype)) hashes[run.name] = run.hash(device);
  return hashes;
}

}  // namespace elbow::test
