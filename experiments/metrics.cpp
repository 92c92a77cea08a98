#include "experiments/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>

#include "experiments/statistics.h"
#include "kernels/error.h"

namespace elbow {
namespace {

std::size_t as_size(Index index) { return static_cast<std::size_t>(index); }

/// The number of (size)-sized items in values; throws where they do not divide.
Index items(std::string_view operation, std::span<const double> values, Index size) {
  const Index length = static_cast<Index>(values.size());
  if (size < 1 || length % size != 0) {
    throw UsageError("[" + std::string(operation) + "] expected whole items of " + std::to_string(size) +
                     " numbers, got " + std::to_string(length) + " numbers");
  }
  return length / size;
}

void expect_square(std::string_view operation, std::span<const double> matrix, Index n) {
  if (n < 1 || static_cast<Index>(matrix.size()) != n * n) {
    throw UsageError("[" + std::string(operation) + "] expected (" + std::to_string(n) + ", " +
                     std::to_string(n) + "), got " + std::to_string(matrix.size()) + " numbers");
  }
}

bool all_finite(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); });
}

std::vector<std::vector<double>> columns_of(std::span<const double> matrix, Index rows, Index columns) {
  std::vector<std::vector<double>> result(as_size(columns), std::vector<double>(as_size(rows)));
  for (Index row = 0; row < rows; ++row) {
    for (Index column = 0; column < columns; ++column) {
      result[as_size(column)][as_size(row)] = matrix[as_size(row * columns + column)];
    }
  }
  return result;
}

/// log det of a symmetric n x n matrix by Cholesky, which overwrites the lower triangle; -inf where a pivot
/// is not positive.
double log_det_positive_definite(std::vector<double>& matrix, Index n) {
  const auto at = [&](Index row, Index column) -> double& { return matrix[as_size(row * n + column)]; };
  double result = 0;
  for (Index k = 0; k < n; ++k) {
    for (Index j = 0; j < k; ++j) at(k, k) -= at(k, j) * at(k, j);
    if (!(at(k, k) > 0)) return -std::numeric_limits<double>::infinity();
    result += std::log(at(k, k));
    at(k, k) = std::sqrt(at(k, k));
    for (Index row = k + 1; row < n; ++row) {
      for (Index j = 0; j < k; ++j) at(row, k) -= at(row, j) * at(k, j);
      at(row, k) /= at(k, k);
    }
  }
  return result;
}

/// The mean of a contrast over (samples, n, n) Jacobians; undefined where it is undefined of one.
std::optional<double> mean_of_jacobians(std::string_view operation, std::span<const double> jacobians,
                                        Index n,
                                        std::optional<double> (*contrast)(std::span<const double>, Index)) {
  const Index samples = items(operation, jacobians, n * n);
  if (samples == 0) return std::nullopt;
  double sum = 0;
  for (Index sample = 0; sample < samples; ++sample) {
    const auto value = contrast(jacobians.subspan(as_size(sample * n * n), as_size(n * n)), n);
    if (!value) return std::nullopt;
    sum += *value;
  }
  return sum / static_cast<double>(samples);
}

/// matrix^-1 right, both n x n, by Gauss-Jordan elimination with partial pivoting; nothing where the matrix is singular.
std::optional<std::vector<double>> solved(std::vector<double> matrix, std::vector<double> right, Index n) {
  const auto swap_rows = [n](std::vector<double>& of, Index a, Index b) {
    std::swap_ranges(of.begin() + a * n, of.begin() + (a + 1) * n, of.begin() + b * n);
  };
  for (Index k = 0; k < n; ++k) {
    Index pivot = k;
    for (Index row = k + 1; row < n; ++row) {
      if (std::abs(matrix[as_size(row * n + k)]) > std::abs(matrix[as_size(pivot * n + k)])) pivot = row;
    }
    const double element = matrix[as_size(pivot * n + k)];
    if (element == 0) return std::nullopt;
    if (pivot != k) {
      swap_rows(matrix, k, pivot);
      swap_rows(right, k, pivot);
    }
    for (Index column = 0; column < n; ++column) {
      matrix[as_size(k * n + column)] /= element;
      right[as_size(k * n + column)] /= element;
    }
    for (Index row = 0; row < n; ++row) {
      if (row == k) continue;
      const double factor = matrix[as_size(row * n + k)];
      for (Index column = 0; column < n; ++column) {
        matrix[as_size(row * n + column)] -= factor * matrix[as_size(k * n + column)];
        right[as_size(row * n + column)] -= factor * right[as_size(k * n + column)];
      }
    }
  }
  return right;
}

