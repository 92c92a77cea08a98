#include "experiments/options.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <numeric>

#include "experiments/text.h"

namespace elbow {
namespace {

/// How one member of Options is read and written.
struct Field {
  ValueKind kind;
  std::string expected;
  std::function<bool(Options&, const std::string&)> parse;
  std::function<std::optional<std::string>(const Options&)> format;
};

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return {};
  return value;
}

/// A comma-separated list; empty if an entry does not parse or is not `allowed`, or occurs twice, or there is
/// none.
template <class Number, class Allowed>
std::vector<Number> parse_list(const std::string& text, Allowed allowed) {
  std::vector<Number> values;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const auto value = parse_number<Number>(std::string_view(text).substr(begin, end - begin));
    if (!value || !allowed(*value) || std::find(values.begin(), values.end(), *value) != values.end())
      return {};
    values.push_back(*value);
    begin = end + 1;
  }
  return values;
}

Field flag(bool Options::*member) {
  const auto parse = [member](Options& options, const std::string& text) {
    if (text != "true" && text != "false") return false;
    options.*member = text == "true";
    return true;
  };
  const auto format = [member](const Options& options) { return options.*member ? "true" : "false"; };
  return {ValueKind::boolean, "true or false", parse, format};
}

template <class Enum>
Field choice(Enum Options::*member, const std::vector<std::string>& names) {
  const auto parse = [=](Options& options, const std::string& text) {
    const auto found = std::find(names.begin(), names.end(), text);
    if (found == names.end()) return false;
    options.*member = static_cast<Enum>(found - names.begin());
    return true;
  };
  const auto format = [=](const Options& options) {
    return names[static_cast<std::size_t>(options.*member)];
  };
  return {ValueKind::string, fmt::format("one of {}", fmt::join(names, ", ")), parse, format};
}

std::optional<std::string> unless_empty(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

Field file_name(std::string Options::*member) {
  const auto parse = [member](Options& options, const std::string& text) {
    if (text.empty()) return false;
    options.*member = text;
    return true;
  };
  return {ValueKind::string, "a path", parse,
          [member](const Options& options) { return unless_empty(options.*member); }};
}

Field integer(int Options::*member, int least, int most) {
  const auto parse = [=](Options& options, const std::string& text) {
    const auto value = parse_number<int>(text);
    if (!value || *value < least || *value > most) return false;
    options.*member = *value;
    return true;
  };
  return {ValueKind::integer, fmt::format("a whole number from {} to {}", least, most), parse,
          [member](const Options& options) { return std::to_string(options.*member); }};
}

bool is_positive(double value) { return std::isfinite(value) && value > 0; }

Field positive_number(double Options::*member) {
  const auto parse = [member](Options& options, const std::string& text) {
    const auto value = parse_number<double>(text);
    if (!value || !is_positive(*value)) return false;
    options.*member = *value;
    return true;
  };
  return {ValueKind::number, "a finite number greater than 0", parse,
          [member](const Options& options) { return shortest(options.*member); }};
}

Field positive_numbers(std::vector<double> Options::*member) {
  const auto parse = [member](Options& options, const std::string& text) {
    auto values = parse_list<double>(text, is_positive);
    if (values.empty()) return false;
    options.*member = std::move(values);
    return true;
  };
  const auto format = [member](const Options& options) {
    std::vector<std::string> texts;
    for (const double value : options.*member) texts.push_back(shortest(value));
    return unless_empty(fmt::format("{}", fmt::join(texts, ",")));
  };
  return {ValueKind::numbers, "distinct finite numbers greater than 0", parse, format};
}

Field positive_pair(std::vector<double> Options::*member) {
  const auto parse = [member](Options& options, const std::string& text) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const auto first = parse_number<double>(std::string_view(text).substr(0, comma));
    const auto second = parse_number<double>(std::string_view(text).substr(std::min(comma + 1, text.size())));
    if (!first || !second || !is_positive(*first) || !is_positive(*second)) return false;
    options.*member = {*first, *second};
    return true;
  };
  return {ValueKind::numbers, "two finite numbers greater than 0, such as 3,3", parse,
          positive_numbers(member).format};
}

Field step_interval(StepInterval Options::*member) {
  const auto parse = [member](Options& options, const std::string& text) {
    const std::size_t colon = std::min(text.find(':'), text.size());
    const auto first = parse_number<std::int64_t>(std::string_view(text).substr(0, colon));
    const auto last =
        parse_number<std::int64_t>(std::string_view(text).substr(std::min(colon + 1, text.size())));
    if (!first || !last || *first < 1 || *first > *last) return false;
    options.*member = {*first, *last};
    return true;
  };
  const auto format = [member](const Options& options) -> std::optional<std::string> {
    const auto [first, last] = options.*member;
    if (last == 0) return {};
    return fmt::format("{}:{}", first, last);
  };
  return {ValueKind::string, "two steps A:B with 1 <= A <= B", parse, format};
}

