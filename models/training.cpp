#include "models/training.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "engine/ops.h"
#include "models/fused_steps.h"

namespace elbow {
namespace {

/// Standard deviation of all elements around their common mean.
double standard_deviation(const Tensor& x) {
  const std::vector<double> values = x.to_vector<double>();
  double sum = 0;
  for (double value : values) sum += value;
  const double mean = sum / static_cast<double>(values.size());
  double squares = 0;
  for (double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size()));
}

Tensor divided(const Tensor& x, double scale) {
  if (scale == 1) return x;
  const NoGradient off;
  return (Variable(x) / scale).value();
}

TrainingConfig checked(const TrainingConfig& config, Index samples) {
  if (config.batch < 1 || config.batch > samples) {
    throw UsageError(
        fmt::format("batch: expected 1 to {} (the training samples), got {}", samples, config.batch));
  }
  if (!(config.rate > 0) || !std::isfinite(config.rate)) {
    throw UsageError(fmt::format("learning rate: expected a finite number above 0, got {}", config.rate));
  }
  if (!(config.held >= 0 && config.held < 1)) {
    throw UsageError(fmt::format(
        "learning rate: expected it to be held for a share of the steps, from 0 to below 1, got {}",
        config.held));
  }
  if (config.epochs < 1 || config.validation_every < 1) {
    throw UsageError(fmt::format("epochs: expected at least 1, got {}, validated every {}", config.epochs,
                                 config.validation_every));
  }
  return config;
}

Values named(const std::vector<std::string>& names, std::span<const double> numbers) {
  Values values;
  for (std::size_t i = 0; i < names.size(); ++i) values.emplace_back(names[i], numbers[i]);
  return values;
}

}  // namespace

double value_of(const Values& values, const std::string& name) {
  for (const auto& [own, value] : values) {
    if (own == name) return value;
  }
  return std::numeric_limits<double>::quiet_NaN();
}

Training::Training(const ParameterLayout& layout, Parameters initial, const TrainingConfig& config,
                   const Split& data)
    : layout_(layout),
      config_(checked(config, data.train.shape()[0])),
      scale_(config.scale_data ? standard_deviation(data.train) : 1),
      train_(divided(data.train, scale_)),
      validation_(data.validation),
      parameters_(std::move(initial)),
      best_parameters_(layout, parameters_.flat().dtype(), parameters_.flat().device()),
      adam_(parameters_),
      batches_(data.train.shape()[0] / config.batch) {
  if (!(scale_ > 0)) throw UsageError("data: expected observations that vary, got a constant");
}

double Training::learning_rate(Index step) const {
  if (config_.schedule == Schedule::constant) return config_.rate;
  const auto last = static_cast<double>(steps_in_all());
  const double first = config_.held * last;
  if (static_cast<double>(step) < first) return config_.rate;
  const double turn = math::pi * (static_cast<double>(step) - first) / (last - first);
  return config_.final_rate + 0.5 * (config_.rate - config_.final_rate) * (1 + std::cos(turn));
}

double Training::step() {
  const StepCapture capture(train_.device(), adam_.steps() + 1, profiled_);
  const ProfilerRange range(train_.device(), "step");
  const Tensor observations =
      shuffled_batch(train_, config_.seed, static_cast<std::uint32_t>(epoch_), batch_, config_.batch);
  Gradients found;
  const double result = differentiate(observations, found);
  if (!std::isfinite(result)) report_not_finite(observations);
  adam_.step(parameters_, found, learning_rate(steps()));
  ++batch_;
  return result;
}

double Training::differentiate(const Tensor& observations, Gradients& found) {
  const Variable value = loss(observations);
  const double result = value.value().item();
  if (std::isfinite(result)) found = gradients(value, parameters_.variables());
  return result;
}

void Training::report_not_finite(const Tensor& observations) {
  const auto where = fmt::format("at step {} of {}", steps() + 1, identity());
  for (int i = 0; i < layout_.size(); ++i) {
    for (double value : parameters_[i].value().to_vector<double>()) {
      if (!std::isfinite(value)) {
        throw NumericalError(
            fmt::format("{} is {} {}: the last gradient overflowed; try a smaller learning rate",
                        layout_.name(i), value, where));
      }
    }
  }
  try {
    const FiniteGuard guard;
    loss(observations);
  } catch (const NumericalError& error) {
    throw NumericalError(fmt::format("{} {}; try a smaller learning rate", error.what(), where));
  }
  throw NumericalError(fmt::format("the loss is not finite {}", where));
}

/// The epoch after which it is due.
Index Training::next_validation() const {
  const Index due = (epoch_ / config_.validation_every + 1) * config_.validation_every;
  return epoch_ < config_.epochs ? std::min(due, config_.epochs) : due;
}

