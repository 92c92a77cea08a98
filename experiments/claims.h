#pragma once
// What an experiment says about the paper: a measured number, the paper's, the theory's, the target, the
// verdict.
#include <filesystem>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace elbow {

enum class Verdict { holds, fails, not_judged };

/// "holds", "fails" or "not judged".
std::string_view to_string(Verdict verdict);

/// One row of a summary. Texts are ready to print; "" where there is nothing to say (the paper gives no
/// number, the theory none).
struct Claim {
  std::string name;      ///< short, unique in its experiment, for machines: "sigma2_ratio@1e3"
  std::string quantity;  ///< what was measured, for people: "median of σ²/RHS(12) at γ² = 1e3"
  std::string paper;
  std::string theory;
  std::string ours;
  std::string target;
  int n = 0;  ///< how many runs the measured number rests on
  Verdict verdict = Verdict::not_judged;
  std::string note{};                ///< why a claim fails for want of a number, or why it is not judged
  std::optional<double> measured{};  ///< the number behind `ours`
};

/// At most four significant digits: "0.9993", "1.475e-05", "4.263", "19".
std::string format_number(double value);

/// What a measured number has to satisfy. Limits belong to the target; a NaN meets none.
class Target {
 public:
  static Target within(double centre, double tolerance);          ///< abs(x - centre) <= tolerance
  static Target within_relative(double centre, double fraction);  ///< abs(x - centre) <= fraction abs(centre)
  static Target within_factor(double centre, double factor);      ///< centre / factor <= x <= centre factor
  static Target at_most(double limit);
  static Target at_least(double limit);

  bool met_by(double value) const { return low_ <= value && value <= high_; }
  const std::string& text() const { return text_; }

 private:
  Target(double low, double high, std::string text) : low_(low), high_(high), text_(std::move(text)) {}
  double low_;
  double high_;
  std::string text_;
};

/// The part of a claim that is known before anything is measured.
struct Statement {
  std::string name;
  std::string quantity;
  std::string paper{};
  std::string theory{};
};

/// Judges `measured`, which rests on n runs. No number, a NaN or an infinity, or n = 0: the claim fails and
/// its note says why (`why_missing` where given).
Claim judge(Statement statement, std::optional<double> measured, int n, const Target& target,
            std::string why_missing = {});

/// The same row without a verdict, for runs whose size or protocol is not the one that the target was written
/// for.
Claim leave_open(Statement statement, std::optional<double> measured, int n, const Target& target,
                 std::string why);

/// A number that is said and held against nothing.
Claim report(Statement statement, std::optional<double> measured, int n);

/// How many claims fail; a program ends with exit code 6 if any does.
int failed_claims(std::span<const Claim> claims);

/// A table in Markdown under a heading with the title, and the same as JSON (numbers as numbers, a missing
/// one null).
std::string summary_markdown(std::string_view title, std::span<const Claim> claims);
std::string summary_json(std::string_view title, std::span<const Claim> claims);

/// Writes summary.md and summary.json into the folder, which exists.
void write_summary(const std::filesystem::path& folder, std::string_view title,
                   std::span<const Claim> claims);

/// The same table aligned for a terminal, one line per claim; `colour` paints the verdicts.
void print_claims(std::ostream& out, std::span<const Claim> claims, bool colour);

/// Whether the file descriptor is a terminal and the environment variable NO_COLOR is unset or empty.
bool colour_wanted(int file_descriptor);

}  // namespace elbow