constexpr int most_seeds = 100000;

bool counts_from_one(const std::vector<std::uint64_t>& seeds) {
  return seeds.size() <= most_seeds && seeds == first_seeds(static_cast<int>(seeds.size()));
}

Field seed_count() {
  const auto parse = [](Options& options, const std::string& text) {
    const auto count = parse_number<int>(text);
    if (!count || *count < 1 || *count > most_seeds) return false;
    options.seeds = first_seeds(*count);
    return true;
  };
  const auto format = [](const Options& options) -> std::optional<std::string> {
    if (options.seeds.empty() || !counts_from_one(options.seeds)) return {};
    return std::to_string(options.seeds.size());
  };
  return {ValueKind::integer, fmt::format("a whole number from 1 to {}", most_seeds), parse, format};
}

Field seed_list() {
  // TOML's integers are signed.
  constexpr std::uint64_t largest = std::numeric_limits<std::int64_t>::max();
  const auto parse = [](Options& options, const std::string& text) {
    auto seeds = parse_list<std::uint64_t>(text, [](std::uint64_t seed) { return seed <= largest; });
    if (seeds.empty()) return false;
    options.seeds = std::move(seeds);
    return true;
  };
  const auto format = [](const Options& options) -> std::optional<std::string> {
    if (counts_from_one(options.seeds)) return {};
    return fmt::format("{}", fmt::join(options.seeds, ","));
  };
  return {ValueKind::integers, "distinct whole numbers, none below 0", parse, format};
}

/// Stored where it is not 1.
Field data_seed() {
  const auto parse = [](Options& options, const std::string& text) {
    const auto seed = parse_number<std::int64_t>(text);
    if (!seed || *seed < 0) return false;
    options.data_seed = static_cast<std::uint64_t>(*seed);
    return true;
  };
  const auto format = [](const Options& options) -> std::optional<std::string> {
    if (options.data_seed == 1) return {};
    return std::to_string(options.data_seed);
  };
  return {ValueKind::integer, "a whole number, none below 0", parse, format};
}

template <class Names>
std::vector<std::string> words(const Names& names) {
  return {names.begin(), names.end()};
}

const std::vector<std::string> protocols = {"text", "authors"};
const std::vector<std::string> recipes = {"paper", "best"};

struct Presentation {
  const char* name;
  const char* value;
  const char* help;
  const char* example;
  const char* fallback = "";
};

enum class Stored { no, yes };

/// Builds the table, one option per call, under the heading of the last `group`.
class TableBuilder {
 public:
  void group(std::string heading) { group_ = std::move(heading); }
  void add(Presentation shown, Field field, Stored stored = Stored::yes) {
    table_.push_back({shown.name, group_, shown.value, shown.help, shown.fallback, shown.example,
                      stored == Stored::yes, field.kind, field.expected, field.parse, field.format});
  }
  std::vector<OptionDescription> take() { return std::move(table_); }

 private:
  std::string group_;
  std::vector<OptionDescription> table_;
};

