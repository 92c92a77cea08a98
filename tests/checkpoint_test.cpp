#include "engine/checkpoint.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "kernels/error.h"
#include "tests/checkpoint_cases.h"
#include "tests/scratch_folder.h"
#include "tests/thrown.h"

namespace elbow::test {
namespace {

TEST(Checkpoint, RoundTrip) {
  const ScratchFolder folder;
  Checkpoint saved = state(3);
  saved.integers = {{"smallest", std::numeric_limits<std::int64_t>::min()},
                    {"largest", std::numeric_limits<std::int64_t>::max()}};
  saved.numbers = {{"third", 1.0 / 3},
                   {"tiny", std::numeric_limits<double>::denorm_min()},
                   {"largest", std::numeric_limits<double>::max()},
                   {"infinite", -std::numeric_limits<double>::infinity()}};
  saved.strings = {{"", ""}, {"text", "line\n\"γ\" \\ \t"}};
  EXPECT_FALSE(checkpoint_exists(folder / "run"));
  save_checkpoint(folder / "run", saved);
  EXPECT_TRUE(checkpoint_exists(folder / "run"));
  const LoadedCheckpoint loaded = load_checkpoint(folder / "run", fingerprint);
  EXPECT_EQ(loaded.warning, "");
  expect_same_checkpoint(loaded.checkpoint, saved);

  saved.numbers = {{"undefined", std::nan("")}, {"minus zero", -0.0}};
  save_checkpoint(folder / "run", saved);
  const auto numbers = load_checkpoint(folder / "run", fingerprint).checkpoint.numbers;
  EXPECT_TRUE(std::isnan(numbers.at("undefined")));
  EXPECT_TRUE(std::signbit(numbers.at("minus zero")));
}

TEST(Checkpoint, DoublesSurviveBitForBit) {
  const ScratchFolder folder;
  std::mt19937_64 random(1);
  Checkpoint saved = state(0);
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t bits = random();
    double value = 0;
    std::memcpy(&value, &bits, sizeof(value));
    if (!std::isnan(value)) saved.numbers["number " + std::to_string(i)] = value;
  }
  save_checkpoint(folder / "run", saved);
  expect_same_checkpoint(load_checkpoint(folder / "run", fingerprint).checkpoint, saved);
}

TEST(Checkpoint, KeepsTheOneBefore) {
  const ScratchFolder folder;
  for (const int step : {1, 2, 3}) save_checkpoint(folder / "run", state(step));
  EXPECT_EQ(loaded_step(folder / "run"), 3);
  EXPECT_EQ(loaded_step(previous_checkpoint(folder / "run")), 2);
  EXPECT_EQ(folder.entries(), 2u);
}

TEST(Checkpoint, MissingFile) {
  const ScratchFolder folder;
  const std::string name = (folder / "run").string();
  EXPECT_EQ(thrown<DataError>([&] { load_checkpoint(folder / "run", fingerprint); }),
            "[read] '" + name + "': No such file or directory; nor can the one before be read: [read] '" +
                name + ".previous': No such file or directory");
  // A process that was killed between the two renames leaves this.
  save_checkpoint(folder / "run", state(1));
  std::filesystem::rename(folder / "run", folder / "run.previous");
  EXPECT_TRUE(checkpoint_exists(folder / "run"));
  EXPECT_EQ(loaded_step(folder / "run"), 1);
}

/// Damage to the last file: the one before is loaded, the caller is told, and the next save does not lose it.
TEST(Checkpoint, DamagedFileGivesThePreviousOne) {
  const ScratchFolder folder;
  save_checkpoint(folder / "run", state(1));
  save_checkpoint(folder / "run", state(2));
  const std::string whole = get(folder / "run");
  std::mt19937_64 random(1);
  for (int repeat = 0; repeat < 200; ++repeat) {
    std::string damaged = whole;
    if (repeat % 2 == 0) {
      damaged.resize(random() % whole.size());
    } else {
      damaged[random() % whole.size()] ^= static_cast<char>(1 << random() % 8);
    }
    put(folder / "run", damaged);
    const LoadedCheckpoint loaded = load_checkpoint(folder / "run", fingerprint);
    ASSERT_NE(loaded.warning, "") << repeat;
    EXPECT_NE(loaded.warning.find("; going on from '" + (folder / "run.previous").string() + "'"),
              std::string::npos);
    expect_same_checkpoint(loaded.checkpoint, state(1));
    EXPECT_EQ(get(folder / "run"), damaged) << "loading must change nothing";
  }
  save_checkpoint(folder / "run", state(2));
  EXPECT_EQ(loaded_step(folder / "run.previous"), 1) << "the damaged file must not have taken its place";
  put(folder / "run", "");
  put(folder / "run.previous", "");
  const std::string message = thrown<DataError>([&] { load_checkpoint(folder / "run", fingerprint); });
  EXPECT_NE(message.find("; nor can the one before be read: "), std::string::npos) << message;
}

TEST(Checkpoint, AnotherRunsCheckpointIsRefusedAndKept) {
  const ScratchFolder folder;
  save_checkpoint(folder / "run", state(1));
  const std::string before = get(folder / "run");
  const std::string name = "[checkpoint] '" + (folder / "run").string() + "': is of another run: it has ";
  const std::string mend = "; use the same configuration or another --out";
  const std::pair<std::string, std::string> others[] = {
      {"seed = 2\ngamma2 = 1e5\n", "'seed = 1', this run has 'seed = 2'"},
      {"seed = 1\ngamma2 = 1e5\n", "'gamma2 = 1e4', this run has 'gamma2 = 1e5'"},
      {"seed = 1\n", "'gamma2 = 1e4', this run has ''"},
      {"", "'seed = 1', this run has ''"},
      {"seed = 1\ngamma2 = 1e4\nlr = 1\n", "'', this run has 'lr = 1'"}};
  for (const auto& [other, difference] : others) {
    EXPECT_EQ(thrown<DataError>([&, &other = other] { load_checkpoint(folder / "run", other); }),
              name + difference + mend);
    Checkpoint another = state(9);
    another.fingerprint = other;
    EXPECT_EQ(thrown<DataError>([&] { save_checkpoint(folder / "run", another); }), name + difference + mend);
  }
  EXPECT_EQ(get(folder / "run"), before);
  EXPECT_EQ(folder.entries(), 1u);
  EXPECT_EQ(loaded_step(folder / "run"), 1);
}

TEST(Checkpoint, AnotherRunsPreviousCheckpointIsRefusedAndKept) {
  const ScratchFolder folder;
  save_checkpoint(folder / "run.previous", state(1));
  const std::string before = get(folder / "run.previous");
  Checkpoint another = state(9);
  another.fingerprint = "seed = 2\n";
  const std::string expected = "[checkpoint] '" + (folder / "run.previous").string() +
                               "': is of another run: it has 'seed = 1', this run has 'seed = 2'";
  for (const bool is_damaged : {false, true}) {
    if (is_damaged) put(folder / "run", "damaged");
    const std::string load = thrown<DataError>([&] { load_checkpoint(folder / "run", another.fingerprint); });
    const std::string save = thrown<DataError>([&] { save_checkpoint(folder / "run", another); });
    EXPECT_EQ(load.find(expected), 0u) << load;
    EXPECT_EQ(save.find(expected), 0u) << save;
  }
  EXPECT_EQ(get(folder / "run.previous"), before);
  EXPECT_EQ(get(folder / "run"), "damaged");
}

TEST(Checkpoint, EntriesByName) {
  const Checkpoint checkpoint = state(3);
  EXPECT_EQ(checkpoint.integer("step"), 3);
  EXPECT_EQ(checkpoint.number("loss"), 0.25);
  EXPECT_EQ(checkpoint.text("order"), "step 3");
  EXPECT_EQ(thrown<DataError>([&] { checkpoint.integer("steps"); }),
            "[checkpoint] expected an integer 'steps', found none; start the run again");
  EXPECT_EQ(thrown<DataError>([&] { checkpoint.number("step"); }),
            "[checkpoint] expected a number 'step', found none; start the run again");
  EXPECT_EQ(thrown<DataError>([&] { checkpoint.text("step"); }),
            "[checkpoint] expected a string 'step', found none; start the run again");
}

TEST(Checkpoint, DifferenceFarInALongLine) {
  const ScratchFolder folder;
  Checkpoint saved = state(1);
  saved.fingerprint = std::string(500, 'x') + "1";
  save_checkpoint(folder / "run", saved);
  const std::string message =
      thrown<DataError>([&] { load_checkpoint(folder / "run", std::string(500, 'x') + "2"); });
  EXPECT_NE(message.find("xx1', this run has 'xx"), std::string::npos) << message;
  EXPECT_NE(message.find("xx2'; use"), std::string::npos) << message;
}

TEST(Checkpoint, OtherFilesAreNoCheckpoints) {
  const ScratchFolder folder;
  const auto load = [&](const Metadata& metadata) {
    save_safetensors(folder / "run", {}, metadata);
    return thrown<DataError>([&] { load_checkpoint(folder / "run", fingerprint); });
  };
  const Metadata good{{"format", "elbow-checkpoint-1"}, {"fingerprint", fingerprint}};
  const auto with = [&](const char* key, const char* value) {
    Metadata metadata = good;
    metadata[key] = value;
    return load(metadata);
  };
  EXPECT_EQ(load(good), "nothing was thrown");
  const std::pair<std::string, std::string> cases[] = {
      {load({}), "expected an entry 'format', found none"},
      {load({{"format", "elbow-checkpoint-1"}}), "expected an entry 'fingerprint', found none"},
      {with("format", "elbow-checkpoint-2"),
       "expected format elbow-checkpoint-1, found 'elbow-checkpoint-2'"},
      {with("integer.step", "1.5"), "expected a number as 'integer.step', found '1.5'"},
      {with("integer.step", ""), "expected a number as 'integer.step', found ''"},
      {with("integer.step", "9223372036854775808"),
       "expected a number as 'integer.step', found '9223372036854775808'"},
      {with("number.loss", "1e999"), "expected a number as 'number.loss', found '1e999'"},
      {with("number.loss", " 1"), "expected a number as 'number.loss', found ' 1'"},
      {with("step", "1"), "unknown entry 'step'"}};
  const std::string name = "[checkpoint] '" + (folder / "run").string() + "': ";
  for (const auto& [message, expected] : cases) EXPECT_EQ(message.find(name + expected), 0u) << message;
}

}  // namespace
}  // namespace elbow::test
