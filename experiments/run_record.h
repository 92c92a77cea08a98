#pragma once
// What a finished run leaves: one safetensors file with its best parameters under their state_dict names and,
// in the metadata, its row; and the tables made of all rows.
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "models/training.h"

namespace elbow {

struct Run {
  std::uint64_t seed;
  double gamma2;         ///< NaN where the method has none
  std::string method{};  ///< of the experiments that compare several; else ""
};

/// "seed=3_gamma2=1e+04", "seed=3_method=likelihood"
std::string name(const Run& run);

/// A row of runs.csv and its rows of history.csv.
struct RunRecord {
  Run run;
  std::string status;  ///< "done", or what went wrong
  Index steps = 0;
  Index epochs = 0;
  Values values;  ///< empty unless done
  std::vector<Validation> history;

  bool done() const { return status == "done"; }
  /// NaN if there is no such column.
  double value(const std::string& column) const;
};

/// Atomic; throws DataError if it cannot be written.
void save_record(const std::filesystem::path& path, const RunRecord& record, const std::string& fingerprint,
                 const ParameterLayout& layout, const Parameters& parameters);

/// Throws DataError if the file is damaged or belongs to another configuration.
RunRecord load_record(const std::filesystem::path& path, const Run& run, const std::string& fingerprint);

/// seed,gamma2,status,steps,epochs and the columns of all finished runs; after the seed the method, where there is one.
/// Undefined values, and those that a run does not have, are empty cells.
std::string runs_csv(const std::vector<const RunRecord*>& records);
/// One row per validation; its columns likewise.
std::string history_csv(const std::vector<const RunRecord*>& records);

/// The finished runs of a method.
std::vector<const RunRecord*> runs_of(const std::vector<RunRecord>& records, const std::string& method);
/// The finished runs at one gamma^2.
std::vector<const RunRecord*> runs_at(const std::vector<RunRecord>& records, double gamma2);
/// One column of them; with "_k", the column of every latent.
std::vector<double> pooled(const std::vector<const RunRecord*>& runs, const std::string& column);
/// Every gamma^2 with a finished run, ascending.
std::vector<double> precisions(const std::vector<RunRecord>& records);

}  // namespace elbow
