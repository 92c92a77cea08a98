#include "experiments/run_record.h"

#include <fmt/format.h>

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

std::string cell(double value) { return std::isfinite(value) ? shortest(value) : ""; }

std::string quoted(const std::string& text) {
  std::string result = "\"";
  for (char c : text) result += c == '"' ? std::string("\"\"") : std::string(1, c);
  return result + '"';
}

std::string to_text(const RunRecord& record) {
  json row = {{"status", record.status}, {"steps", record.steps}, {"epochs", record.epochs}};
  row["values"] = json::array();
  for (const auto& [column, value] : record.values) row["values"].push_back({column, to_json(value)});
  row["history"] = json::array();
  for (const Validation& v : record.history) {
    row["history"].push_back({v.epoch, v.steps, v.neg_elbo, v.reconstruction, v.kl});
  }
  return row.dump();
}

RunRecord from_text(const Run& run, const std::string& text) {
  const json row = json::parse(text);
  RunRecord record{run, row.at("status"), row.at("steps"), row.at("epochs"), {}, {}};
  for (const json& value : row.at("values")) record.values.emplace_back(value.at(0), to_double(value.at(1)));
  for (const json& v : row.at("history")) {
    record.history.push_back({v.at(0), v.at(1), v.at(2), v.at(3), v.at(4)});
  }
  return record;
}

}  // namespace

std::string name(const Run& run) { return fmt::format("seed={}_gamma2={}", run.seed, shortest(run.gamma2)); }

double RunRecord::value(const std::string& column) const {
  for (const auto& [candidate, value] : values) {
    if (candidate == column) return value;
  }
  return not_a_number;
}

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
  std::string text = "seed,gamma2,status,steps,epochs";
  const RunRecord* widest = nullptr;
  for (const RunRecord* record : records) {
    if (widest == nullptr || record->values.size() > widest->values.size()) widest = record;
  }
  const Values columns = widest != nullptr ? widest->values : Values{};
  for (const auto& column : columns) text += "," + column.first;
  text += "\n";
  for (const RunRecord* record : records) {
    text +=
        fmt::format("{},{},{},{},{}", record->run.seed, shortest(record->run.gamma2),
                    record->done() ? record->status : quoted(record->status), record->steps, record->epochs);
    for (const auto& column : columns) text += "," + cell(record->value(column.first));
    text += "\n";
  }
  return text;
}

std::string history_csv(const std::vector<const RunRecord*>& records) {
  std::string text = "seed,gamma2,epoch,steps,neg_elbo,reconstruction,kl\n";
  for (const RunRecord* record : records) {
    for (const Validation& v : record->history) {
      text += fmt::format("{},{},{},{},{},{},{}\n", record->run.seed, shortest(record->run.gamma2), v.epoch,
                          v.steps, shortest(v.neg_elbo), shortest(v.reconstruction), shortest(v.kl));
    }
  }
  return text;
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
