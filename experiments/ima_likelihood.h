#pragma once
// Beyond the paper: maximum likelihood alone, regularised with c_IMA, and a VAE that is told nothing, on the data of Fig.
// 3 left. Each sees the same density; which of them finds the sources?
#include "experiments/experiment.h"
#include "experiments/figure.h"
#include "experiments/run_record.h"

namespace elbow {

Experiment ima_likelihood();

/// What is compared, by the name that runs.csv has.
struct Method {
  const char* name;
  const char* label;
};
inline constexpr Method likelihood{"likelihood", "likelihood"};
inline constexpr Method regularised{"regularised", "likelihood − c_{IMA}"};
inline constexpr Method vae_method{"vae", "VAE, γ^2 = 1e5"};
inline constexpr Method folding{"folding", "unconstrained MLP"};

/// MCC, c_IMA and mean log-likelihood on each mixing, the last less the exact one, which is a line at 0. The
/// unconstrained MLP, whose likelihood is none, is left to the table.
Figure ima_likelihood_figure(const std::vector<RunRecord>& records);

std::vector<Claim> ima_likelihood_claims(const std::vector<RunRecord>& records, bool quick,
                                         const std::string& departure);

}  // namespace elbow
