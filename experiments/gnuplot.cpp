#include "experiments/gnuplot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>
#include <system_error>

#include "engine/files.h"
#include "kernels/error.h"

namespace elbow {
namespace {

[[noreturn]] void fail_to_start(int error) {
  if (error == ENOENT) {
    throw DataError("[figure] gnuplot is not installed: apt-get install gnuplot-nox");
  }
  throw DataError(fmt::format("[figure] cannot start gnuplot: {}", std::generic_category().message(error)));
}

/// What the child does between fork and exec.
class Actions {
 public:
  Actions() { posix_spawn_file_actions_init(&actions_); }
  ~Actions() { posix_spawn_file_actions_destroy(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

}  // namespace

void run_gnuplot(const std::filesystem::path& folder, std::string_view script) {
  const std::filesystem::path log = folder / "gnuplot.log";
  Actions actions;
  posix_spawn_file_actions_addchdir_np(actions.get(), folder.c_str());
  posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(actions.get(), STDOUT_FILENO, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC,
                                   0600);
  posix_spawn_file_actions_adddup2(actions.get(), STDOUT_FILENO, STDERR_FILENO);
  std::array<std::string, 3> arguments = {"gnuplot", "-d", std::string(script)};
  std::array<char*, 4> argv = {arguments[0].data(), arguments[1].data(), arguments[2].data(), nullptr};
  pid_t child = 0;
  const int error = posix_spawnp(&child, "gnuplot", actions.get(), nullptr, argv.data(), environ);
  if (error != 0) fail_to_start(error);
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) fail_to_start(errno);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  throw DataError(fmt::format("[figure] gnuplot {} on {}: {}",
                              WIFEXITED(status) ? fmt::format("ended with code {}", WEXITSTATUS(status))
                                                : fmt::format("was killed by signal {}", WTERMSIG(status)),
                              script, in_quotes(read_file(log, std::size_t{1} << 20), 400)));
}

}  // namespace elbow
