#include "experiments/claims.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/files.h"
#include "kernels/error.h"

namespace elbow {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

constexpr std::array<std::string_view, 7> headings = {"claim",  "paper", "theory", "ours",
                                                      "target", "n",     "verdict"};
using Row = std::array<std::string, headings.size()>;

void expect_limit(std::string_view kind, double limit) {
  if (!std::isfinite(limit))
    throw UsageError(fmt::format("[target] expected a finite {}, got {}", kind, limit));
}

void expect_width(std::string_view kind, double width, double least) {
  if (!std::isfinite(width) || width < least) {
    throw UsageError(fmt::format("[target] expected a {} of at least {}, got {}", kind, least, width));
  }
}

std::string or_dash(const std::string& text) { return text.empty() ? "–" : text; }

Row row_of(const Claim& claim) {
  std::string verdict(to_string(claim.verdict));
  if (!claim.note.empty()) verdict += ": " + claim.note;
  return {claim.quantity,
          or_dash(claim.paper),
          or_dash(claim.theory),
          or_dash(claim.ours),
          or_dash(claim.target),
          std::to_string(claim.n),
          verdict};
}

/// Columns that a UTF-8 text without combining characters takes on a terminal.
std::size_t width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char byte) { return (byte & 0xC0) != 0x80; }));
}

std::string padded(std::string_view text, std::size_t columns) {
  return std::string(text) + std::string(columns - std::min(columns, width(text)), ' ');
}

/// A cell of a Markdown table: no line break and no bare bar ends it early.
std::string markdown_cell(std::string_view text) {
  std::string result;
  for (const char byte : text) {
    if (byte == '|') result += '\\';
    result += byte == '\n' ? ' ' : byte;
  }
  return result;
}

std::string_view colour_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::holds:
      return "\033[32m";
    case Verdict::fails:
      return "\033[1;31m";
    case Verdict::not_judged:
      return "\033[33m";
  }
  return "";
}

struct Tally {
  int holds = 0;
  int fails = 0;
  int not_judged = 0;
};

Tally tally(std::span<const Claim> claims) {
  Tally result;
  for (const Claim& claim : claims) {
    if (claim.verdict == Verdict::holds) ++result.holds;
    if (claim.verdict == Verdict::fails) ++result.fails;
    if (claim.verdict == Verdict::not_judged) ++result.not_judged;
  }
  return result;
}

std::string sentence(const Tally& tally) {
  return fmt::format("{} hold, {} fail, {} not judged", tally.holds, tally.fails, tally.not_judged);
}

/// Everything but target and verdict. `ours` is "missing" where there is no usable number.
Claim measured_claim(Statement statement, std::optional<double> measured, int n) {
  if (n < 0) throw UsageError(fmt::format("[{}] expected n >= 0 runs, got {}", statement.name, n));
  Claim claim;
  claim.name = std::move(statement.name);
  claim.quantity = std::move(statement.quantity);
  claim.paper = std::move(statement.paper);
  claim.theory = std::move(statement.theory);
  claim.n = n;
  const bool usable = measured && std::isfinite(*measured) && n > 0;
  if (usable) claim.measured = measured;
  claim.ours = usable ? format_number(*measured) : "missing";
  return claim;
}

}  // namespace

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::holds:
      return "holds";
    case Verdict::fails:
      return "fails";
    case Verdict::not_judged:
      return "not judged";
  }
  throw UsageError(fmt::format("[verdict] unknown value {}", static_cast<int>(verdict)));
}

std::string format_number(double value) { return fmt::format("{:.4g}", value == 0 ? 0.0 : value); }

Target Target::within(double centre, double tolerance) {
  expect_limit("centre", centre);
  expect_width("tolerance", tolerance, 0);
  return {centre - tolerance, centre + tolerance,
          fmt::format("{} ± {}", format_number(centre), format_number(tolerance))};
}

Target Target::within_relative(double centre, double fraction) {
  expect_limit("centre", centre);
  expect_width("fraction", fraction, 0);
  const double tolerance = fraction * std::abs(centre);
  return {centre - tolerance, centre + tolerance,
          fmt::format("{} ± {} %", format_number(centre), format_number(100 * fraction))};
}

Target Target::within_factor(double centre, double factor) {
  expect_limit("centre", centre);
  expect_width("factor", factor, 1);
  if (!(centre > 0)) throw UsageError(fmt::format("[target] expected a positive centre, got {}", centre));
  return {centre / factor, centre * factor,
          fmt::format("{}, factor {}", format_number(centre), format_number(factor))};
}

