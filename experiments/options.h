#pragma once
// What can be asked of an experiment: the values, and one table that says of each its name, its meaning, its
// range and how it is read and written. Flags, configuration files, config.toml and --help all come from this
// table.
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/activation.h"
#include "engine/profiling.h"
#include "experiments/sprite_set.h"
#include "kernels/elbo_latent.h"
#include "kernels/priors.h"
#include "models/vae_training.h"

namespace elbow {

enum class Protocol { text, authors };
enum class Recipe { paper, best };
enum class DeviceChoice { automatic, cpu, cuda, executor };

const char* name(Protocol);
const char* name(Recipe);

/// A user's wishes. An experiment's defaults fill in what it uses; the rest keeps the values given here.
struct Options {
  Protocol protocol = Protocol::text;
  Recipe recipe = Recipe::best;
  bool quick = false;
  std::string config;                ///< a TOML file; "" for none
  std::vector<std::uint64_t> seeds;  ///< distinct, not empty once resolved
  std::vector<double> gamma2;        ///< decoder precisions, distinct, finite, > 0
  std::string data;                  ///< images to train on; "" for those that the experiment draws
  std::string cache;                 ///< where drawn images are kept; "" for the user's cache folder
  SpriteShape shape = SpriteShape::triangle;
  bool angle = false;  ///< whether sprites are turned
  Distortion distortion = Distortion::none;
  int size = 64;  ///< height and width of a drawn image, pixels

  DeviceChoice device = DeviceChoice::automatic;  ///< not automatic once resolved
  Trainer trainer = Trainer::fused;
  int threads = 0;  ///< 0: one per core; >= 1 once resolved
  std::string out;  ///< the run folder; "" for runs/<date-time>_<experiment>
  bool resume = false;
  bool dry_run = false;
  StepInterval profile;  ///< what a profiler records of the first run

  int epochs = 0;
  double learning_rate = 0;
  int batch = 0;
  kernels::KlForm kl_form = kernels::KlForm::sampled;
  double beta = 1;  ///< weight of the KL term

  int dim = 0;
  int layers = 0;  ///< linear layers
  int hidden = 0;
  Activation activation = Activation::smooth_leaky_relu;
  kernels::Prior prior = kernels::Prior::gaussian;
  std::uint64_t data_seed = 1;     ///< of the sprites
  std::vector<double> beta_prior;  ///< its two parameters; empty: they are learned
};

/// The type of a value in a TOML file. `untyped` is text from the command line, `other` what no option takes.
enum class ValueKind { untyped, boolean, integer, number, string, integers, numbers, other };

struct OptionDescription {
  std::string name;      ///< long, without dashes; a file's key has _ for -
  std::string group;     ///< heading in --help
  std::string value;     ///< stands for the value in --help; "" for a switch
  std::string help;      ///< one line
  std::string fallback;  ///< what --help shows where there is no default value; may be ""
  std::string example;   ///< a value that is accepted
  bool stored;           ///< part of config.toml: it can change results

  ValueKind kind;
  std::string expected;  ///< "a number greater than 0"
  /// False if the text is not what is expected; the options are then unchanged.
  std::function<bool(Options&, const std::string& text)> parse;
  /// The text that parses to the present value; empty if there is none, or another option says it better.
  std::function<std::optional<std::string>(const Options&)> format;

  std::string flag() const { return "--" + name; }
  std::string key() const;
  /// `text`, which parses, as a TOML value.
  std::string toml(const std::string& text) const;
};

const std::vector<OptionDescription>& option_table();
/// By name or by key; null if there is none.
const OptionDescription* find_option(std::string_view name_or_key);

/// Names of the options that every experiment accepts; --gamma2 and those of model and training are not among
/// them.
const std::set<std::string>& common_options();

/// 1, 2, ..., count.
std::vector<std::uint64_t> first_seeds(int count);

}  // namespace elbow
