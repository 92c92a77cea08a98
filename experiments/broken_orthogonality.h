#pragma once
// Fig. 3 right: the conformal mixing with a linear map after it that is not column-orthogonal. Is less recovered
// the larger the map's c_IMA?
#include "experiments/experiment.h"
#include "experiments/figure.h"
#include "experiments/run_record.h"

namespace elbow {

Experiment broken_orthogonality();

/// In two dimensions the map's columns are at a given angle; the seeds take these cosines by turns.
inline constexpr double column_cosines[] = {0, .2, .5, .6, .7, .8, .85, .9, .95, .975, .999};
double cosine_of_seed(std::uint64_t seed);

/// The column of runs.csv that is MCC: of the whole set for the text, of mini-batches for the authors' protocol.
std::string mcc_column(Protocol protocol);

/// Runs whose maps have a similar c_IMA: one of the paper's bins, or in two dimensions one angle.
struct MapGroup {
  std::string name;           ///< "0.394 to 0.695", "cos θ = 0.2"
  double c_ima;               ///< the middle of the bin, or the angle's
  std::string paper;          ///< its median, "" where it has none
  std::vector<double> mcc{};  ///< of the runs
};
std::vector<MapGroup> map_groups(const std::vector<RunRecord>& records, const Options& options);

/// MCC of every run against the map's c_IMA, with the medians of the groups, ours and the paper's, and against
/// the stretch of the conformal part.
Figure broken_orthogonality_figure(const std::vector<RunRecord>& records, const Options& options);

/// The rank correlations of the map's c_IMA with MCC, of the whole set and of mini-batches, and their intervals, judged in
/// three dimensions by targets of either recipe; the groups' medians and the correlation with the stretch, reported.
std::vector<Claim> broken_orthogonality_claims(const std::vector<RunRecord>& records, const Options& options,
                                               const std::string& departure);

}  // namespace elbow
