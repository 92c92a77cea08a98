#pragma once
// Where the steps of kernels/vae_steps.h keep their numbers, on either device.
//
// The samples of a mini-batch lie side by side, (feature, sample), so that a layer is a product of its weight with columns
// that neighbouring lanes take. How rows are padded is the device's choice.
#include "kernels/philox.h"
#include "kernels/vae_steps.h"

namespace elbow::kernels {

inline constexpr Index vae_steps_alignment = 16;  ///< of an array, elements

struct VaeStepsPadding {
  Index length;  ///< of a row: a multiple of this,
  Index excess;  ///< and as many more
  Index count;   ///< of rows: a multiple of this
  ELBOW_HD static Index multiple(Index size, Index of) { return (size + of - 1) / of * of; }
  ELBOW_HD Index row(Index size) const { return multiple(size, length) + excess; }
  ELBOW_HD Index rows(Index size) const { return multiple(size, count); }
};

ELBOW_HD VaeStepsPadding whole_vectors() { return {16, 0, 16}; }
/// Neighbouring rows begin in other banks of shared memory.
ELBOW_HD VaeStepsPadding apart_in_banks() { return {32, 4, 1}; }

/// Memory that is handed out from its start on; null to learn how much is taken.
template <class T>
struct Arena {
  T* memory;
  Index size;  ///< taken so far, elements
  ELBOW_HD T* take(Index count) {
    T* const taken = memory == nullptr ? nullptr : memory + size;
    size += VaeStepsPadding::multiple(count, vae_steps_alignment);
    return taken;
  }
};

/// One linear layer. Its parameters, and likewise its moments: weight (outputs, stride), or exchanged (inputs, stride), then
/// bias (one row).
template <class T>
struct VaeLayer {
  Index inputs;
  Index outputs;
  bool exchanged;  ///< a few inputs would leave most of a row empty
  Index stride;    ///< a row of inputs, or if exchanged of outputs
  T* parameters;
  T* first_moment;  ///< null: not trained
  T* second_moment;
  T* from;  ///< (rows of inputs, columns)
  T* to;    ///< (rows of outputs, columns), after the activation
  T* slope;  ///< (rows of outputs, columns), of the activation; null after the last layer, and where `to` tells
  ELBOW_HD Index bias() const { return (exchanged ? inputs : outputs) * stride; }
  ELBOW_HD Index by_output() const { return exchanged ? 1 : stride; }  ///< from a weight to the next output's
  ELBOW_HD Index by_input() const { return exchanged ? stride : 1; }
};

/// Whether the slope of an activation can be told from its value.
ELBOW_HD bool value_tells_slope(Activation activation) { return activation == Activation::leaky_relu; }

template <class T>
struct VaeNetwork {
  MlpShape shape;
  bool trained;
  Index batch;
  Index columns;  ///< a row of the batch
  VaeLayer<T> layers[vae_steps_most_layers];
};

template <class T>
class VaeStepsLayout {
 public:
  /// `near` is for what every step reads and writes often, `far` for the rest; they may be one.
  ELBOW_HD void lay_out(const VaeSteps<T>& a, const VaeStepsPadding& padding, Arena<T>& near, Arena<T>& far) {
    const Index observation_dim = a.encoder.widths[0], latent_dim = a.decoder.widths[0];
    const Index one_column = padding.row(1);
    columns = padding.row(a.batch);
    observation = near.take(padding.rows(observation_dim) * columns);
    latent = near.take(padding.rows(latent_dim) * columns);
    noise = near.take(padding.rows(latent_dim) * columns);
    one = near.take(padding.rows(1) * one_column);
    Index widest = 0;
    const auto network = [&](VaeNetwork<T>& n, const MlpShape& shape, bool trained, Index batch, T* from) {
      n.shape = shape;
      n.trained = trained;
      n.batch = batch;
      n.columns = padding.row(batch);
      for (Index i = 0; i < shape.layers; ++i) {
        add_layer(n, i, from, padding, near, far);
        from = n.layers[i].to;
        const Index wider =
            padding.rows(shape.widths[i] > shape.widths[i + 1] ? shape.widths[i] : shape.widths[i + 1]);
        widest = wider > widest ? wider : widest;
      }
      return from;
    };
    posterior = network(encoder, a.encoder, true, a.batch, observation);
    decoded = network(decoder, a.decoder, a.given_decoder == nullptr, a.batch, latent);
    log_variance = network(conditioner, a.conditioner, true, 1, one);
    log_variance_gradient = near.take(padding.rows(latent_dim) * columns);
    for (T*& half : gradient) half = near.take(widest * columns);
    transposed = far.take(widest * columns);
    order = take_words(far, vae_steps_stretch * a.batch);
    mixed = take_words(far, (shuffle_rounds << shuffle_half(a.samples)) + vae_steps_alignment);
  }

  Index columns;  ///< a row of the batch
  VaeNetwork<T> encoder;
  VaeNetwork<T> decoder;
  VaeNetwork<T> conditioner;
  T* one;                    ///< the conditioner's input
  T* log_variance;           ///< log v, (latent, row of 1)
  T* log_variance_gradient;  ///< of each sample, (latent, columns)
  T* observation;            ///< x, (rows of observation, columns)
  T* posterior;              ///< mu | s, (2 latent, columns)
  T* noise;                  ///< eps, (latent, columns)
  T* latent;                 ///< z, (rows of latent, columns)
  T* decoded;                ///< f, (observation, columns)
  T* gradient[2];            ///< of a layer's output and input, (widest, columns)
  T* transposed;             ///< a layer's input, (columns, stride)
  std::uint32_t* order;      ///< of the samples, (vae_steps_stretch, batch)
  std::uint32_t* mixed;      ///< what mixes the halves of an index, (shuffle_rounds, 2^half)

 private:
  ELBOW_HD static std::uint32_t* take_words(Arena<T>& arena, Index count) {
    static_assert(sizeof(T) >= sizeof(std::uint32_t));
    return reinterpret_cast<std::uint32_t*>(arena.take(count));
  }

  ELBOW_HD static void add_layer(VaeNetwork<T>& network, Index i, T* from, const VaeStepsPadding& padding,
                                 Arena<T>& near, Arena<T>& far) {
    constexpr Index few = 8;
    const MlpShape& shape = network.shape;
    VaeLayer<T>& layer = network.layers[i];
    layer.inputs = shape.widths[i];
    layer.outputs = shape.widths[i + 1];
    layer.exchanged = layer.inputs < layer.outputs && layer.inputs <= few;
    layer.stride = padding.row(layer.exchanged ? layer.outputs : layer.inputs);
    const Index count = layer.bias() + padding.row(layer.outputs);
    layer.parameters = near.take(count);
    layer.first_moment = network.trained ? far.take(count) : nullptr;
    layer.second_moment = network.trained ? far.take(count) : nullptr;
    layer.from = from;
    const Index outputs = padding.rows(layer.outputs) * network.columns;
    layer.to = near.take(outputs);
    const bool activated = i + 1 < shape.layers;
    layer.slope = activated && !value_tells_slope(shape.activation) ? far.take(outputs) : nullptr;
  }
};

/// How many elements are near and far.
template <class T>
struct VaeStepsSizes {
  VaeStepsSizes(const VaeSteps<T>& a, const VaeStepsPadding& padding) {
    Arena<T> near_arena{nullptr, 0}, far_arena{nullptr, 0};
    VaeStepsLayout<T> layout;
    layout.lay_out(a, padding, near_arena, far_arena);
    near = near_arena.size;
    far = far_arena.size;
  }
  Index near, far;
};

}  // namespace elbow::kernels