/// Each column less its mean and divided by its root mean square; nothing where one is constant.
std::optional<std::vector<std::vector<double>>> standardised(std::span<const double> matrix, Index rows,
                                                             Index columns) {
  auto result = columns_of(matrix, rows, columns);
  for (auto& column : result) {
    const double centre = *mean(column);
    double squares = 0;
    for (double& value : column) {
      value -= centre;
      squares += value * value;
    }
    if (!(squares > 0)) return std::nullopt;
    for (double& value : column) value /= std::sqrt(squares);
  }
  return result;
}

}  // namespace

std::vector<Index> best_assignment(std::span<const double> score, Index n) {
  if (n == 0) return {};
  expect_square("best_assignment", score, n);
  if (!all_finite(score)) throw UsageError("[best_assignment] expected finite scores");
  // Rows and columns count from 1; column 0 holds the row that is looking for a place. Cost = -score.
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const auto size = as_size(n) + 1;
  std::vector<double> row_potential(size, 0), column_potential(size, 0);
  std::vector<std::size_t> row_of_column(size, 0), previous_column(size, 0);
  for (std::size_t row = 1; row < size; ++row) {
    row_of_column[0] = row;
    std::size_t column = 0;
    std::vector<double> slack(size, infinity);
    std::vector<bool> visited(size, false);
    do {  // one step of Dijkstra's algorithm on the reduced costs, until a free column is reached
      visited[column] = true;
      const std::size_t current = row_of_column[column];
      std::size_t nearest = 0;
      double step = infinity;
      for (std::size_t next = 1; next < size; ++next) {
        if (visited[next]) continue;
        const double reduced =
            -score[(current - 1) * as_size(n) + next - 1] - row_potential[current] - column_potential[next];
        if (reduced < slack[next]) {
          slack[next] = reduced;
          previous_column[next] = column;
        }
        if (slack[next] < step) {
          step = slack[next];
          nearest = next;
        }
      }
      for (std::size_t next = 0; next < size; ++next) {
        if (visited[next]) {
          row_potential[row_of_column[next]] += step;
          column_potential[next] -= step;
        } else {
          slack[next] -= step;
        }
      }
      column = nearest;
    } while (row_of_column[column] != 0);
    while (column != 0) {
      row_of_column[column] = row_of_column[previous_column[column]];
      column = previous_column[column];
    }
  }
  std::vector<Index> column_of_row(as_size(n));
  for (std::size_t column = 1; column < size; ++column) {
    column_of_row[row_of_column[column] - 1] = static_cast<Index>(column) - 1;
  }
  return column_of_row;
}

std::optional<MeanCorrelation> mean_correlation(std::span<const double> truth,
                                                std::span<const double> estimate, Index factors,
                                                Correlation correlation) {
  const Index samples = items("mean_correlation", truth, factors);
  if (truth.size() != estimate.size()) {
    throw UsageError("[mean_correlation] expected true and estimated factors of one shape, got " +
                     std::to_string(truth.size()) + " and " + std::to_string(estimate.size()) + " numbers");
  }
  if (samples < factors) {
    throw UsageError("[mean_correlation] expected at least as many samples as factors, got " +
                     std::to_string(samples) + " samples of " + std::to_string(factors) +
                     " factors; take more samples");
  }
  if (!all_finite(truth) || !all_finite(estimate)) return std::nullopt;
  auto true_columns = columns_of(truth, samples, factors);
  auto estimated_columns = columns_of(estimate, samples, factors);
  if (correlation == Correlation::spearman) {  // Pearson's on ranks, each column ranked once
    for (auto& column : true_columns) column = mean_ranks(column);
    for (auto& column : estimated_columns) column = mean_ranks(column);
  }
  std::vector<double> score;
  for (const auto& true_column : true_columns) {
    for (const auto& estimated_column : estimated_columns) {
      const std::optional<double> value = pearson(true_column, estimated_column);
      if (!value) return std::nullopt;
      score.push_back(std::abs(*value));
    }
  }
  MeanCorrelation result{0, best_assignment(score, factors), {}};
  for (Index factor = 0; factor < factors; ++factor) {
    const Index assigned = result.estimate_of_factor[as_size(factor)];
    result.correlation_of_factor.push_back(score[as_size(factor * factors + assigned)]);
  }
  result.mcc = *mean(result.correlation_of_factor);
  return result;
}

