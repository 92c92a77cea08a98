// ctest labels: threads
#include "experiments/progress.h"

#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "experiments/log.h"
#include "tests/program.h"
#include "tests/scratch_folder.h"

namespace elbow {
namespace {

/// Four workers end a hundred runs, and one of them writes to the log meanwhile.
Outcome sweep(const Options&, const RunFolder&) {
  Progress progress("sweep", 100);
  progress.skip(0);
  std::vector<std::jthread> workers;
  for (int worker = 0; worker < 4; ++worker) {
    workers.emplace_back([&, worker] {
      for (int run = worker == 0 ? 4 : worker; run < 100; run += 4) {
        progress.update(run, 0.5, "half");
        if (run == 50) log_warning("in between");
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        progress.update(run, 1);
      }
    });
  }
  return {};
}

Experiment sweeping() {
  Experiment experiment = dummy_experiment();
  experiment.run = sweep;
  return experiment;
}

TEST(Progress, ClockText) {
  EXPECT_EQ(clock_text(0), "0:00");
  EXPECT_EQ(clock_text(59.6), "1:00");
  EXPECT_EQ(clock_text(3605), "1:00:05");
  EXPECT_EQ(clock_text(-1), "0:00");
}

TEST(Progress, IsPlainLinesOffATerminal) {
  const test::ScratchFolder folder;
  const Ran ran = run_as_program(sweeping(), {"--out", "x"}, folder.path());
  EXPECT_EQ(ran.err.find('\033'), std::string::npos) << ran.err;
  EXPECT_EQ(ran.err.find('\r'), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("\nwarning: in between\n"), std::string::npos) << ran.err;
  // Less than ten seconds: the end only.
  EXPECT_NE(ran.err.find("\nsweep  100/100 runs  0:0"), std::string::npos) << ran.err;
  EXPECT_EQ(ran.err.find("left"), std::string::npos) << ran.err;
}

/// Copies what a terminal shows to a file until its other end is closed. A process and not a thread, because
/// threads and fork do not mix.
pid_t record(int terminal, int other_end, const std::filesystem::path& file) {
  const pid_t recorder = ::fork();
  if (recorder != 0) return recorder;
  ::close(other_end);
  std::ofstream out(file, std::ios::binary);
  char buffer[4096];
  for (ssize_t count; (count = ::read(terminal, buffer, sizeof buffer)) > 0;) out.write(buffer, count);
  out.flush();
  ::_exit(0);
}

/// The same with stderr on a terminal of 100 columns; what the terminal got.
std::string on_a_terminal(const char* no_colour) {
  const test::ScratchFolder folder;
  int ours = -1;
  int theirs = -1;
  const winsize size{24, 100, 0, 0};
  if (::openpty(&ours, &theirs, nullptr, nullptr, &size) != 0) return "no terminal";
  const pid_t recorder = record(ours, theirs, folder / "shown");
  run_as_program(sweeping(), {"--out", "x"}, folder.path(), [&] {
    ::setenv("TERM", "xterm", 1);
    ::setenv("LC_ALL", "C.UTF-8", 1);
    ::setenv("NO_COLOR", no_colour, 1);
    ::dup2(theirs, STDERR_FILENO);
    ::close(theirs);
    ::close(ours);
  });
  ::close(theirs);
  ::waitpid(recorder, nullptr, 0);
  ::close(ours);
  return test::get(folder / "shown");
}

TEST(Progress, IsOneBarOnATerminal) {
  const std::string shown = on_a_terminal("");
  EXPECT_NE(shown.find("\r\033[Ksweep  \033[32m"), std::string::npos) << shown;
  EXPECT_NE(shown.find("█"), std::string::npos) << shown;
  EXPECT_NE(shown.find(" left"), std::string::npos) << shown;
  EXPECT_NE(shown.find("half"), std::string::npos) << shown;
  // The warning has a line of its own, above the bar.
  EXPECT_NE(shown.find("\r\033[K\033[33mwarning: \033[0min between\r\nsweep"), std::string::npos) << shown;
  EXPECT_NE(shown.find("\r\033[Ksweep  100/100 runs"), std::string::npos) << shown;
}

TEST(Progress, HasNoColourUnderNoColor) {
  const std::string shown = on_a_terminal("1");
  EXPECT_NE(shown.find("█"), std::string::npos) << shown;
  EXPECT_EQ(shown.find("\033[3"), std::string::npos) << shown;
}

}  // namespace
}  // namespace elbow
