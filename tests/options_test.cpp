#include "experiments/options.h"

#include <gtest/gtest.h>

#include "experiments/command_line.h"
#include "experiments/config_file.h"
#include "experiments/text.h"
#include "kernels/error.h"
#include "tests/program.h"
#include "tests/scratch_folder.h"

namespace elbow {
namespace {

Options parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "dummy");
  return parse_command_line(static_cast<int>(arguments.size()), arguments.data(), dummy_experiment()).options;
}

std::string answer(const char* flag) {
  const char* arguments[] = {"dummy", flag};
  return parse_command_line(2, arguments, dummy_experiment()).answer;
}

TEST(Options, DefaultsComeFromTheExperiment) {
  const Options options = parse({});
  EXPECT_EQ(options.seeds, first_seeds(20));
  EXPECT_EQ(options.gamma2, (std::vector<double>{1e1, 1e5}));
  EXPECT_EQ(options.epochs, 200);
  EXPECT_EQ(options.device, DeviceChoice::automatic);
}

TEST(Options, ProtocolDecidesTheRecipeUnlessOneIsGiven) {
  EXPECT_EQ(parse({}).recipe, Recipe::best);
  EXPECT_EQ(parse({"--protocol", "authors"}).recipe, Recipe::paper);
  EXPECT_EQ(parse({"--protocol", "authors"}).epochs, 400);
  EXPECT_EQ(parse({"--protocol", "authors", "--recipe", "best"}).epochs, 200);
  EXPECT_EQ(parse({"--recipe", "paper"}).epochs, 400);
}

TEST(Options, QuickChangesDefaultsOnly) {
  EXPECT_EQ(parse({"--quick"}).seeds, first_seeds(2));
  EXPECT_EQ(parse({"--quick", "--seeds", "5"}).seeds, first_seeds(5));
}

TEST(Options, ListsAreReadInTheirOrder) {
  EXPECT_EQ(parse({"--seed-list", "7,1, 9223372036854775807"}).seeds,
            (std::vector<std::uint64_t>{7, 1, 9223372036854775807u}));
  EXPECT_EQ(parse({"--gamma2=1e3,2.5"}).gamma2, (std::vector<double>{1e3, 2.5}));
}

TEST(Options, FlagsOutrankTheFileWhichOutranksTheDefaults) {
  const test::ScratchFolder folder;
  const std::string file = (folder.path() / "my.toml").string();
  test::put(file, "epochs = 7\nlr = 1\nprotocol = \"authors\"\nseed_list = [4, 5]\n");
  const Options options = parse({"--config", file.c_str(), "--epochs", "8"});
  EXPECT_EQ(options.epochs, 8);
  EXPECT_EQ(options.learning_rate, 1.0);
  EXPECT_EQ(options.recipe, Recipe::paper);
  EXPECT_EQ(options.batch, 64);
  EXPECT_EQ(options.seeds, (std::vector<std::uint64_t>{4, 5}));
  // --seeds and seed_list come from different places, so the flag wins.
  EXPECT_EQ(parse({"--config", file.c_str(), "--seeds", "1"}).seeds, first_seeds(1));
}

TEST(Options, TheWrittenConfigurationReadsBackTheSame) {
  const test::ScratchFolder folder;
  const std::string file = (folder.path() / "config.toml").string();
  const Experiment experiment = dummy_experiment();
  const Options options =
      parse({"--seed-list", "3,1", "--gamma2", "0.1,1e300,12345", "--lr", "3e-5", "--quick"});
  test::put(file, config_text(experiment.name, options, experiment.accepted));
  const Options again = parse({"--config", file.c_str()});
  EXPECT_EQ(stored_values(options, experiment.accepted), stored_values(again, experiment.accepted));
  EXPECT_EQ(again.gamma2, options.gamma2);
  EXPECT_EQ(again.seeds, options.seeds);
  EXPECT_TRUE(again.quick);
}

