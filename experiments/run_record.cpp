#include "experiments/run_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "engine/safetensors.h"
#include "experiments/text.h"

namespace elbow {
namespace {

using nlohmann::json;

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// JSON has no NaN; null stands for it.
json to_json(double value) { return std::isfinite(value) ? json(value) : json(nullptr); }
double to_double(const json& value) { return value.is_null() ? not_a_number : value.get<double>(); }

json to_json(const Values& values) {
  json pairs = json::array();
  for (const auto& [name, value] : values) pairs.push_back({name, to_json(value)});
  return pairs;
}
Values to_values(const json& pairs) {
  Values values;
  for (const json& pair : pairs) values.emplace_back(pair.at(0), to_double(pair.at(1)));
  return values;
}

std::string cell(double value) { return std::isfinite(value) ? shortest(value) : ""; }

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + '"';
}

std::string to_text(const RunRecord& record) {
  json row = {{"status", record.status}, {"steps", record.steps}, {"epochs", record.epochs}};
  row["values"] = to_json(record.values);
  row["history"] = json::array();
  for (const Validation& v : record.history) row["history"].push_back({v.epoch, v.steps, to_json(v.values)});
  return row.dump();
}

RunRecord from_text(const Run& run, const std::string& text) {
  const json row = json::parse(text);
  RunRecord record{run, row.at("status"), row.at("steps"), row.at("epochs"), {}, {}};
  record.values = to_values(row.at("values"));
  for (const json& v : row.at("history")) record.history.push_back({v.at(0), v.at(1), to_values(v.at(2))});
  return record;
}

/// Every name once, in the order in which they are first met.
class Columns {
 public:
  void add(const Values& values) {
    for (const auto& value : values) {
      if (std::find(names_.begin(), names_.end(), value.first) == names_.end()) names_.push_back(value.first);
    }
  }
  std::string header() const {
    return fmt::format("{}{}\n", names_.empty() ? "" : ",", fmt::join(names_, ","));
  }
  std::string row(const Values& values) const {
    std::string text;
    for (const std::string& name : names_) text += "," + cell(value_of(values, name));
    return text + "\n";
  }

 private:
  std::vector<std::string> names_;
};

/// The cells that say which run it is.
class RunCells {
 public:
  explicit RunCells(const std::vector<const RunRecord*>& records)
      : method_(std::any_of(records.begin(), records.end(),
                            [](const RunRecord* record) { return !record->run.method.empty(); })) {}
  std::string header() const { return method_ ? "seed,method,gamma2" : "seed,gamma2"; }
  std::string row(const Run& run) const {
    return fmt::format("{}{},{}", run.seed, method_ ? "," + run.method : "", cell(run.gamma2));
  }

 private:
  bool method_;
};

}  // namespace

std::string name(const Run& run) {
  std::string text = fmt::format("seed={}", run.seed);
  if (!run.method.empty()) text += "_method=" + run.method;
  if (!std::isnan(run.gamma2)) text += "_gamma2=" + shortest(run.gamma2);
  return text;
}

double RunRecord::value(const std::string& column) const { return value_of(values, column); }

void save_record(const std::filesystem::path& path, const RunRecord& record, const std::string& fingerprint,
                 const ParameterLayout& layout, const Parameters& parameters) {
  std::vector<NamedTensor> tensors;
  for (int i = 0; i < layout.size() && record.done(); ++i) {
    tensors.push_back({layout.name(i), parameters[i].value()});
  }
  save_safetensors(path, tensors, {{"fingerprint", fingerprint}, {"record", to_text(record)}});
}

RunRecord load_record(const std::filesystem::path& path, const Run& run, const std::string& fingerprint) {
  const Safetensors file = load_safetensors(path);
  const auto stored = file.metadata.find("fingerprint");
  if (stored == file.metadata.end() || stored->second != fingerprint) {
    throw DataError(fmt::format(
        "{} is the record of another configuration; remove it or choose another --out", path.string()));
  }
  try {
    return from_text(run, file.metadata.at("record"));
  } catch (const std::exception& error) {
    throw DataError(fmt::format("{} holds no record of a run ({}); remove it and use --resume", path.string(),
                                error.what()));
  }
}

std::string runs_csv(const std::vector<const RunRecord*>& records) {
  const RunCells cells(records);
  Columns columns;
  for (const RunRecord* record : records) columns.add(record->values);
  std::string text = cells.header() + ",status,steps,epochs" + columns.header();
  for (const RunRecord* record : records) {
    text += fmt::format("{},{},{},{}{}", cells.row(record->run),
                        record->done() ? record->status : quoted(record->status), record->steps,
                        record->epochs, columns.row(record->values));
  }
  return text;
}

std::string history_csv(const std::vector<const RunRecord*>& records) {
  const RunCells cells(records);
  Columns columns;
  for (const RunRecord* record : records) {
    for (const Validation& v : record->history) columns.add(v.values);
  }
  std::string text = cells.header() + ",epoch,steps" + columns.header();
  for (const RunRecord* record : records) {
    for (const Validation& v : record->history) {
      text += fmt::format("{},{},{}{}", cells.row(record->run), v.epoch, v.steps, columns.row(v.values));
    }
  }
  return text;
}

std::vector<const RunRecord*> runs_of(const std::vector<RunRecord>& records, const std::string& method) {
  std::vector<const RunRecord*> runs;
  for (const RunRecord& record : records) {
    if (record.done() && record.run.method == method) runs.push_back(&record);
  }
  return runs;
}

std::vector<const RunRecord*> runs_at(const std::vector<RunRecord>& records, double gamma2) {
  std::vector<const RunRecord*> runs;
  for (const RunRecord& record : records) {
    if (record.done() && record.run.gamma2 == gamma2) runs.push_back(&record);
  }
  return runs;
}

std::vector<double> pooled(const std::vector<const RunRecord*>& runs, const std::string& column) {
  const bool every_latent = column.ends_with("_k");
  const std::string stem = column.substr(0, column.size() - (every_latent ? 1 : 0));
  std::vector<double> values;
  for (const RunRecord* run : runs) {
    for (const auto& [name, value] : run->values) {
      const bool numbered = every_latent && name.starts_with(stem) && name.size() > stem.size() &&
                            name.find_first_not_of("0123456789", stem.size()) == std::string::npos;
      if (numbered || name == column) values.push_back(value);
    }
  }
  return values;
}

std::vector<double> precisions(const std::vector<RunRecord>& records) {
  std::set<double> found;
  for (const RunRecord& record : records) {
    if (record.done()) found.insert(record.run.gamma2);
  }
  return {found.begin(), found.end()};
}

}  // namespace elbow
