#include "experiments/log.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <mutex>

#include "experiments/claims.h"

namespace elbow {
namespace {

constexpr std::string_view erase_line = "\r\033[K";

std::mutex mutex;
std::string status;  // guarded by `mutex`

/// One call of fwrite per line keeps lines of several processes whole.
void put(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

void put_line(std::string_view prefix, std::string_view line) {
  const std::lock_guard lock(mutex);
  const std::string_view clear = status.empty() ? "" : erase_line;
  put(fmt::format("{}{}{}\n{}", clear, prefix, line, status));
}

}  // namespace

void log_info(std::string_view line) { put_line("", line); }
void log_warning(std::string_view line) { put_line(painted("warning: ", "33"), line); }
void log_error(std::string_view line) { put_line(painted("error: ", "31;1"), line); }

bool stderr_is_terminal() {
  const char* terminal = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) != 0 && terminal && std::string_view(terminal) != "dumb";
}

void show_status(std::string_view line) {
  if (!stderr_is_terminal()) return;
  const std::lock_guard lock(mutex);
  if (line.empty() && status.empty()) return;
  status = line;
  put(fmt::format("{}{}", erase_line, status));
}

int terminal_width() {
  struct winsize size {};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string painted(std::string_view text, std::string_view colour) {
  if (!colour_wanted(STDERR_FILENO)) return std::string(text);
  return fmt::format("\033[{}m{}\033[0m", colour, text);
}

}  // namespace elbow
