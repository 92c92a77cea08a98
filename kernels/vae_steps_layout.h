#pragma once
// Where the steps of kernels/vae_steps.h keep their numbers in the workspace.
//
// The samples of a mini-batch lie side by side, (feature, sample), so that a layer is a product of its weight with columns
// that fill whole vectors. Rows are padded to whole vectors: those of weights and moments with numbers that no output
// needs, those of samples with the last sample.
#include <algorithm>

#include "kernels/philox.h"
#include "kernels/vae_steps.h"

namespace elbow::kernels {

inline constexpr Index vae_steps_padding = 16;  ///< elements of the widest vector

inline Index padded(Index size) {
  return (size + vae_steps_padding - 1) / vae_steps_padding * vae_steps_padding;
}

/// One linear layer. Its parameters, and likewise its moments: weight (outputs, stride), or exchanged (inputs, stride), then
/// bias (padded outputs).
template <class T>
struct VaeLayer {
  Index inputs;
  Index outputs;
  bool exchanged;  ///< a few inputs would leave most of a vector empty
  Index stride;    ///< padded inputs, or if exchanged outputs
  T* parameters;
  T* first_moment;  ///< null: not trained
  T* second_moment;
  T* from;   ///< (padded inputs, columns)
  T* to;     ///< (padded outputs, columns), after the activation
  T* slope;  ///< (outputs, columns), of the activation; null after the last layer, and where `to` tells
  Index bias() const { return (exchanged ? inputs : outputs) * stride; }
  Index by_output() const { return exchanged ? 1 : stride; }  ///< from a weight to that of the next output
  Index by_input() const { return exchanged ? stride : 1; }
};

/// Whether the slope of an activation can be told from its value.
inline bool value_tells_slope(Activation activation) { return activation == Activation::leaky_relu; }

template <class T>
struct VaeNetwork {
  MlpShape shape;
  bool trained;
  Index batch;
  Index columns;  ///< padded batch
  VaeLayer<T> layers[vae_steps_most_layers];
};

template <class T>
class VaeStepsLayout {
 public:
  /// `memory` may be null to learn size() alone.
  VaeStepsLayout(const VaeSteps<T>& a, T* memory)
      : columns(padded(a.batch)),
        encoder{a.encoder, true, a.batch, columns, {}},
        decoder{a.decoder, a.given_decoder == nullptr, a.batch, columns, {}},
        conditioner{a.conditioner, true, 1, padded(1), {}},
        memory_(memory) {
    const Index observation_dim = a.encoder.widths[0], latent_dim = a.decoder.widths[0];
    observation = take(padded(observation_dim) * columns);
    latent = take(padded(latent_dim) * columns);
    noise = take(padded(latent_dim) * columns);
    one = take(padded(1) * padded(1));
    posterior = add_layers(encoder, observation);
    decoded = add_layers(decoder, latent);
    log_variance = add_layers(conditioner, one);
    log_variance_gradient = take(padded(latent_dim) * columns);
    for (T*& half : gradient) half = take(widest_ * columns);
    transposed = take(widest_ * columns);
    order = take_words(a.steps * a.batch);
    mixed = take_words((shuffle_rounds << shuffle_half(a.samples)) + vae_steps_padding);
  }
  Index size() const { return size_; }

  Index columns;  ///< padded batch
  VaeNetwork<T> encoder;
  VaeNetwork<T> decoder;
  VaeNetwork<T> conditioner;
  T* one;                    ///< the conditioner's input
  T* log_variance;           ///< log v, (latent, padded 1)
  T* log_variance_gradient;  ///< of each sample, (latent, columns)
  T* observation;            ///< x, (padded observation, columns)
  T* posterior;              ///< mu | s, (2 latent, columns)
  T* noise;                  ///< eps, (latent, columns)
  T* latent;                 ///< z, (padded latent, columns)
  T* decoded;                ///< f, (observation, columns)
  T* gradient[2];            ///< of a layer's output and input, (widest, columns)
  T* transposed;             ///< a layer's input, (columns, stride)
  std::uint32_t* order;      ///< of the samples, (steps, batch)
  std::uint32_t* mixed;      ///< what mixes the halves of an index, (shuffle_rounds, 2^half)

 private:
  T* take(Index count) {
    T* const taken = memory_ == nullptr ? nullptr : memory_ + size_;
    size_ += padded(count);
    return taken;
  }

  std::uint32_t* take_words(Index count) {
    static_assert(sizeof(T) >= sizeof(std::uint32_t));
    return reinterpret_cast<std::uint32_t*>(take(count));
  }

  /// Returns the output of the last layer.
  T* add_layers(VaeNetwork<T>& network, T* from) {
    const MlpShape& shape = network.shape;
    for (Index i = 0; i < shape.layers; ++i) {
      VaeLayer<T>& layer = network.layers[i];
      layer.inputs = shape.widths[i];
      layer.outputs = shape.widths[i + 1];
      layer.exchanged = layer.inputs < layer.outputs && layer.inputs <= vae_steps_padding / 2;
      layer.stride = padded(layer.exchanged ? layer.outputs : layer.inputs);
      const Index count = layer.bias() + padded(layer.outputs);
      layer.parameters = take(count);
      if (network.trained) {
        layer.first_moment = take(count);
        layer.second_moment = take(count);
      }
      layer.from = from;
      const Index outputs = padded(layer.outputs) * network.columns;
      from = layer.to = take(outputs);
      const bool activated = i + 1 < shape.layers;
      if (activated && !value_tells_slope(shape.activation)) layer.slope = take(outputs);
      widest_ = std::max({widest_, padded(layer.inputs), padded(layer.outputs)});
    }
    return from;
  }

  T* memory_;
  Index size_ = 0;
  Index widest_ = 0;
};

}  // namespace elbow::kernels
