#include "experiments/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <string_view>

#include "experiments/log.h"

namespace elbow {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr Seconds redraw_interval{0.1};
constexpr Seconds line_interval{10};
constexpr double line_share = 0.05;
constexpr int widest_bar = 30;
constexpr int narrowest_bar = 8;

/// The first of the variables that is set decides, as in setlocale.
bool terminal_shows_utf8() {
  for (const char* variable : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(variable);
    if (!value || !*value) continue;
    const std::string_view text(value);
    return text.find("UTF-8") != text.npos || text.find("utf8") != text.npos;
  }
  return false;
}

}  // namespace

std::string clock_text(double seconds) {
  const auto total = static_cast<long long>(std::llround(std::max(0.0, seconds)));
  const long long hours = total / 3600;
  if (hours == 0) return fmt::format("{}:{:02}", total / 60, total % 60);
  return fmt::format("{}:{:02}:{:02}", hours, total / 60 % 60, total % 60);
}

Progress::Progress(std::string label, int runs)
    : label_(std::move(label)), terminal_(stderr_is_terminal()), fractions_(static_cast<std::size_t>(runs)) {
  last_drawn_ = start_;
  if (terminal_) draw(When::now);
}

Progress::~Progress() {
  note_.clear();
  show_status("");
  const double done = std::accumulate(fractions_.begin(), fractions_.end(), 0.0);
  log_info(fmt::format("{}  {}", label_, counts(done)));
}

void Progress::skip(int run) {
  const std::lock_guard lock(mutex_);
  fractions_[static_cast<std::size_t>(run)] = 1;
  ++skipped_;
}

void Progress::update(int run, double fraction, const std::string& note) {
  const std::lock_guard lock(mutex_);
  fractions_[static_cast<std::size_t>(run)] = fraction;
  if (!note.empty()) note_ = note;
  draw(When::if_due);
}

void Progress::draw(When when) {
  const double done = std::accumulate(fractions_.begin(), fractions_.end(), 0.0);
  const double share = fractions_.empty() ? 1 : done / static_cast<double>(fractions_.size());
  const Clock::time_point now = Clock::now();
  const Seconds since = now - last_drawn_;
  const bool due =
      terminal_ ? since >= redraw_interval : since >= line_interval && share - last_done_ >= line_share;
  if (when == When::if_due && !due) return;
  last_drawn_ = now;
  last_done_ = share;

  if (!terminal_) return log_info(fmt::format("{}  {}", label_, counts(done)));
  show_status(line(share, counts(done)));
}

std::string Progress::line(double share, const std::string& text) const {
  // The bar gives way to the note, the note to what must be said.
  const int room = terminal_width() - 1 - static_cast<int>(label_.size() + text.size()) - 4;
  const int note_width = note_.empty() ? 0 : static_cast<int>(note_.size()) + 2;
  const bool noted = note_width > 0 && room - note_width >= narrowest_bar;
  if (room < narrowest_bar) return text.substr(0, static_cast<std::size_t>(terminal_width() - 1));
  const int width = std::min(room - (noted ? note_width : 0), widest_bar);
  return fmt::format("{}  {}  {}{}", label_, bar(share, width), text,
                     noted ? "  " + painted(note_, "2") : "");
}

std::string Progress::bar(double share, int width) const {
  static const bool utf8 = terminal_shows_utf8();
  const double cells = share * width;
  const int full = static_cast<int>(cells);
  std::string drawn;
  if (!utf8) {
    drawn.assign(static_cast<std::size_t>(full), '#');
    return drawn + std::string(static_cast<std::size_t>(width - full), '.');
  }
  constexpr std::string_view eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  for (int cell = 0; cell < full; ++cell) drawn += "█";
  const std::string_view part = eighths[static_cast<int>((cells - full) * 8)];
  drawn += part;
  std::string rest;
  for (int cell = full + (part.empty() ? 0 : 1); cell < width; ++cell) rest += "·";
  return painted(drawn, "32") + painted(rest, "2");
}

std::string Progress::counts(double done) const {
  const auto finished =
      std::count_if(fractions_.begin(), fractions_.end(), [](double part) { return part >= 1; });
  const double elapsed = Seconds(Clock::now() - start_).count();
  const double ours = done - skipped_;
  const double left = static_cast<double>(fractions_.size()) - done;
  std::string text = fmt::format("{}/{} runs", finished, fractions_.size());
  if (left > 0) text += fmt::format("  {:.0f} %", 100 * done / static_cast<double>(fractions_.size()));
  text += "  " + clock_text(elapsed);
  if (left > 0 && ours > 0) text += fmt::format("  {} left", clock_text(elapsed * left / ours));
  return text;
}

}  // namespace elbow
