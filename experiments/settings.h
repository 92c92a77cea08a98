#pragma once
// Values that somebody gave, on the command line or in a file: how they become options, and how they are
// refused.
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "experiments/options.h"

namespace elbow {

/// A value that somebody gave, before it is understood.
struct Setting {
  std::string name;  ///< a flag's without dashes, or a key
  std::string text;  ///< as the command line would have it: "1e1,1e2"
  ValueKind kind = ValueKind::untyped;
  std::string found;  ///< as messages show it: 'abc', [1, "a"]
  std::string file;   ///< "" for the command line
  int line = 0;

  /// "[--lr]" or "my.toml:3: [lr]".
  std::string where() const;
};

/// Sets what `setting` says. Throws UsageError: no such option (the nearest name is given), one that is not
/// among `accepted`, or a value that is not as expected.
void apply(const Setting& setting, const std::set<std::string>& accepted, Options& options);

/// Applies settings of one origin, and checks that they do not contradict each other: --seeds and
/// --seed-list.
void apply(const std::vector<Setting>& settings, const std::set<std::string>& accepted, Options& options);

/// Key and TOML value of each stored option among `accepted`, in the table's order.
std::vector<std::pair<std::string, std::string>> stored_values(const Options& options,
                                                               const std::set<std::string>& accepted);

/// What a claim's target does not allow for: the first stored option that differs from the experiment's
/// defaults, as "epochs = 3 instead of 200". Device, trainer and quick do not count. Empty if none differs.
std::string departure(const Options& options, const Options& defaults, const std::set<std::string>& accepted);

}  // namespace elbow
