#pragma once
// Fig. 4: does the optimal ELBO of a fixed decoder approach the IMA-regularised likelihood as the decoder's
// precision grows (Theorem 1)?
#include "experiments/experiment.h"
#include "experiments/figure.h"
#include "experiments/optimal_curves.h"
#include "experiments/run_record.h"

namespace elbow {

Experiment elbo_gap();

/// The name of the decoder in the IMA class among the curves; the others are called "1", "2", ...
inline constexpr const char* control_name = "control";
/// The gamma^2 at which the theorem's slope begins, and at which differences are judged.
inline constexpr double asymptotic_gamma2 = 1e5;

/// One column of the finished runs with one decoder at one gamma^2.
std::vector<double> encoder_values(const std::vector<RunRecord>& records, const std::string& decoder,
                                   double gamma2, const std::string& column);

/// E[L_IMA - ELBO], E[log p - ELBO] and abs(L_IMA - ELBO) against gamma^2: curves without an encoder, the runs'
/// encoders as markers, the paper's numbers.
Figure elbo_gap_figure(const std::vector<OptimalCurve>& curves, const std::vector<RunRecord>& records);

/// One claim per number of the targets' table. Judged if run as written: the curves, unless
/// `curves_departure` says what differs, and the encoders, unless `records_departure` does.
std::vector<Claim> elbo_gap_claims(const std::vector<OptimalCurve>& curves,
                                   const std::vector<RunRecord>& records, bool quick,
                                   const std::string& curves_departure, const std::string& records_departure);

}  // namespace elbow
