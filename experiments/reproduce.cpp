#include "experiments/reproduce.h"

#include <fmt/format.h>

#include "experiments/log.h"
#include "experiments/run_folder.h"
#include "experiments/stop.h"
#include "kernels/error.h"

namespace elbow {
namespace {

struct Part {
  const Experiment& experiment;
  Protocol protocol;

  std::string title() const { return fmt::format("{}, {}", experiment.name, name(protocol)); }
  std::string id() const { return fmt::format("{}_{}", experiment.name, name(protocol)); }
};

std::vector<Part> parts_of(const std::vector<Experiment>& experiments) {
  std::vector<Part> parts;
  for (const Experiment& experiment : experiments)
    for (const Protocol protocol : experiment.protocols) parts.push_back({experiment, protocol});
  return parts;
}

/// What reproduce was asked for, as options of one part.
Options options_of(const Part& part, const Options& wishes) {
  Options options = defaults_of(part.experiment, part.protocol, default_recipe(part.protocol), wishes.quick);
  options.device = wishes.device;
  options.trainer = wishes.trainer;
  options.threads = wishes.threads;
  options.resume = wishes.resume;
  return options;
}

/// 6, claims, is outranked by 5, numbers, and that by all other errors.
int worse(int left, int right) {
  const auto rank = [](int code) { return code == 0 ? 0 : code == 6 ? 1 : code == 5 ? 2 : 3; };
  return rank(right) > rank(left) ? right : left;
}

Outcome failure(const Part& part, const Error& error) {
  log_error(fmt::format("{}: {}", part.title(), error.what()));
  Claim claim;
  claim.name = "finished";
  claim.quantity = "runs to the end";
  claim.ours = "no";
  claim.target = "yes";
  claim.verdict = Verdict::fails;
  claim.note = error.what();
  return {{claim}, 0, error.exit_code()};
}

Outcome run_part(const Part& part, const Options& wishes, const RunFolder& folder) {
  Options options = options_of(part, wishes);
  options.out = (folder.path() / part.id()).string();
  try {
    return run_experiment(part.experiment, options);
  } catch (const Error& error) {
    return failure(part, error);
  }
}

void add(const Part& part, const Outcome& outcome, Outcome& all) {
  for (Claim claim : outcome.claims) {
    claim.name = part.id() + "/" + claim.name;
    claim.quantity = part.title() + ": " + claim.quantity;
    all.claims.push_back(claim);
  }
  all.failed_runs += outcome.failed_runs;
  all.error = worse(all.error, outcome.error);
}

}  // namespace

Experiment reproduce(const std::vector<Experiment>& experiments) {
  Experiment all;
  all.name = "reproduce";
  all.figure = "All figures";
  all.question = "which claims of the paper hold?";
  all.accepted = {"quick", "config", "device", "trainer", "threads", "out", "resume", "dry-run"};
  all.defaults = [](const Options&) { return Options(); };
  all.plan = [experiments](const Options& options) {
    std::string text;
    for (const Part& part : parts_of(experiments)) {
      text += fmt::format("{}{}\n", text.empty() ? "" : "\n", part.title());
      text += part.experiment.plan(options_of(part, options));
    }
    return text;
  };
  all.run = [experiments](const Options& options, const RunFolder& folder) {
    Outcome outcome;
    const std::vector<Part> parts = parts_of(experiments);
    for (std::size_t i = 0; i < parts.size() && !stop_requested(); ++i) {
      log_info(fmt::format("[{}/{}] {}", i + 1, parts.size(), parts[i].title()));
      add(parts[i], run_part(parts[i], options, folder), outcome);
    }
    return outcome;
  };
  return all;
}

}  // namespace elbow