Target Target::at_most(double limit) {
  expect_limit("limit", limit);
  return {-infinity, limit, "<= " + format_number(limit)};
}

Target Target::at_least(double limit) {
  expect_limit("limit", limit);
  return {limit, infinity, ">= " + format_number(limit)};
}

Claim judge(Statement statement, std::optional<double> measured, int n, const Target& target,
            std::string why_missing) {
  Claim claim = measured_claim(std::move(statement), measured, n);
  claim.target = target.text();
  if (claim.measured) {
    claim.verdict = target.met_by(*claim.measured) ? Verdict::holds : Verdict::fails;
    return claim;
  }
  claim.verdict = Verdict::fails;
  claim.note = !why_missing.empty() ? std::move(why_missing)
               : n == 0             ? "no runs"
               : measured           ? fmt::format("the result is {}", *measured)
                                    : "no result";
  return claim;
}

Claim leave_open(Statement statement, std::optional<double> measured, int n, const Target& target,
                 std::string why) {
  Claim claim = report(std::move(statement), measured, n);
  claim.target = target.text();
  claim.note = std::move(why);
  return claim;
}

Claim report(Statement statement, std::optional<double> measured, int n) {
  Claim claim = measured_claim(std::move(statement), measured, n);
  claim.note = "no target";
  return claim;
}

int failed_claims(std::span<const Claim> claims) { return tally(claims).fails; }

std::string summary_markdown(std::string_view title, std::span<const Claim> claims) {
  std::string text = fmt::format("# {}\n\n{}.\n\n", title, sentence(tally(claims)));
  for (const std::string_view heading : headings) text += fmt::format("| {} ", heading);
  text += "|\n|---|---|---|---|---|--:|---|\n";
  for (const Claim& claim : claims) {
    for (const std::string& cell : row_of(claim)) text += fmt::format("| {} ", markdown_cell(cell));
    text += "|\n";
  }
  return text;
}

std::string summary_json(std::string_view title, std::span<const Claim> claims) {
  const Tally counted = tally(claims);
  nlohmann::ordered_json summary = {{"title", title},
                                    {"holds", counted.holds},
                                    {"fails", counted.fails},
                                    {"not_judged", counted.not_judged},
                                    {"claims", nlohmann::ordered_json::array()}};
  for (const Claim& claim : claims) {
    nlohmann::ordered_json entry = {{"name", claim.name},     {"quantity", claim.quantity},
                                    {"paper", claim.paper},   {"theory", claim.theory},
                                    {"ours", claim.ours},     {"measured", nullptr},
                                    {"target", claim.target}, {"n", claim.n}};
    if (claim.measured) entry["measured"] = *claim.measured;
    entry["verdict"] = claim.verdict == Verdict::not_judged ? "not_judged" : to_string(claim.verdict);
    entry["note"] = claim.note;
    summary["claims"].push_back(std::move(entry));
  }
  return summary.dump(2) + "\n";
}

void write_summary(const std::filesystem::path& folder, std::string_view title,
                   std::span<const Claim> claims) {
  write_atomically(folder / "summary.md", summary_markdown(title, claims));
  write_atomically(folder / "summary.json", summary_json(title, claims));
}

void print_claims(std::ostream& out, std::span<const Claim> claims, bool colour) {
  std::vector<Row> rows = {Row{}};
  std::copy(headings.begin(), headings.end(), rows.front().begin());
  for (const Claim& claim : claims) rows.push_back(row_of(claim));
  std::array<std::size_t, headings.size()> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width(row[i]));
  }
  for (std::size_t r = 0; r < rows.size(); ++r) {
    for (std::size_t i = 0; i + 1 < headings.size(); ++i) out << padded(rows[r][i], widths[i]) << "  ";
    const bool painted = colour && r > 0;
    if (painted) out << colour_of(claims[r - 1].verdict);
    out << rows[r].back() << (painted ? "\033[0m\n" : "\n");
  }
  out << sentence(tally(claims)) << "\n";
}

bool colour_wanted(int file_descriptor) {
  const char* no_colour = std::getenv("NO_COLOR");
  return (no_colour == nullptr || *no_colour == '\0') && isatty(file_descriptor) == 1;
}

}  // namespace elbow