TEST(Options, TheProfileIsNoPartOfWhatDecidesResults) {
  const Experiment experiment = dummy_experiment();
  const Options plain = parse({});
  const Options profiled = parse({"--profile", "7:12"});
  EXPECT_EQ(plain.profile.last, 0);
  EXPECT_EQ(profiled.profile.first, 7);
  EXPECT_EQ(profiled.profile.last, 12);
  EXPECT_EQ(parse({"--profile", "3:3"}).profile.first, 3);
  EXPECT_EQ(stored_values(profiled, experiment.accepted), stored_values(plain, experiment.accepted));
  EXPECT_EQ(departure(profiled, plain, experiment.accepted), "");
}

TEST(Options, EveryExampleIsAcceptedAndEveryFormatParses) {
  for (const OptionDescription& option : option_table()) {
    Options options;
    EXPECT_TRUE(option.parse(options, option.example)) << option.name;
    const auto text = option.format(options);
    if (!text) continue;
    Options again;
    EXPECT_TRUE(option.parse(again, *text)) << option.name << " = " << *text;
    EXPECT_EQ(option.format(again), text) << option.name;
  }
}

TEST(Options, DepartureNamesTheFirstDifference) {
  const Experiment experiment = dummy_experiment();
  const Options defaults = parse({});
  EXPECT_EQ(departure(parse({"--device", "cpu", "--threads", "3"}), defaults, experiment.accepted), "");
  EXPECT_EQ(departure(parse({"--seeds", "3"}), defaults, experiment.accepted), "seeds = 3 instead of 20");
  EXPECT_EQ(departure(parse({"--seed-list", "3,4"}), defaults, experiment.accepted), "seed_list = [3, 4]");
  EXPECT_EQ(departure(parse({"--epochs", "3"}), defaults, experiment.accepted), "epochs = 3 instead of 200");
}

TEST(Options, HelpNamesEveryAcceptedOptionAndItsDefaultWithinAScreen) {
  const std::string help = answer("--help");
  const Experiment experiment = dummy_experiment();
  for (const std::string& name : experiment.accepted)
    EXPECT_NE(help.find("--" + name + ' '), std::string::npos) << name << "\n" << help;
  EXPECT_EQ(help.find("--prior"), std::string::npos);
  EXPECT_NE(help.find("passes over the training set, at most [200]"), std::string::npos) << help;
  EXPECT_NE(help.find("Example: dummy"), std::string::npos);
  std::size_t begin = 0;
  int lines = 0;
  for (std::size_t end; (end = help.find('\n', begin)) != std::string::npos; begin = end + 1, ++lines)
    EXPECT_LE(end - begin, 80u) << help.substr(begin, end - begin);
  EXPECT_LE(lines, 40) << help;
}

TEST(Options, VersionNamesCompilerAndBackEnds) {
  const std::string version = answer("--version");
  EXPECT_EQ(version.rfind("elbow ", 0), 0u) << version;
  EXPECT_NE(version.find("compiler: "), std::string::npos) << version;
  EXPECT_NE(version.find("back ends: cpu"), std::string::npos) << version;
}

TEST(Text, NearestFindsSlipsOfThePen) {
  const std::set<std::string> names = {"seeds", "seed-list", "epochs", "lr", "out", "resume"};
  EXPECT_EQ(nearest("seed", names), "seeds");
  EXPECT_EQ(nearest("epcohs", names), "epochs");
  EXPECT_EQ(nearest("seed_list", names), "seed-list");
  EXPECT_EQ(nearest("resum", names), "resume");
  EXPECT_EQ(nearest("learning-rate", names), "");
  EXPECT_EQ(nearest("xy", names), "");
}

TEST(Text, ShortestReadsBackAndLooksPlain) {
  EXPECT_EQ(shortest(0.1), "0.1");
  EXPECT_EQ(shortest(1e5), "1e5");
  EXPECT_EQ(shortest(-2.5e-10), "-2.5e-10");
  EXPECT_EQ(shortest(1e100), "1e100");
  EXPECT_EQ(shortest(64), "64");
}

}  // namespace
}  // namespace elbow
