#pragma once
// One training, from initial weights to its best validation: a pure function of model, configuration and data. What
// is trained, and to what end, says a derived class: models/vae_training.h, models/likelihood_training.h.
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/adam.h"
#include "engine/checkpoint.h"
#include "engine/dataset.h"
#include "engine/profiling.h"

namespace elbow {

class FusedSteps;

enum class Schedule { constant, cosine };

struct TrainingConfig {
  std::uint64_t seed = 1;
  Index batch = 64;    ///< the last partial batch of an epoch is dropped
  Index epochs = 400;  ///< at most
  double rate = 1e-3;  ///< Adam's learning rate; with cosine, where it starts
  Schedule schedule = Schedule::constant;
  double final_rate = 1e-5;    ///< cosine only: where it ends, after `epochs`
  double held = 0;             ///< cosine only: the share of the steps before the rate falls, below 1
  Index validation_every = 5;  ///< epochs
  Index patience = 0;          ///< validations without a smaller loss before stopping; 0: never
  bool scale_data = false;     ///< train on x / std(x): the same objective
};

/// Names and numbers, in the order of a table's columns; a value that is not defined is NaN.
using Values = std::vector<std::pair<std::string, double>>;
/// NaN if there is no such name.
double value_of(const Values& values, const std::string& name);

/// In nats and in the units of the data.
struct Validation {
  Index epoch = 0;
  Index steps = 0;
  Values values{};  ///< first the loss, then what it is made of
  double loss() const { return values.front().second; }
};

/// Rows that are evaluated at a time: their activations stay in the cache. Of their losses sums are made first.
inline constexpr Index evaluation_rows = 1000;

class Training {
 public:
  virtual ~Training() = default;

  /// One step on the next mini-batch; returns the loss. Throws NumericalError naming operation, step and seed
  /// if it is not finite.
  double step();
  /// The rest of the epoch and, when one is due, a validation. Returns early, between two steps, once `stop`
  /// says so.
  void run_epoch(const std::function<bool()>& stop = [] { return false; });
  /// The next steps, at most to the next validation, as work for FusedSteps::make(); take_steps() is to follow. Null if only
  /// run_epoch() can make them.
  FusedSteps* plan_steps();
  /// Counts the planned steps that were made, makes the one that was left to the tape, and validates where it is due. Throws
  /// as step().
  void take_steps();
  /// After the last epoch, or when patience has run out.
  bool finished() const;

  const std::vector<Validation>& history() const { return history_; }
  /// The best validation so far; throws UsageError before the first one.
  const Validation& best() const;
  const Parameters& best_parameters() const { return best_parameters_; }
  const Parameters& parameters() const { return parameters_; }
  const ParameterLayout& layout() const { return layout_; }
  const TrainingConfig& config() const { return config_; }
  /// What people should know of how this trains; empty if nothing.
  virtual std::string remark() const { return ""; }
  /// Whether plan_steps() has work for a kernel.
  virtual bool is_fused() const { return false; }
  Device device() const { return train_.device(); }
  Index epoch() const { return epoch_; }
  Index steps() const { return adam_.steps(); }
  /// If no patience runs out.
  Index steps_in_all() const { return config_.epochs * batches_; }
  /// The number by which observations are divided before they meet the model.
  double data_scale() const { return scale_; }

  /// Has a profiler that is attached to the device record these steps.
  void profile(const StepInterval& steps) { profiled_ = steps; }

  /// Everything that a continued training needs, but for the fingerprint.
  Checkpoint state() const;
  /// Continues from `state()` of a training with the same model, configuration and data.
  void restore(const Checkpoint& state);

 protected:
  /// `data` may be on any device; the training runs there, in its dtype. Throws UsageError if a batch is larger than
  /// the training part, or a number of `config` is out of range.
  Training(const ParameterLayout& layout, Parameters initial, const TrainingConfig& config,
           const Split& data);

  /// Divided by data_scale().
  Tensor scaled(const Tensor& observations) const;
  /// Calls use(observations, first row), scaled, for one chunk of evaluation_rows after the other.
  void for_chunks(const Tensor& observations, const std::function<void(const Tensor&, Index)>& use) const;

 private:
  /// What makes several steps without step(), to the same bits; null: nothing does.
  virtual FusedSteps* fused_steps() { return nullptr; }
  /// loss() and its gradients by all parameters; they need not be set where the loss is not finite.
  virtual double differentiate(const Tensor& observations, Gradients& gradients);
  /// Of the present parameters on a mini-batch, (batch, observation_dim), divided by data_scale(); a scalar. The same
  /// whenever it is asked in a step.
  virtual Variable loss(const Tensor& observations) const = 0;
  /// Of the present parameters on the validation set after the epoch, in the units of the data: first the loss, then what it is
  /// made of.
  virtual std::vector<double> validation(const Tensor& observations) const = 0;
  virtual std::vector<std::string> validation_names() const = 0;
  /// What identifies the training in an error: "seed 3, gamma^2 100".
  virtual std::string identity() const = 0;

  double learning_rate(Index step) const;
  /// As plan_steps(), but at most so many.
  FusedSteps* plan(Index most);
  void make_steps_of_epoch();
  void end_epochs();
  Index next_validation() const;
  [[noreturn]] void report_not_finite(const Tensor& observations);
  void validate();

  ParameterLayout layout_;
  TrainingConfig config_;
  double scale_;
  Tensor train_;  // scaled
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
  std::vector<double> rates_;  // of the planned steps
};

}  // namespace elbow