std::optional<double> mcc_minibatch(std::span<const double> truth, std::span<const double> sampled_estimate,
                                    Index factors, Index batch) {
  if (batch < 1) throw UsageError("[mcc_minibatch] expected batch >= 1, got " + std::to_string(batch));
  if (truth.size() != sampled_estimate.size()) {
    throw UsageError("[mcc_minibatch] expected true and estimated factors of one shape, got " +
                     std::to_string(truth.size()) + " and " + std::to_string(sampled_estimate.size()) +
                     " numbers");
  }
  const Index batches = items("mcc_minibatch", truth, factors) / batch;
  if (batch < factors) return std::nullopt;
  const std::size_t length = as_size(batch * factors);
  std::vector<double> values;
  for (std::size_t first = 0; first < as_size(batches) * length; first += length) {
    const auto matched =
        mean_correlation(truth.subspan(first, length), sampled_estimate.subspan(first, length), factors);
    if (!matched) return std::nullopt;
    values.push_back(matched->mcc);
  }
  return mean(values);
}

std::optional<double> r_squared(std::span<const double> truth, std::span<const double> estimate,
                                Index factors) {
  const Index samples = items("r_squared", truth, factors);
  if (truth.size() != estimate.size()) {
    throw UsageError("[r_squared] expected true and estimated factors of one shape, got " +
                     std::to_string(truth.size()) + " and " + std::to_string(estimate.size()) + " numbers");
  }
  if (samples < 2 || !all_finite(truth) || !all_finite(estimate)) return std::nullopt;
  const auto t = standardised(truth, samples, factors), e = standardised(estimate, samples, factors);
  if (!t || !e) return std::nullopt;
  const auto product = [](const std::vector<double>& a, const std::vector<double>& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  };
  // Of standardised columns R^2 = c^T C^-1 c, C the estimates' correlations with each other, c with the factor.
  std::vector<double> among, across;
  for (Index i = 0; i < factors; ++i) {
    for (Index j = 0; j < factors; ++j) {
      among.push_back(product((*e)[as_size(i)], (*e)[as_size(j)]));
      across.push_back(product((*e)[as_size(i)], (*t)[as_size(j)]));
    }
  }
  const auto weights = solved(among, across, factors);
  if (!weights) return std::nullopt;
  return std::inner_product(weights->begin(), weights->end(), across.begin(), 0.0) /
         static_cast<double>(factors);
}

std::vector<double> column_norms(std::span<const double> jacobian, Index rows, Index columns) {
  if (rows < 0 || columns < 0 || static_cast<Index>(jacobian.size()) != rows * columns) {
    throw UsageError("[column_norms] expected (" + std::to_string(rows) + ", " + std::to_string(columns) +
                     "), got " + std::to_string(jacobian.size()) + " numbers");
  }
  std::vector<double> norms(as_size(columns), 0);
  for (Index row = 0; row < rows; ++row) {
    for (Index column = 0; column < columns; ++column) {
      double& norm = norms[as_size(column)];
      norm = std::hypot(norm, jacobian[as_size(row * columns + column)]);
    }
  }
  return norms;
}

double log_abs_det(std::vector<double> matrix, Index n) {
  expect_square("log_abs_det", matrix, n);
  const auto at = [&](Index row, Index column) -> double& { return matrix[as_size(row * n + column)]; };
  double result = 0;
  for (Index k = 0; k < n; ++k) {
    Index pivot = k;
    for (Index row = k + 1; row < n; ++row) {
      if (std::abs(at(row, k)) > std::abs(at(pivot, k))) pivot = row;
    }
    if (at(pivot, k) == 0) return -std::numeric_limits<double>::infinity();
    if (pivot != k) std::swap_ranges(&at(k, 0), &at(k, 0) + n, &at(pivot, 0));
    result += std::log(std::abs(at(k, k)));
    for (Index row = k + 1; row < n; ++row) {
      const double factor = at(row, k) / at(k, k);
      for (Index column = k + 1; column < n; ++column) at(row, column) -= factor * at(k, column);
    }
  }
  return result;
}

