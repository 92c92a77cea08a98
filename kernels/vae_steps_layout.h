#pragma once
// Where the steps of kernels/vae_steps.h keep their numbers, on either device.
//
// The samples of a mini-batch lie side by side, (feature, sample), so that a layer is a product of its weight with columns
// that neighbouring lanes take. How rows are padded is the device's choice, and so is what an array is: the layout is of a
// Memory, whose Near and Far are the arrays of two kinds of memory. It depends on shapes alone, and can be worked out by the
// compiler.
#include "kernels/philox.h"
#include "kernels/vae_steps.h"

namespace elbow::kernels {

inline constexpr Index vae_steps_alignment = 16;  ///< of an array, elements

struct VaeStepsPadding {
  Index length;  ///< of a row: a multiple of this,
  Index excess;  ///< and as many more
  Index count;   ///< of rows: a multiple of this
  Index ahead;   ///< mini-batches whose x and eps are found at once, apart from where a step wants them
  bool
      by_samples;  ///< narrow models are trained sample by sample: gradients of all layers are kept until the weights' turn
  ELBOW_HD static constexpr Index multiple(Index size, Index of) { return (size + of - 1) / of * of; }
  ELBOW_HD constexpr Index row(Index size) const { return multiple(size, length) + excess; }
  ELBOW_HD constexpr Index rows(Index size) const { return multiple(size, count); }
};

ELBOW_HD constexpr VaeStepsPadding whole_vectors() { return {16, 0, 16, 0, false}; }
/// Neighbouring rows begin in other banks of shared memory.
ELBOW_HD constexpr VaeStepsPadding apart_in_banks() { return {32, 4, 1, 4, true}; }

/// Memory of one kind, whose arrays are pointers.
template <class T>
struct Pointers {
  using Number = T;
  using Near = T*;
  using Far = T*;
  using FarWords = std::uint32_t*;
};

/// Memory that is handed out from its start on; null to learn how much is taken.
template <class T>
struct Arena {
  T* memory;
  Index size;  ///< taken so far, elements
  T* take(Index count) {
    T* const taken = memory == nullptr ? nullptr : memory + size;
    size += VaeStepsPadding::multiple(count, vae_steps_alignment);
    return taken;
  }
  std::uint32_t* take_words(Index count) {
    static_assert(sizeof(T) >= sizeof(std::uint32_t));
    return reinterpret_cast<std::uint32_t*>(take(count));
  }
};

/// One linear layer. Its parameters, and likewise its moments: weight (outputs, stride), or exchanged (inputs, stride), then
/// bias (one row).
template <class Memory>
struct VaeLayer {
  Index inputs;
  Index outputs;
  bool exchanged;  ///< a few inputs would leave most of a row empty
  Index stride;    ///< a row of inputs, or if exchanged of outputs
  typename Memory::Near parameters;
  typename Memory::Far first_moment;
  typename Memory::Far second_moment;
  typename Memory::Near from;      ///< (rows of inputs, columns)
  typename Memory::Near to;        ///< (rows of outputs, columns), after the activation
  typename Memory::Far slope;      ///< (rows of outputs, columns), of the activation, unless `to` tells
  typename Memory::Near gradient;  ///< (rows of outputs, columns), by what the activation is of
  ELBOW_HD constexpr Index bias() const { return (exchanged ? inputs : outputs) * stride; }
  ELBOW_HD constexpr Index by_output() const {
    return exchanged ? 1 : stride;
  }  ///< to the next output's weight
  ELBOW_HD constexpr Index by_input() const { return exchanged ? stride : 1; }
};

/// Whether the slope of an activation can be told from its value.
ELBOW_HD constexpr bool value_tells_slope(Activation activation) {
  return activation == Activation::leaky_relu;
}

template <class Memory>
struct VaeNetwork {
  MlpShape shape;
  bool trained;
  Index batch;
  Index columns;  ///< a row of the batch
  VaeLayer<Memory> layers[vae_steps_most_layers];
  typename Memory::Near gradient;  ///< by the network's output: the last layer's
};

/// Whether a few samples keep a warp busy in every layer, and a block has room for the gradients of all layers at once.
template <class T>
ELBOW_HD constexpr bool is_narrow(const VaeSteps<T>& a) {
  constexpr Index widest = 32, most = 16384;
  Index rows = 0;
  bool all = true;
  for (const MlpShape* shape : {&a.encoder, &a.decoder, &a.conditioner}) {
    for (Index i = 0; i < shape->layers; ++i) {
      all = all && shape->widths[i] <= widest && shape->widths[i + 1] <= widest;
      rows += shape->widths[i + 1];
    }
  }
  return all && rows * apart_in_banks().row(a.batch) <= most;
}

/// A model whose encoder and decoder have `layers` layers, the hidden ones `hidden` wide, its latents as many as its
/// observations' numbers, in batches of 64.
template <Index dim, Index hidden, Index layers>
struct KnownShapes {
  ELBOW_HD static constexpr VaeSteps<float> steps() {
    VaeSteps<float> a{};
    a.encoder.layers = a.decoder.layers = layers;
    for (Index i = 0; i < layers; ++i) a.encoder.widths[i] = a.decoder.widths[i] = i == 0 ? dim : hidden;
    a.encoder.widths[layers] = 2 * dim;
    a.decoder.widths[layers] = dim;
    a.batch = 64;
    return a;
  }
};
using Fig2Shapes = KnownShapes<3, 60, 4>;
using MoebiusShapes = KnownShapes<3, 30, 2>;

template <class Memory>
class VaeStepsLayout {
 public:
  using Number = typename Memory::Number;
  using Near = typename Memory::Near;
  using Far = typename Memory::Far;

