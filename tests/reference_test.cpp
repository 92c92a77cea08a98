#include "experiments/reference.h"

#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

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

TEST(Reference, TableIsTheShippedFile) {
  std::istringstream file(test::get(ELBOW_SOURCE_DIR "/experiments/reference/fig2_self_consistency.csv"));
  std::string line;
  std::getline(file, line);
  ASSERT_EQ(line, "gamma_square,quantity,median,q25,q75,mean,std,n");
  std::size_t rows = 0;
  for (; std::getline(file, line); ++rows) {
    const std::vector<std::string> text = fields(line);
    ASSERT_EQ(text.size(), 8u) << line;
    const ReferenceRow& row = row_of(figure2_reference(), text[1], std::stod(text[0]));
    EXPECT_EQ(row.median, std::stod(text[2])) << line;
    EXPECT_EQ(row.q25, std::stod(text[3])) << line;
    EXPECT_EQ(row.q75, std::stod(text[4])) << line;
    EXPECT_EQ(row.mean, std::stod(text[5])) << line;
    EXPECT_EQ(row.standard_deviation, std::stod(text[6])) << line;
    EXPECT_EQ(row.n, std::stoi(text[7])) << line;
  }
  EXPECT_EQ(rows, figure2_reference().size());
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