std::vector<OptionDescription> build_table() {
  TableBuilder table;
  table.group("What to run");
  table.add({"protocol", "NAME", "text: as the paper says; authors: as they ran it", "text"},
            choice(&Options::protocol, protocols));
  table.add({"recipe", "NAME", "paper or best", "best", "text: best, authors: paper"},
            choice(&Options::recipe, recipes));
  table.add({"quick", "", "small and fast, judged against wider targets", "true"}, flag(&Options::quick));
  table.add({"seeds", "N", "seeds 1 to N", "20"}, seed_count());
  table.add({"seed-list", "LIST", "these seeds instead", "1,2,3"}, seed_list());
  table.add({"gamma2", "LIST", "decoder precisions gamma^2", "1e1,1e2"}, positive_numbers(&Options::gamma2));
  table.add({"config", "FILE", "options from a TOML file; flags outrank it", "my.toml"},
            file_name(&Options::config), Stored::no);

  table.group("Data");
  table.add({"data", "FILE", "your own images, .npz or .npy", "my.npz"}, file_name(&Options::data));
  table.add({"data-seed", "N", "of the sprites, which are the same for all seeds", "2", "1"}, data_seed());
  table.add({"shape", "NAME", "of the sprites: triangle, square, ..., star_5, spoke_6", "square"},
            choice(&Options::shape, words(sprite_shape_names)));
  table.add({"angle", "", "sprites are turned: a fifth factor", "true"}, flag(&Options::angle));
  table.add({"distortion", "NAME", "of the positions: none, affine or projective", "affine"},
            choice(&Options::distortion, words(distortion_names)));
  table.add({"size", "N", "height and width of an image, a multiple of 16", "64"},
            integer(&Options::size, 16, 1024));

  table.group("Model");
  table.add({"dim", "N", "latent dimensions d", "3"}, integer(&Options::dim, 1, 1024));
  table.add({"layers", "N", "linear layers of encoder and decoder", "3"}, integer(&Options::layers, 1, 64));
  table.add({"hidden", "N", "width of a hidden layer", "60"}, integer(&Options::hidden, 1, 65536));
  table.add({"activation", "NAME", "of the hidden layers, such as gelu", "gelu"},
            choice(&Options::activation, activation_names()));
  table.add({"prior", "NAME", "gaussian, uniform, beta or laplace", "gaussian"},
            choice(&Options::prior, {"gaussian", "uniform", "beta", "laplace"}));
  table.add({"beta-prior", "A,B", "parameters of a Beta prior that is not learned", "3,3", "learned"},
            positive_pair(&Options::beta_prior));

  table.group("Training");
  table.add({"epochs", "N", "passes over the training set, at most", "200"},
            integer(&Options::epochs, 1, 1000000));
  table.add({"lr", "X", "learning rate of Adam", "1e-3"}, positive_number(&Options::learning_rate));
  table.add({"batch", "N", "observations per step", "64"}, integer(&Options::batch, 1, 1 << 24));
  table.add({"kl", "NAME", "KL term in training, sampled or closed", "sampled"},
            choice(&Options::kl_form, {"sampled", "closed"}));
  table.add({"beta", "X", "weight of the KL term", "1"}, positive_number(&Options::beta));

  table.group("Machine and files");
  table.add({"device", "NAME", "auto, cpu, cuda or executor", "cpu"},
            choice(&Options::device, {"auto", "cpu", "cuda", "executor"}));
  table.add({"trainer", "NAME", "fused, or autograd on the tape; equal results", "fused"},
            choice(&Options::trainer, {"autograd", "fused"}));
  table.add({"threads", "N", "CPU threads", "2", "one per core"}, integer(&Options::threads, 0, 4096),
            Stored::no);
  table.add({"out", "DIR", "run folder", "runs/mine", "runs/<date-time>_<experiment>"},
            file_name(&Options::out), Stored::no);
  table.add({"cache", "DIR", "where drawn images are kept", "images", "~/.cache/elbow"},
            file_name(&Options::cache), Stored::no);
  table.add({"resume", "", "go on with --out, or with runs/latest", "true"}, flag(&Options::resume),
            Stored::no);
  table.add({"dry-run", "", "print the plan, run nothing", "true"}, flag(&Options::dry_run), Stored::no);
  table.add({"profile", "A:B", "steps of the first run that Nsight records", "101:110"},
            step_interval(&Options::profile), Stored::no);
  return table.take();
}

}  // namespace

const char* name(Protocol protocol) { return protocols[static_cast<std::size_t>(protocol)].c_str(); }
const char* name(Recipe recipe) { return recipes[static_cast<std::size_t>(recipe)].c_str(); }

std::string OptionDescription::toml(const std::string& text) const {
  switch (kind) {
    case ValueKind::string:
      return fmt::format("\"{}\"", text);
    case ValueKind::integers:
    case ValueKind::numbers: {
      std::string list = "[";
      for (const char character : text) list += character == ',' ? ", " : std::string(1, character);
      return list += "]";
    }
    default:
      return text;
  }
}

std::string OptionDescription::key() const {
  std::string key = name;
  std::replace(key.begin(), key.end(), '-', '_');
  return key;
}

const std::vector<OptionDescription>& option_table() {
  static const std::vector<OptionDescription> table = build_table();
  return table;
}

const OptionDescription* find_option(std::string_view name_or_key) {
  for (const OptionDescription& option : option_table())
    if (option.name == name_or_key || option.key() == name_or_key) return &option;
  return nullptr;
}

const std::set<std::string>& common_options() {
  static const std::set<std::string> names = {"protocol", "recipe",  "quick",   "seeds",   "seed-list",
                                              "config",   "device",  "trainer", "threads", "out",
                                              "resume",   "dry-run", "profile"};
  return names;
}

std::vector<std::uint64_t> first_seeds(int count) {
  std::vector<std::uint64_t> seeds(static_cast<std::size_t>(count));
  std::iota(seeds.begin(), seeds.end(), std::uint64_t{1});
  return seeds;
}

}  // namespace elbow
