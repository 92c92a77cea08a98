#pragma once
// The paper's numbers, computed from the result files of the authors' own runs: medians, quartiles, means and
// standard deviations over n runs (over n factors of runs where a quantity is per factor).
#include <span>
#include <string_view>
#include <vector>

namespace elbow {

struct ReferenceRow {
  double gamma_square;
  std::string_view quantity;
  double median;
  double q25;
  double q75;
  double mean;
  double standard_deviation;
  int n;
};

/// Fig. 2, by quantity and gamma^2 = 1e1 .. 1e5; the content of
/// experiments/reference/fig2_self_consistency.csv. Quantities: "c_ima(mean Jacobian)", "mcc" (of
/// mini-batches), "mse(f(mu(x)),x)", "neg_elbo", "rhs_of_eq_12", "sigma_k^2", "sigma_k^2 / rhs".
std::span<const ReferenceRow> figure2_reference();

/// Fig. 3 left, by quantity and gamma^2 = 1e1 .. 1e5; the content of
/// experiments/reference/fig3_left_moebius.csv. Quantities: "c_ima(mean Jacobian)", "mcc" (of mini-batches),
/// "neg_elbo".
std::span<const ReferenceRow> figure3_left_reference();

/// MCC (of mini-batches) of the runs of Fig. 3 right whose linear map has a c_IMA between `low` and `high`.
struct BinnedRow {
  double low;
  double high;
  double median;
  double q25;
  double q75;
  double mean;
  double standard_deviation;
  int n;
};

/// Five bins of equal ratio, ascending and adjacent; the content of
/// experiments/reference/fig3_right_broken_orthogonality.csv.
std::span<const BinnedRow> figure3_right_reference();

/// Fig. 4 of the paper at one gamma^2, means over the authors' encoders, nats; the decoder is not published.
struct ElboGapRow {
  double gamma_square;
  double elbo;
  double elbo_deviation;
  double log_likelihood;
  double ima_likelihood;  ///< log p - c_IMA
  double ima_minus_elbo;
  double loglik_minus_elbo;
};

/// gamma^2 = 1e1, 10^1.5 .. 1e5; the content of experiments/reference/fig4_elbo_gap.csv.
std::span<const ElboGapRow> figure4_reference();

/// Fig. 5 of the paper: means over 10 seeds, MCC of mini-batches.
struct SpritesRow {
  double epoch;
  double mcc;
  double mcc_deviation;
  double c_ima_mean_jacobian;
};

/// Every 25 epochs to 350; the content of experiments/reference/fig5_sprites_training.csv.
std::span<const SpritesRow> figure5_reference();

/// The rows of one quantity, in ascending gamma^2. Throws UsageError for a quantity that the table does not
/// have.
std::vector<ReferenceRow> rows_of(std::span<const ReferenceRow> table, std::string_view quantity);

/// The row of one quantity at one gamma^2. Throws UsageError where the table has none.
const ReferenceRow& row_of(std::span<const ReferenceRow> table, std::string_view quantity,
                           double gamma_square);

}  // namespace elbow
