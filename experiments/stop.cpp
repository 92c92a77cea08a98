#include "experiments/stop.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <string_view>

namespace elbow {
namespace {

std::atomic<bool> requested{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may not lock");

void on_signal(int) {
  request_stop();
  constexpr std::string_view message = "\nstopping: saving first; a second signal stops at once\n";
  // Nothing can be done about a failed write here.
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, message.data(), message.size());
}

}  // namespace

void watch_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
}

bool stop_requested() { return requested.load(std::memory_order_relaxed); }

void request_stop() { requested.store(true, std::memory_order_relaxed); }

}  // namespace elbow
