#pragma once
// One progress bar for a whole sweep: how many runs are done, for how long, how much longer.
#include <chrono>
#include <mutex>
#include <string>
#include <vector>

namespace elbow {

/// On a terminal a bar that redraws itself at most ten times a second; elsewhere plain lines, at most one per
/// 10 s and per 5 % of the work. Thread-safe. The destructor leaves the last state as a line.
class Progress {
 public:
  /// `label` stands in front; runs count from 0 and begin undone.
  Progress(std::string label, int runs);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Run `run` was done by an earlier start; it does not count for the time that is left.
  void skip(int run);
  /// `fraction` in [0, 1] of run `run` is done; 1 ends it. `note` stands behind the bar, e.g. "seed 3:
  /// -ELBO 4.33".
  void update(int run, double fraction, const std::string& note = "");

 private:
  using Clock = std::chrono::steady_clock;
  enum class When { if_due, now };

  void draw(When when);
  std::string line(double share, const std::string& text) const;
  std::string bar(double share, int width) const;
  std::string counts(double done) const;

  const std::string label_;
  const bool terminal_;
  const Clock::time_point start_ = Clock::now();
  std::mutex mutex_;
  std::vector<double> fractions_;
  double skipped_ = 0;
  std::string note_;
  Clock::time_point last_drawn_{};
  double last_done_ = 0;
};

/// "0:07", "12:30", "3:05:09".
std::string clock_text(double seconds);

}  // namespace elbow