FusedSteps* Training::plan(Index most) {
  FusedSteps* const fused = fused_steps();
  if (fused == nullptr || profiled_.last > 0) return nullptr;  // a recording begins and ends with a step
  const Index left = (next_validation() - epoch_) * batches_ - batch_;
  const Index count = std::min({most, FusedSteps::most(device()), left});
  rates_.clear();
  for (Index i = 0; i < count; ++i) rates_.push_back(learning_rate(steps() + i));
  fused->plan({train_, epoch_, batch_, rates_, count == left ? next_validation() : 0, parameters_, adam_});
  return fused;
}

FusedSteps* Training::plan_steps() { return plan(steps_in_all()); }

void Training::take_steps() {
  const Index made = fused_steps()->made();
  adam_.set_steps(steps() + made);
  batch_ += made;
  if (made < static_cast<Index>(rates_.size())) step();
  end_epochs();
}

/// Those whose last step is made.
void Training::end_epochs() {
  if (batch_ < batches_) return;
  epoch_ += batch_ / batches_;
  batch_ %= batches_;
  const bool is_due = epoch_ % config_.validation_every == 0 || epoch_ == config_.epochs;
  if (batch_ == 0 && is_due) validate();
}

void Training::make_steps_of_epoch() {
  if (FusedSteps* const fused = plan(batches_ - batch_)) {
    FusedSteps::make({&fused, 1});
    take_steps();
  } else {
    step();
  }
}

void Training::run_epoch(const std::function<bool()>& stop) {
  const ProfilerRange range(train_.device(), "epoch");
  for (const Index epoch = epoch_; epoch_ == epoch;) {
    if (batch_ < batches_) {
      if (stop()) return;
      make_steps_of_epoch();
    }
    end_epochs();
  }
}

bool Training::finished() const {
  if (epoch_ >= config_.epochs) return true;
  if (config_.patience == 0 || !best_) return false;
  return static_cast<Index>(history_.size() - 1 - *best_) >= config_.patience;
}

const Validation& Training::best() const {
  if (!best_) throw UsageError("[training] expected at least one validation before asking for the best");
  return history_[*best_];
}

Tensor Training::scaled(const Tensor& observations) const { return divided(observations, scale_); }

void Training::for_chunks(const Tensor& observations,
                          const std::function<void(const Tensor&, Index)>& use) const {
  const Index samples = observations.shape()[0];
  for (Index first = 0; first < samples; first += evaluation_rows) {
    use(scaled(rows(observations, first, std::min(evaluation_rows, samples - first))), first);
  }
}

void Training::validate() {
  history_.push_back({epoch_, steps(), named(validation_names(), validation(validation_))});
  const Validation& latest = history_.back();
  if (!std::isfinite(latest.loss())) {
    throw NumericalError(fmt::format("the validation's {} is {} after epoch {} (step {}) of {}",
                                     latest.values.front().first, latest.loss(), epoch_, steps(),
                                     identity()));
  }
  if (best_ && latest.loss() >= best().loss()) return;
  best_ = history_.size() - 1;
  best_parameters_.flat().assign(parameters_.flat());
}

Checkpoint Training::state() const {
  Checkpoint state;
  std::vector<double> rows;
  for (const Validation& v : history_) {
    rows.insert(rows.end(), {static_cast<double>(v.epoch), static_cast<double>(v.steps)});
    for (const auto& value : v.values) rows.push_back(value.second);
  }
  state.tensors = {{"parameters", parameters_.flat()},
                   {"first_moment", adam_.first_moment()},
                   {"second_moment", adam_.second_moment()},
                   {"best_parameters", best_parameters_.flat()},
                   {"history", Tensor::from(rows, {static_cast<Index>(history_.size()),
                                                   static_cast<Index>(2 + validation_names().size())})}};
  state.integers = {{"epoch", epoch_},
                    {"batch", batch_},
                    {"steps", steps()},
                    {"best", best_ ? static_cast<Index>(*best_) : -1}};
  return state;
}

void Training::restore(const Checkpoint& state) {
  parameters_.flat().assign(find(state.tensors, "parameters"));
  best_parameters_.flat().assign(find(state.tensors, "best_parameters"));
  adam_.first_moment().assign(find(state.tensors, "first_moment"));
  adam_.second_moment().assign(find(state.tensors, "second_moment"));
  adam_.set_steps(state.integer("steps"));
  epoch_ = state.integer("epoch");
  batch_ = state.integer("batch");
  const std::int64_t best = state.integer("best");
  best_ = best < 0 ? std::nullopt : std::optional<std::size_t>(best);
  const std::vector<double> rows = find(state.tensors, "history").to_vector<double>();
  const std::vector<std::string> names = validation_names();
  history_.clear();
  for (std::size_t i = 0; i < rows.size(); i += 2 + names.size()) {
    history_.push_back({static_cast<Index>(rows[i]), static_cast<Index>(rows[i + 1]),
                        named(names, std::span(rows).subspan(i + 2, names.size()))});
  }
}

}  // namespace elbow
