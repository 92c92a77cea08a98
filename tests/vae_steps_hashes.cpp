#include "tests/vae_steps_hashes.h"

#include <array>
#include <memory>

#include "engine/activation.h"
#include "models/fused_steps.h"
#include "models/training.h"
#include "tests/evaluate.h"
#include "tests/hash.h"

namespace elbow::test {
namespace {

/// Calls of two steps each, of epoch 1. One element of `parameter` begins as `value`.
struct StepsRun {
  VaeConfig vae;
  Index batch = 7;
  double beta = 1;
  std::string parameter = "encoder.fc.0.bias";
  Index element = 0;
  double value = 0.5;
  std::vector<Index> first_batches = {0, 2};  // of the calls
};

/// A model whose steps a kernel makes.
struct SteppedModel {
  SteppedModel(const StepsRun& run, Index epoch_batches, Device device)
      : vae(run.vae),
        parameters(vae.initial_parameters(1, DType::float32, device)),
        adam(parameters),
        data(drawn({epoch_batches * run.batch + 1, run.vae.observation_dim}, DType::float32, device)),
        steps(vae, parameters, config(run.batch), 100, run.beta, data) {
    for (int i = 0; i < vae.layout().size(); ++i) {
      if (vae.layout().name(i) != run.parameter) continue;
      parameters.flat()
          .part(vae.layout().offset(i) + run.element, {1})
          .assign(Tensor::full({1}, DType::float32, run.value));
    }
  }
  static TrainingConfig config(Index batch) {
    TrainingConfig training;
    training.batch = batch;
    return training;
  }
  void add_to(Hash& hash) const {
    for (const Tensor& changed : {parameters.flat(), adam.first_moment(), adam.second_moment()})
      hash.add(changed);
  }

