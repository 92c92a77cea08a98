#include "tests/mutation/process.h"

#include <fcntl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

namespace elbow::mutation {
namespace {

[[noreturn]] void become(const char* command, const char* folder, const char* log, unsigned most_seconds) {
  const int input = ::open("/dev/null", O_RDONLY), output = ::open(log, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  const rlimit time{most_seconds, most_seconds + 1}, no_core{0, 0};
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // who stops `mutate` stops this
  ::personality(ADDR_NO_RANDOMIZE);    // ThreadSanitizer cannot lay out its memory everywhere
  const bool ready = input >= 0 && output >= 0 && ::dup2(input, 0) >= 0 && ::dup2(output, 1) >= 0 &&
                     ::dup2(output, 2) >= 0 && ::chdir(folder) == 0 && ::setrlimit(RLIMIT_CPU, &time) == 0 &&
                     ::setrlimit(RLIMIT_CORE, &no_core) == 0;
  if (ready) ::execl("/bin/sh", "sh", "-c", command, nullptr);
  ::_exit(127);
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

}  // namespace

Ended run_command(const std::string& command, const std::filesystem::path& folder,
                  const std::filesystem::path& log, unsigned most_seconds) {
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("fork failed; is the limit of processes (ulimit -u) reached?");
  if (child == 0) become(command.c_str(), folder.c_str(), log.c_str(), most_seconds);
  int status = 0;
  rusage usage{};
  ::wait4(child, &status, 0, &usage);
  const int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return {WIFEXITED(status) && WEXITSTATUS(status) == 0, signal == SIGXCPU || signal == SIGKILL,
          seconds(usage.ru_utime) + seconds(usage.ru_stime)};
}

}  // namespace elbow::mutation
