#pragma once
// What the paper measures on a trained model: MCC of the latents and c_IMA of the decoder. Everything on the
// host, in double, row-major. What is not defined is an empty optional.
#include <optional>
#include <span>
#include <vector>

#include "kernels/types.h"

namespace elbow {

enum class Correlation { pearson, spearman };

struct MeanCorrelation {
  double mcc;                             ///< mean of correlation_of_factor
  std::vector<Index> estimate_of_factor;  ///< the estimated factor assigned to each true one, a permutation
  std::vector<double> correlation_of_factor;  ///< absolute correlation of each such pair
};

/// The permutation `column_of_row` that maximises the sum of score[row, column_of_row[row]] over an n x n
/// matrix of finite numbers: the Hungarian algorithm with potentials, O(n^3) (Kuhn 1955; Jonker & Volgenant
/// 1987).
std::vector<Index> best_assignment(std::span<const double> score, Index n);

/// MCC: the mean absolute correlation of true and estimated factors, both (samples, factors), after the best
/// assignment. Undefined for fewer than two samples, a constant factor or a value that is not finite; throws
/// UsageError for fewer samples than factors.
std::optional<MeanCorrelation> mean_correlation(std::span<const double> truth,
                                                std::span<const double> estimate, Index factors,
                                                Correlation correlation = Correlation::pearson);

/// What the paper reports as MCC: the mean of the Pearson MCC over the full batches, taken in order, of
/// sampled latents; a rest is dropped. Undefined without a full batch, where the MCC of any batch is, or for
/// fewer samples in a batch than factors.
std::optional<double> mcc_minibatch(std::span<const double> truth, std::span<const double> sampled_estimate,
                                    Index factors, Index batch = 64);

/// The mean over true factors of R^2, the share of a factor's variance that the best linear function of all estimated
/// factors explains, both (samples, factors). Undefined for fewer than two samples, a constant true factor, linearly
/// dependent estimates or a value that is not finite.
std::optional<double> r_squared(std::span<const double> truth, std::span<const double> estimate,
                                Index factors);

/// ‖J[:,k]‖ of a (rows, columns) Jacobian, without overflow or underflow on the way.
std::vector<double> column_norms(std::span<const double> jacobian, Index rows, Index columns);

/// log abs det of an n x n matrix, by LU with partial pivoting; -inf for a singular one.
double log_abs_det(std::vector<double> matrix, Index n);

/// c_IMA of an n x n Jacobian, sum_k log ‖J[:,k]‖ - log abs det J (Gresele et al. 2021), as -log abs det(J
/// D^-1) with D = diag ‖J[:,k]‖, by LU with partial pivoting. Not below 0 but for rounding; +inf for a
/// singular J. Undefined for a zero column or an entry that is not finite.
std::optional<double> c_ima(std::span<const double> jacobian, Index n);

/// c_IMA from the Gram matrix G = JᵀJ (n x n) of a Jacobian with more rows than columns: -1/2 log det of
/// G_kl / sqrt(G_kk G_ll), by Cholesky. +inf where that is not positive definite; undefined as c_ima.
std::optional<double> c_ima_of_gram(std::span<const double> gram, Index n);

/// C_IMA of eq. 6: the mean of c_ima over (samples, n, n) Jacobians. Undefined for no samples or where c_ima
/// of one is.
std::optional<double> mean_c_ima(std::span<const double> jacobians, Index n);

/// How far an n x n Jacobian is from a rotation times a number: the log of the arithmetic over the geometric mean of JᵀJ's
/// eigenvalues. Not below 0 but for rounding; +inf for a singular J. Undefined for zeros or an entry that is not finite.
std::optional<double> conformal_contrast(std::span<const double> jacobian, Index n);

/// The mean of conformal_contrast over (samples, n, n) Jacobians. Undefined for no samples or where that of one is.
std::optional<double> mean_conformal_contrast(std::span<const double> jacobians, Index n);

/// The Amari distance of two n x n Jacobians by the same sources: 0 where the estimate's columns are the true ones in some
/// order and with any lengths and signs, at most 1 (Amari, Cichocki & Yang 1996, normalised). Of P = estimate^-1 truth:
///   1 / (2 n (n - 1)) (sum_i (sum_j abs P_ij / max_j abs P_ij - 1) + sum_j (sum_i abs P_ij / max_i abs P_ij - 1))
/// Undefined for n = 1, where either is singular, or for an entry that is not finite.
std::optional<double> amari_distance(std::span<const double> truth, std::span<const double> estimate,
                                     Index n);

/// What the paper reports as c_IMA: c_ima of the mean of (samples, n, n) Jacobians.
std::optional<double> c_ima_mean_jacobian(std::span<const double> jacobians, Index n);

}  // namespace elbow
