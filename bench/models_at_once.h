#pragma once
// Training steps of several models by one call of a kernel, to be timed.
#include <memory>
#include <vector>

#include "bench/steps.h"
#include "models/fused_steps.h"

namespace elbow::bench {

/// `models` times the same training of `steps` steps. They share data and seed: what a step costs does not depend on them.
class ModelsAtOnce {
 public:
  ModelsAtOnce(const Workload& workload, Index models, Index steps, Device device)
      : vae_(Steps::vae(workload)),
        data_(normal({1, Stream::sources}, steps * workload.batch, workload.dim, DType::float32).to(device)),
        rates_(static_cast<std::size_t>(steps), 1e-3) {
    TrainingConfig config;
    config.batch = workload.batch;
    for (Index i = 0; i < models; ++i) {
      models_.push_back(std::make_unique<Model>(vae_, config, data_));
      planned_.push_back(&models_.back()->steps);
    }
    flop_ = static_cast<double>(models * steps) * step_flop(vae_, workload.batch);
  }

  double flop() const { return flop_; }

  void run() const {
    for (const auto& model : models_) {
      model->steps.plan({data_, 0, 0, rates_, 0, model->parameters, model->adam});
    }
    FusedSteps::make(planned_);
  }

 private:
  struct Model {
    Model(const Vae& vae, const TrainingConfig& config, const Tensor& data)
        : parameters(vae.initial_parameters(1, DType::float32, data.device())),
          adam(parameters),
          steps(vae, parameters, config, 1e4, 1, data) {}
    Parameters parameters;
    Adam adam;
    FusedSteps steps;
  };

  Vae vae_;
  Tensor data_;
  std::vector<double> rates_;
  std::vector<std::unique_ptr<Model>> models_;
  std::vector<FusedSteps*> planned_;
  double flop_;
};

}  // namespace elbow::bench
