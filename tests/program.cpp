#include "tests/program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "experiments/run_folder.h"
#include "kernels/error.h"
#include "tests/scratch_folder.h"

namespace elbow {
namespace {

void redirect(int descriptor, const std::filesystem::path& file) {
  const int number = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (number < 0 || ::dup2(number, descriptor) < 0) std::abort();
  ::close(number);
}

[[noreturn]] void become_program(const Experiment& experiment, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), experiment.name);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  const int code = experiment_main(static_cast<int>(argv.size()), argv.data(), experiment);
  std::fflush(nullptr);
  ::_exit(code);
}

}  // namespace

Ran run_as_program(const Experiment& experiment, const std::vector<std::string>& arguments,
                   const std::filesystem::path& where, const std::function<void()>& before) {
  const test::ScratchFolder captured;
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) {
    redirect(STDOUT_FILENO, captured.path() / "out");
    redirect(STDERR_FILENO, captured.path() / "err");
    if (::chdir(where.c_str()) != 0) std::abort();
    before();
    become_program(experiment, arguments);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  const int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return {code, test::get(captured.path() / "out"), test::get(captured.path() / "err")};
}

Experiment dummy_experiment() {
  Experiment experiment;
  experiment.name = "dummy";
  experiment.figure = "Fig. 0";
  experiment.question = "does the frame hold?";
  experiment.accepted = common_options();
  experiment.accepted.insert({"gamma2", "epochs", "lr", "batch"});
  experiment.defaults = [](const Options& asked) {
    Options options;
    options.seeds = first_seeds(asked.quick ? 2 : 20);
    options.gamma2 = {1e1, 1e5};
    options.epochs = asked.recipe == Recipe::paper ? 400 : 200;
    options.learning_rate = 1e-3;
    options.batch = 64;
    return options;
  };
  experiment.validate = [](const Options& options) {
    if (options.batch > 1000)
      throw UsageError(
          fmt::format("[--batch] expected at most 1000 (the data), got {}; take fewer", options.batch));
  };
  experiment.plan = [](const Options& options) {
    return fmt::format("{} runs\n", options.seeds.size() * options.gamma2.size());
  };
  experiment.run = [](const Options& options, const RunFolder& folder) {
    std::string csv = "seed,gamma2\n";
    for (const std::uint64_t seed : options.seeds)
      for (const double gamma2 : options.gamma2) csv += fmt::format("{},{}\n", seed, gamma2);
    folder.write("runs.csv", csv);
    return Outcome{};
  };
  return experiment;
}

}  // namespace elbow
