#include "models/fused_steps.h"

#include <fmt/format.h>

#include "engine/dispatch.h"
#include "models/training.h"

namespace elbow {
namespace {

using kernels::AdamConstants, kernels::VaeSteps, kernels::VaeTrainings;

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
  if (backend(device).kernels.entry<VaeTrainings<float>>() == nullptr) {
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

Index FusedSteps::most(Device device) { return device == Device::cpu ? 128 : 8192; }

FusedSteps::FusedSteps(const Vae& vae, const Parameters& parameters, const TrainingConfig& training,
                       double precision, double beta, const Tensor& validation)
    : steps_(steps_of(vae.config(), training.batch)), validation_data_(validation) {
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
  steps_.validation.data = validation_data_.data<float>();
  steps_.validation.chunk = evaluation_rows;
  steps_.validation.noise_stream = static_cast<std::uint32_t>(Stream::validation_noise);
  steps_.validation.reconstruction_constant =
      kernels::reconstruction_constant(config.observation_dim, precision);
}

void FusedSteps::set_constants(const NextSteps& next) {
  constants_.clear();
  for (const double rate : next.rates) {
    const Index step = next.adam.steps() + 1 + static_cast<Index>(constants_.size());
    constants_.push_back(next.adam.constants<float>(step, rate));
  }
  const auto numbers = static_cast<Index>(constants_.size()) * numbers_of_a_step;
  const std::span<const float> values(reinterpret_cast<const float*>(constants_.data()),
                                      static_cast<std::size_t>(numbers));
  device_constants_.part(0, {numbers}).assign(Tensor::from(values, {numbers}));
  steps_.adam = reinterpret_cast<const AdamConstants<float>*>(device_constants_.data<float>());
}

void FusedSteps::plan(const NextSteps& next) {
  const Device device = next.data.device();
  const bool finite = std::max(steps_.precision, steps_.beta) <= kernels::vae_steps_largest_weight;
  steps_.samples = next.data.shape()[0];
  steps_.data = next.data.data<float>();
  steps_.epoch = static_cast<std::uint32_t>(next.epoch);
  steps_.first_batch = next.first_batch;
  steps_.first_step = static_cast<std::uint32_t>(next.adam.steps());
  steps_.steps = finite ? static_cast<Index>(next.rates.size()) : 0;
  if (!workspace_.defined()) {
    workspace_ = Tensor({vae_steps_workspace(steps_)}, DType::float32, device);
    device_constants_ = Tensor({most(device) * numbers_of_a_step}, DType::float32, device);
    constants_.reserve(static_cast<std::size_t>(most(device)));
  }
  steps_.workspace = workspace_.data<float>();
  set_constants(next);
  steps_.validation.samples = finite && next.validated_epoch > 0 ? validation_data_.shape()[0] : 0;
  steps_.validation.draw = static_cast<std::uint32_t>(next.validated_epoch);
  steps_.parameters = next.parameters.flat().data<float>();
  steps_.first_moment = next.adam.first_moment().data<float>();
  steps_.second_moment = next.adam.second_moment().data<float>();
  made_ = 0;
  validated_.reset();
}

void FusedSteps::make(std::span<FusedSteps* const> all) {
  if (all.empty()) return;
  constexpr Index numbers = 3;  // of VaeSteps::done
  const auto count = static_cast<Index>(all.size());
  const Device device = all.front()->workspace_.device();
  const Tensor done({count, numbers}, DType::float64, device);
  PoolVector<VaeSteps<float>> steps;
  steps.reserve(all.size());
  std::size_t block_memory = 0;
  kernels::VaeShapes shapes = vae_shapes(all.front()->steps_);
  for (FusedSteps* const one : all) {
    one->steps_.done = done.data<double>() + numbers * static_cast<Index>(steps.size());
    steps.push_back(one->steps_);
    block_memory = std::max(block_memory, vae_steps_block_memory(one->steps_));
    shapes = in_common(shapes, vae_shapes(one->steps_));
  }
  const std::span<const std::uint8_t> bytes(reinterpret_cast<const std::uint8_t*>(steps.data()),
                                            steps.size() * sizeof(VaeSteps<float>));
  const Tensor of_device = Tensor::from(bytes, {static_cast<Index>(bytes.size())}, device);
  run(device,
      VaeTrainings<float>{count, reinterpret_cast<const VaeSteps<float>*>(of_device.data<std::uint8_t>()),
                          block_memory, shapes});
  const Tensor found = done.to(Device::cpu);
  for (Index i = 0; i < count; ++i) {
    FusedSteps& one = *all[i];
    const double* const own = found.data<double>() + numbers * i;
    one.made_ = static_cast<Index>(own[0]);
    const kernels::VaeValidation<float>& validation = one.steps_.validation;
    const bool is_validated = validation.samples > 0 && one.made_ == one.steps_.steps;
    if (is_validated) one.validated_ = {Index{validation.draw}, own[1], own[2]};
  }
}

}  // namespace elbow