  Vae vae;
  Parameters parameters;
  Adam adam;
  Tensor data;
  FusedSteps steps;
};

std::uint64_t hash_of_vae_steps(const StepsRun& run, Device device) {
  SteppedModel model(run, 5, device);
  model.data = model.data.part(0, {5 * run.batch, run.vae.observation_dim});
  const std::vector<double> rates{1e-2, 2e-2};
  Index made = 0;
  for (const Index first_batch : run.first_batches) {
    model.steps.plan({model.data, 1, first_batch, rates, 0, model.parameters, model.adam});
    FusedSteps::make(std::array{&model.steps});
    model.adam.set_steps(model.adam.steps() + model.steps.made());
    made += model.steps.made();
  }
  Hash hash;
  model.add_to(hash);
  hash.add(Tensor::full({1}, DType::float32, static_cast<double>(made)));
  return hash.value;
}

/// Models that begin in the midst of an epoch, go on into the next, and are validated on their data.
std::uint64_t hash_of_validated_vae_steps(const std::vector<StepsRun>& runs, Index epoch_batches,
                                          Device device) {
  std::vector<std::unique_ptr<SteppedModel>> models;
  std::vector<FusedSteps*> planned;
  const std::vector<double> rates(3, 1e-2);
  for (const StepsRun& run : runs) {
    models.push_back(std::make_unique<SteppedModel>(run, epoch_batches, device));
    SteppedModel& model = *models.back();
    planned.push_back(&model.steps);
    const Index first_batch = epoch_batches - static_cast<Index>(models.size());
    model.steps.plan({model.data, 1, first_batch, rates, 2, model.parameters, model.adam});
  }
  FusedSteps::make(planned);
  Hash hash;
  for (const auto& model : models) {
    model->add_to(hash);
    const ElboSums sums =
        model->steps.validated().value_or(ElboSums{0, 0, static_cast<double>(model->steps.made())});
    hash.add(Tensor::from(std::vector<double>{sums.reconstruction, sums.kl}, {2}));
  }
  return hash.value;
}

}  // namespace

std::vector<HashedRun> vae_steps_runs() {
  std::vector<HashedRun> all;
  const auto add = [&all](const std::string& name, const StepsRun& run) {
    all.push_back({"vae_steps, " + name, [run](Device device) { return hash_of_vae_steps(run, device); }});
  };
  const auto add_validated = [&all](const std::string& name, const std::vector<StepsRun>& runs,
                                    Index epoch_batches) {
    all.push_back({"vae_steps, " + name,
                   [=](Device device) { return hash_of_validated_vae_steps(runs, epoch_batches, device); }});
  };
  VaeConfig small;
  small.observation_dim = small.latent_dim = 2;
  small.layers = 2;
  small.hidden = 5;
  for (const std::string& activation : activation_names()) {
    VaeConfig vae = small;
    vae.activation = activation_named(activation);
    add(activation, StepsRun{vae});
  }
  for (const auto& [prior, name] : {std::pair{kernels::Prior::uniform, "uniform"},
                                    {kernels::Prior::beta, "beta"},
                                    {kernels::Prior::laplace, "laplace"}}) {
    VaeConfig vae = small;
    vae.prior = prior;
    add(name, {.vae = vae, .beta = 0.3});
  }
  VaeConfig learned = small;
  learned.learned_prior = true;
  add("learned prior", {.vae = learned, .batch = 9});
  learned.kl_form = kernels::KlForm::closed;
  add("learned prior, closed KL", {.vae = learned, .batch = 9});
  VaeConfig narrow = learned;
  narrow.observation_dim = 3;
  narrow.hidden = 1;
  add("narrower than the data", StepsRun{narrow});
  narrow.layers = 1;
  add("of one layer", StepsRun{narrow});
  VaeConfig encoder = small;
  const Tensor weight = drawn({2, 2}, DType::float32, Device::cpu);
  encoder.decoder = FixedMlp({weight, weight}, Activation::smooth_leaky_relu, DType::float32);
  add("given decoder", StepsRun{encoder});
  VaeConfig squashed = small;
  squashed.prior = kernels::Prior::beta;
  const StepsRun stopped = {.vae = learned, .parameter = "conditioner.fc.1.bias", .value = 40};
  add_validated("of several models over epochs, validated",
                {{small}, {squashed}, {encoder}, stopped, {learned}}, 5);
  add_validated("validated in chunks", {{.vae = small, .batch = 200}}, 6);
  VaeConfig wide = small;
  wide.observation_dim = wide.latent_dim = 5;
  wide.layers = 3;
  wide.hidden = 65;
  wide.activation = Activation::smooth_leaky_relu;
  add("tiles with edges", {.vae = wide, .batch = 37});
  VaeConfig fig2;
  fig2.layers = 4;
  fig2.hidden = 60;
  fig2.activation = Activation::smooth_leaky_relu;
  add("Fig. 2", {.vae = fig2, .batch = 64, .first_batches = {1}});
  VaeConfig moebius = fig2;
  moebius.layers = 2;
  moebius.hidden = 30;
  moebius.prior = kernels::Prior::beta;
  add("Moebius", {.vae = moebius, .batch = 64, .first_batches = {1}});
  VaeConfig authors = moebius;
  authors.activation = Activation::leaky_relu;
  authors.prior = kernels::Prior::gaussian;
  authors.learned_prior = true;
  moebius.activation = Activation::leaky_relu;
  add_validated("Moebius, validated", {{.vae = moebius, .batch = 64}}, 2);
  add_validated("Moebius beside another narrow one",
                {{.vae = moebius, .batch = 64}, {.vae = authors, .batch = 64}}, 2);
  add("log v out of range", {.vae = learned, .parameter = "conditioner.fc.1.bias", .value = 40});
  add("f out of range", {.vae = learned, .parameter = "decoder.fc.1.bias", .value = 2e8});
  const Tensor tiny = Tensor::full({2, 2}, DType::float32, 1e-10);
  encoder.decoder = FixedMlp({tiny}, Activation::identity, DType::float32);
  add("mu out of range", {.vae = encoder, .parameter = "encoder.fc.1.bias", .element = 1, .value = 2e8});
  add("s out of range", {.vae = encoder, .parameter = "encoder.fc.1.bias", .element = 2, .value = 40});

  return all;
}

}  // namespace elbow::test
