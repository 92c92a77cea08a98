#pragma once
// One training of a VAE, from initial weights to its best validation: a pure function of model, configuration
// and data.
#include <functional>
#include <optional>

#include "engine/adam.h"
#include "engine/checkpoint.h"
#include "engine/dataset.h"
#include "engine/profiling.h"
#include "models/vae.h"

namespace elbow {

enum class Schedule { constant, cosine };

struct TrainingConfig {
  std::uint64_t seed = 1;
  double precision = 1e4;  ///< gamma^2, in the units of the data
  Index batch = 64;        ///< the last partial batch of an epoch is dropped
  Index epochs = 400;      ///< at most
  double rate = 1e-3;      ///< Adam's learning rate; with cosine, where it starts
  Schedule schedule = Schedule::constant;
  double final_rate = 1e-5;    ///< cosine only: where it ends, after `epochs`
  Index validation_every = 5;  ///< epochs
  Index patience = 0;          ///< validations without a better -ELBO before stopping; 0: never
  bool scale_data = false;     ///< train on x / std(x) at precision gamma^2 std^2: the same objective
  double beta = 1;             ///< weight of the KL
};

/// A validation, in nats and in the units of the data.
struct Validation {
  Index epoch = 0;
  Index steps = 0;
  double neg_elbo = 0;
  double reconstruction = 0;
  double kl = 0;
};

class Training {
 public:
  /// `data` may be on any device; the training runs there, in its dtype. The VAE must outlive it. Throws
  /// UsageError if a batch is larger than the training part, or a number of `config` is out of range.
  Training(const Vae& vae, const TrainingConfig& config, const Split& data);

  /// One step on the next mini-batch; returns the loss. Throws NumericalError naming operation, step and seed
  /// if it is not finite.
  double step();
  /// The rest of the epoch and, when one is due, a validation. Returns early, between two steps, once `stop`
  /// says so.
  void run_epoch(const std::function<bool()>& stop = [] { return false; });
  /// After the last epoch, or when patience has run out.
  bool finished() const;

  const std::vector<Validation>& history() const { return history_; }
  /// The best validation so far; throws UsageError before the first one.
  const Validation& best() const;
  const Parameters& best_parameters() const { return best_parameters_; }
  const Parameters& parameters() const { return parameters_; }
  const TrainingConfig& config() const { return config_; }
  Index epoch() const { return epoch_; }
  Index steps() const { return adam_.steps(); }

  /// -ELBO over all rows of `observations` (in the units of the data), noise from `stream`, step `draw`.
  Validation evaluate(const Parameters&, const Tensor& observations, Stream stream, std::uint32_t draw) const;
  /// The number by which observations are divided before they meet the model.
  double data_scale() const { return scale_; }

  /// Has a profiler that is attached to the device record these steps.
  void profile(const StepInterval& steps) { profiled_ = steps; }

  /// Everything that a continued training needs, but for the fingerprint.
  Checkpoint state() const;
  /// Continues from `state()` of a training with the same model, configuration and data.
  void restore(const Checkpoint& state);

 private:
  double learning_rate() const;
  Variable loss(const Tensor& observation, const Tensor& noise) const;
  [[noreturn]] void report_not_finite(const Tensor& observation, const Tensor& noise);
  void validate();

  const Vae& vae_;
  TrainingConfig config_;
  double scale_;
  double precision_;  // of the scaled data
  Tensor train_;      // scaled
  Tensor validation_;
  Parameters parameters_;
  Parameters best_parameters_;
  Adam adam_;
  Index epoch_ = 0;
  Index batch_ = 0;  // the next one of the epoch
  Index batches_;    // of an epoch
  std::optional<std::size_t> best_;
  std::vector<Validation> history_;
  StepInterval profiled_;
};

}  // namespace elbow