  /// `near` is for what every step reads and writes often, `far` for the rest; they may be one.
  template <class NearArena, class FarArena>
  ELBOW_HD constexpr void lay_out(const VaeSteps<Number>& a, const VaeStepsPadding& padding, NearArena& near,
                                  FarArena& far) {
    const Index observation_dim = a.encoder.widths[0], latent_dim = a.decoder.widths[0];
    const Index one_column = padding.row(1);
    columns = padding.row(a.batch);
    observation = near.take(padding.rows(observation_dim) * columns);
    latent = near.take(padding.rows(latent_dim) * columns);
    noise = near.take(padding.rows(latent_dim) * columns);
    ahead = padding.ahead;
    dealt = near.take(ahead * (observation_dim + latent_dim) * columns);
    one = near.take(padding.rows(1) * one_column);
    Index widest = 0;
    const auto network = [&](VaeNetwork<Memory>& n, const MlpShape& shape, bool trained, Index batch,
                             Near from) {
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
    losses = near.take(2 * columns);
    give_gradients(padding.by_samples && is_narrow(a), widest, padding, near);
    transposed = far.take(widest * columns);
    order = far.take_words(vae_steps_stretch * a.batch);
    mixed = far.take_words((shuffle_rounds << shuffle_half(a.samples)) + vae_steps_alignment);
  }

  ELBOW_HD constexpr Index observation_dim() const { return encoder.shape.widths[0]; }
  ELBOW_HD constexpr Index latent_dim() const { return decoder.shape.widths[0]; }

  Index columns;  ///< a row of the batch
  Index ahead;    ///< see VaeStepsPadding
  VaeNetwork<Memory> encoder;
  VaeNetwork<Memory> decoder;
  VaeNetwork<Memory> conditioner;
  Near one;                    ///< the conditioner's input
  Near log_variance;           ///< log v, (latent, row of 1)
  Near log_variance_gradient;  ///< of each sample, (latent, columns)
  Near observation;            ///< x, (rows of observation, columns)
  Near posterior;              ///< mu | s, (2 latent, columns)
  Near noise;                  ///< eps, (latent, columns)
  Near dealt;                  ///< x and eps of the next mini-batches, (ahead, observation + latent, columns)
  Near latent;                 ///< z, (rows of latent, columns)
  Near decoded;                ///< f, (observation, columns)
  Near latent_gradient;        ///< by z, (rows of latent, columns)
  Near losses;                 ///< -log p(x | z) and KL, (2, columns)
  Far transposed;              ///< a layer's input, (columns, stride)
  typename Memory::FarWords order;  ///< of the samples, (vae_steps_stretch, batch)
  typename Memory::FarWords mixed;  ///< what mixes the halves of an index, (shuffle_rounds, 2^half)

 private:
  /// In the order of the backward pass. Arrays for the widest layer that take turns are enough if a layer's weights take their
  /// step before the next gradient but one.
  template <class NearArena>
  ELBOW_HD constexpr void give_gradients(bool all_at_once, Index widest, const VaeStepsPadding& padding,
                                         NearArena& near) {
    Near turns[2] = {};
    if (!all_at_once) {
      for (Near& one_of_two : turns) one_of_two = near.take(widest * columns);
    }
    int turn = 0;
    const auto next = [&](Index rows) {
      turn = 1 - turn;
      return all_at_once ? near.take(padding.rows(rows) * columns) : turns[turn];
    };
    const auto network = [&](VaeNetwork<Memory>& n) {
      for (Index i = n.shape.layers - 1; i >= 0; --i) n.layers[i].gradient = next(n.layers[i].outputs);
      if (n.shape.layers > 0) n.gradient = n.layers[n.shape.layers - 1].gradient;
    };
    network(decoder);
    latent_gradient = next(latent_dim());
    network(encoder);
    network(conditioner);
  }

  template <class NearArena, class FarArena>
  ELBOW_HD static constexpr void add_layer(VaeNetwork<Memory>& network, Index i, Near from,
                                           const VaeStepsPadding& padding, NearArena& near, FarArena& far) {
    constexpr Index few = 8;
    const MlpShape& shape = network.shape;
    VaeLayer<Memory>& layer = network.layers[i];
    layer.inputs = shape.widths[i];
    layer.outputs = shape.widths[i + 1];
    layer.exchanged = layer.inputs < layer.outputs && layer.inputs <= few;
    layer.stride = padding.row(layer.exchanged ? layer.outputs : layer.inputs);
    const Index count = layer.bias() + padding.row(layer.outputs);
    layer.parameters = near.take(count);
    layer.first_moment = far.take(count);
    layer.second_moment = far.take(count);
    layer.from = from;
    const Index outputs = padding.rows(layer.outputs) * network.columns;
    layer.to = near.take(outputs);
    layer.slope = far.take(outputs);
  }
};

/// How many elements are near and far.
template <class T>
struct VaeStepsSizes {
  VaeStepsSizes(const VaeSteps<T>& a, const VaeStepsPadding& padding) {
    Arena<T> near_arena{nullptr, 0}, far_arena{nullptr, 0};
    VaeStepsLayout<Pointers<T>> layout;
    layout.lay_out(a, padding, near_arena, far_arena);
    near = near_arena.size;
    far = far_arena.size;
  }
  Index near, far;
};

}  // namespace elbow::kernels