std::optional<double> c_ima(std::span<const double> jacobian, Index n) {
  expect_square("c_ima", jacobian, n);
  if (!all_finite(jacobian)) return std::nullopt;
  const std::vector<double> norms = column_norms(jacobian, n, n);
  if (std::any_of(norms.begin(), norms.end(),
                  [](double norm) { return norm == 0 || !std::isfinite(norm); })) {
    return std::nullopt;
  }
  std::vector<double> normalised(jacobian.begin(), jacobian.end());
  for (std::size_t i = 0; i < normalised.size(); ++i) normalised[i] /= norms[i % as_size(n)];
  return -log_abs_det(std::move(normalised), n);
}

std::optional<double> c_ima_of_gram(std::span<const double> gram, Index n) {
  expect_square("c_ima_of_gram", gram, n);
  if (!all_finite(gram)) return std::nullopt;
  std::vector<double> norms;
  for (Index k = 0; k < n; ++k) {
    const double square = gram[as_size(k * n + k)];
    if (!(square > 0)) return std::nullopt;
    norms.push_back(std::sqrt(square));
  }
  std::vector<double> correlation(gram.begin(), gram.end());
  for (std::size_t i = 0; i < correlation.size(); ++i) {
    correlation[i] /= norms[i / as_size(n)] * norms[i % as_size(n)];
  }
  return -0.5 * log_det_positive_definite(correlation, n);
}

std::optional<double> mean_c_ima(std::span<const double> jacobians, Index n) {
  return mean_of_jacobians("mean_c_ima", jacobians, n, c_ima);
}

std::optional<double> conformal_contrast(std::span<const double> jacobian, Index n) {
  expect_square("conformal_contrast", jacobian, n);
  if (!all_finite(jacobian)) return std::nullopt;
  double norm = 0;
  for (const double element : jacobian) norm = std::hypot(norm, element);
  if (norm == 0 || !std::isfinite(norm)) return std::nullopt;
  // With the arithmetic mean of the eigenvalues 1, that is ‖J‖^2 = n, only the geometric one is left.
  std::vector<double> normalised(jacobian.begin(), jacobian.end());
  const double factor = std::sqrt(static_cast<double>(n)) / norm;
  for (double& element : normalised) element *= factor;
  return -2 / static_cast<double>(n) * log_abs_det(std::move(normalised), n);
}

std::optional<double> mean_conformal_contrast(std::span<const double> jacobians, Index n) {
  return mean_of_jacobians("mean_conformal_contrast", jacobians, n, conformal_contrast);
}

std::optional<double> amari_distance(std::span<const double> truth, std::span<const double> estimate,
                                     Index n) {
  expect_square("amari_distance", truth, n);
  expect_square("amari_distance", estimate, n);
  if (n == 1 || !all_finite(truth) || !all_finite(estimate)) return std::nullopt;
  if (std::isinf(log_abs_det({truth.begin(), truth.end()}, n))) return std::nullopt;
  std::optional<std::vector<double>> p =
      solved({estimate.begin(), estimate.end()}, {truth.begin(), truth.end()}, n);
  if (!p) return std::nullopt;
  const auto spread = [&](Index first, Index step) {  // of the n elements from `first` on
    double sum = 0, largest = 0;
    for (Index i = 0; i < n; ++i) {
      const double size = std::abs((*p)[as_size(first + i * step)]);
      sum += size;
      largest = std::max(largest, size);
    }
    return sum / largest - 1;
  };
  double total = 0;
  for (Index i = 0; i < n; ++i) total += spread(i * n, 1) + spread(i, n);
  return total / static_cast<double>(2 * n * (n - 1));
}

std::optional<double> c_ima_mean_jacobian(std::span<const double> jacobians, Index n) {
  const Index samples = items("c_ima_mean_jacobian", jacobians, n * n);
  if (samples == 0) return std::nullopt;
  std::vector<double> mean_jacobian(as_size(n * n), 0);
  for (std::size_t i = 0; i < jacobians.size(); ++i) {
    mean_jacobian[i % mean_jacobian.size()] += jacobians[i] / static_cast<double>(samples);
  }
  return c_ima(mean_jacobian, n);
}

}  // namespace elbow
