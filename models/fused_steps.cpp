#include "models/fused_steps.h"

#include <fmt/format.h>

#include "engine/dispatch.h"

namespace elbow {
namespace {

using kernels::AdamConstants, kernels::VaeSteps;

constexpr Index numbers_of_a_step = sizeof(AdamConstants<float>) / sizeof(float);

kernels::MlpShape shape_of(const std::vector<Index>& widths, Activation activation) {
  kernels::MlpShape shape = {};
  shape.layers = static_cast<Index>(widths.size()) - 1;
  std::copy(widths.begin(), widths.end(), shape.widths);
  shape.activation = activation;
  shape.slope = leaky_slope;
  return shape;
}

/// What is known of the steps before there is anything to train.
VaeSteps<float> steps_of(const VaeConfig& config, Index batch) {
  VaeSteps<float> steps = {};
  steps.encoder = shape_of(Vae::encoder_widths(config), config.activation);
  steps.decoder = shape_of(Vae::decoder_widths(config),
                           config.decoder ? config.decoder->activation() : config.activation);
  if (config.learned_prior) {
    steps.conditioner = shape_of(Vae::conditioner_widths(config), config.activation);
  }
  steps.batch = batch;
  return steps;
}

}  // namespace

std::string FusedSteps::obstacle(const Vae& vae, Index batch, DType dtype, Device device) {
  const auto layers = static_cast<Index>(std::max(Vae::encoder_widths(vae.config()).size(),
                                                  Vae::decoder_widths(vae.config()).size())) -
                      1;
  if (layers > kernels::vae_steps_most_layers) {
    return fmt::format("it has {} layers, and {} is the most", layers, kernels::vae_steps_most_layers);
  }
  if (dtype != DType::float32) return fmt::format("it works in float32, and this is {}", name(dtype));
  if (backend(device).kernels.entry<VaeSteps<float>>() == nullptr) {
    return fmt::format("there is no kernel for {}", name(device));
  }
  const std::size_t available = backend(device).block_memory;
  const std::size_t needed = vae_steps_block_memory(steps_of(vae.config(), batch));
  if (available != 0 && needed > available) {
    return fmt::format("a block of threads of {} would have to share {} bytes, and can share {}",
                       name(device), needed, available);
  }
  return "";
}

FusedSteps::FusedSteps(const Vae& vae, const Parameters& parameters, const TrainingConfig& training,
                       double precision, double beta)
    : steps_(steps_of(vae.config(), training.batch)) {
  const VaeConfig& config = vae.config();
  if (config.decoder) {
    given_decoder_ = config.decoder->parameters().flat().to(parameters.flat().device());
    steps_.given_decoder = given_decoder_.data<float>();
  }
  if (!config.learned_prior) {
    prior_parameters_ = vae.prior_parameters(parameters).value();
    steps_.prior_parameters = prior_parameters_.data<float>();
  }
  steps_.prior = config.prior;
  steps_.kl_form = config.kl_form;
  steps_.precision = precision;
  steps_.beta = beta;
  steps_.seed = training.seed;
  steps_.shuffle_stream = static_cast<std::uint32_t>(Stream::shuffle);
  steps_.noise_stream = static_cast<std::uint32_t>(Stream::training_noise);
}

Index FusedSteps::make(const NextSteps& next) {
  if (!(std::max(steps_.precision, steps_.beta) <= kernels::vae_steps_largest_weight)) return 0;
  Adam& adam = next.adam;
  steps_.samples = next.data.shape()[0];
  steps_.data = next.data.data<float>();
  steps_.epoch = static_cast<std::uint32_t>(next.epoch);
  steps_.first_batch = next.first_batch;
  steps_.first_step = static_cast<std::uint32_t>(adam.steps());
  if (!workspace_.defined()) {  // for any call
    steps_.steps = most;
    const auto of_device = [&](Index size) { return Tensor({size}, DType::float32, next.data.device()); };
    workspace_ = of_device(vae_steps_workspace(steps_));
    device_constants_ = of_device(most * numbers_of_a_step);
    done_ = of_device(1);
    constants_.reserve(most);
  }
  steps_.workspace = workspace_.data<float>();
  steps_.steps = static_cast<Index>(next.rates.size());
  constants_.clear();
  for (const double rate : next.rates) {
    const Index step = adam.steps() + 1 + static_cast<Index>(constants_.size());
    constants_.push_back(adam.constants<float>(step, rate));
  }
  const Index numbers = steps_.steps * numbers_of_a_step;
  const std::span<const float> values(reinterpret_cast<const float*>(constants_.data()),
                                      static_cast<std::size_t>(numbers));
  device_constants_.part(0, {numbers}).assign(Tensor::from(values, {numbers}));
  steps_.adam = reinterpret_cast<const AdamConstants<float>*>(device_constants_.data<float>());
  steps_.parameters = next.parameters.flat().data<float>();
  steps_.first_moment = adam.first_moment().data<float>();
  steps_.second_moment = adam.second_moment().data<float>();
  steps_.done = done_.data<float>();
  run(next.data.device(), steps_);
  const auto done = static_cast<Index>(done_.item());
  adam.set_steps(adam.steps() + done);
  return done;
}

}  // namespace elbow
