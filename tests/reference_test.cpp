#include "experiments/reference.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "experiments/moebius_map.h"
#include "kernels/error.h"
#include "tests/scratch_folder.h"

namespace elbow {
namespace {

/// The fields of one line; quotes keep a comma.
std::vector<std::string> fields(const std::string& line) {
  std::vector<std::string> result(1);
  bool quoted = false;
  for (const char byte : line) {
    if (byte == '"') {
      quoted = !quoted;
    } else if (byte == ',' && !quoted) {
      result.emplace_back();
    } else {
      result.back() += byte;
    }
  }
  return result;
}

/// The lines of a shipped file below its heading.
std::vector<std::string> shipped(const std::string& name, const std::string& heading) {
  std::istringstream file(test::get(ELBOW_SOURCE_DIR "/experiments/reference/" + name));
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  EXPECT_EQ(lines.at(0), heading);
  lines.erase(lines.begin());
  return lines;
}

/// The statistics of a row are the fields from the third on.
void expect_statistics(const auto& row, const std::vector<std::string>& text) {
  ASSERT_EQ(text.size(), 8u);
  EXPECT_EQ(row.median, std::stod(text[2]));
  EXPECT_EQ(row.q25, std::stod(text[3]));
  EXPECT_EQ(row.q75, std::stod(text[4]));
  EXPECT_EQ(row.mean, std::stod(text[5]));
  EXPECT_EQ(row.standard_deviation, std::stod(text[6]));
  EXPECT_EQ(row.n, std::stoi(text[7]));
}

void expect_shipped(std::span<const ReferenceRow> table, const std::string& name) {
  const auto lines = shipped(name, "gamma_square,quantity,median,q25,q75,mean,std,n");
  EXPECT_EQ(lines.size(), table.size());
  for (const std::string& line : lines) {
    SCOPED_TRACE(line);
    const std::vector<std::string> text = fields(line);
    expect_statistics(row_of(table, text[1], std::stod(text[0])), text);
  }
}

TEST(Reference, TablesAreTheShippedFiles) {
  expect_shipped(figure2_reference(), "fig2_self_consistency.csv");
  expect_shipped(figure3_left_reference(), "fig3_left_moebius.csv");
  const auto lines = shipped("fig3_right_broken_orthogonality.csv",
                             "linear_map_c_ima_bin,quantity,median,q25,q75,mean,std,n");
  const auto bins = figure3_right_reference();
  ASSERT_EQ(lines.size(), bins.size());
  for (std::size_t i = 0; i < bins.size(); ++i) {
    SCOPED_TRACE(lines[i]);
    const std::vector<std::string> text = fields(lines[i]);
    const std::size_t dash = text[0].find('-');
    EXPECT_EQ(bins[i].low, std::stod(text[0].substr(0, dash)));
    EXPECT_EQ(bins[i].high, std::stod(text[0].substr(dash + 1)));
    expect_statistics(bins[i], text);
  }
}

TEST(Reference, TheAuthorsMixingIsTheShippedOne) {
  const auto file =
      nlohmann::json::parse(test::get(ELBOW_SOURCE_DIR "/experiments/reference/moebius_mixing.json"));
  std::vector<double> rotation;
  for (const auto& row : file.at("A")) {
    for (double entry : row) rotation.push_back(entry);
  }
  EXPECT_EQ(authors_moebius().rotation.to_vector<double>(), rotation);
  EXPECT_EQ(authors_moebius().pole.to_vector<double>(), file.at("a").get<std::vector<double>>());
}

TEST(Reference, Figure4IsTheShippedFile) {
  std::istringstream file(test::get(ELBOW_SOURCE_DIR "/experiments/reference/fig4_elbo_gap.csv"));
  std::string line;
  std::getline(file, line);
  ASSERT_EQ(line,
            "gamma_square,elbo_star_mean,elbo_star_std,log_likelihood,ima_regularized_log_likelihood,"
            "ima_minus_elbo,loglik_minus_elbo");
  for (const ElboGapRow& row : figure4_reference()) {
    ASSERT_TRUE(std::getline(file, line));
    std::vector<double> numbers;
    for (const std::string& text : fields(line)) numbers.push_back(std::stod(text));
    EXPECT_EQ(numbers,
              (std::vector<double>{row.gamma_square, row.elbo, row.elbo_deviation, row.log_likelihood,
                                   row.ima_likelihood, row.ima_minus_elbo, row.loglik_minus_elbo}));
  }
  EXPECT_FALSE(std::getline(file, line));
}

TEST(Reference, Figure5IsTheShippedFile) {
  std::istringstream file(test::get(ELBOW_SOURCE_DIR "/experiments/reference/fig5_sprites_training.csv"));
  std::string line;
  std::getline(file, line);
  ASSERT_EQ(line, "epoch,mcc_mean,mcc_std,c_ima_mean_jacobian_mean");
  for (const SpritesRow& row : figure5_reference()) {
    ASSERT_TRUE(std::getline(file, line));
    std::vector<double> numbers;
    for (const std::string& text : fields(line)) numbers.push_back(std::stod(text));
    EXPECT_EQ(numbers, (std::vector<double>{row.epoch, row.mcc, row.mcc_deviation, row.c_ima_mean_jacobian}));
  }
  EXPECT_FALSE(std::getline(file, line));
}

TEST(Reference, RowsComeByPrecision) {
  const std::vector<ReferenceRow> rows = rows_of(figure2_reference(), "sigma_k^2");
  ASSERT_EQ(rows.size(), 5u);
  for (std::size_t i = 1; i < rows.size(); ++i) {
    EXPECT_LT(rows[i - 1].gamma_square, rows[i].gamma_square);
    EXPECT_GT(rows[i - 1].median, rows[i].median);
  }
  EXPECT_THROW(rows_of(figure2_reference(), "sigma"), UsageError);
  EXPECT_THROW(row_of(figure2_reference(), "mcc", 5), UsageError);
}

}  // namespace
}  // namespace elbow
