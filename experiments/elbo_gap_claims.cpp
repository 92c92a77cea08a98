#include <fmt/format.h>

#include <cmath>

#include "experiments/elbo_gap.h"
#include "experiments/judge.h"
#include "experiments/reference.h"
#include "experiments/text.h"

namespace elbow {
namespace {

/// How far from the theory's values a result may be, in nats but for the slope.
struct Targets {
  double difference;         // of L_IMA - ELBO* from 0 at 1e5
  double slope;              // from -1, over 1e5..1e7
  double control;            // both curves of the control from 0 at 1e5
  double encoder;            // of L_IMA - ELBO from 0, medians over encoders
  double encoder_precision;  // gamma^2 of the last
};

Targets targets(bool quick) {
  // 300 points instead of 2000 widen the standard error of a difference 2.6 times. A tenth of the steps leaves
  // the encoder far from its optimum.
  if (quick) return {0.012, 0.1, 0.005, 0.5, 1e4};
  return {0.006, 0.05, 0.005, 0.083, 1e5};
}

std::size_t points_of(const OptimalCurve& curve) {
  return curve.ima_minus_elbo.empty() ? 0 : curve.ima_minus_elbo.front().size();
}

void say_control(Judge& judge, const OptimalCurve& curve, const Targets& target) {
  judge.say({"control_c_ima", "control, in the IMA class: distance of the two curves, C_IMA, nats", "", "0"},
            curve.c_ima, points_of(curve), Target::within(0, target.control));
  const auto difference = curve.mean_at(asymptotic_gamma2);
  judge.say({"control", "control: E[log p − ELBO*], nats, γ² = 1e5", "", "0"},
            difference ? std::optional(*difference + curve.c_ima) : std::nullopt, points_of(curve),
            Target::within(0, target.control));
}

void say_decoder(Judge& judge, const OptimalCurve& curve, const Targets& target) {
  const std::string decoder = fmt::format("decoder {}, C_IMA {:.3f}", curve.decoder, curve.c_ima);
  const std::string paper = format_number(figure4_reference().back().ima_minus_elbo);
  judge.say({"difference@" + curve.decoder, "E[L_IMA − ELBO*], nats, γ² = 1e5, " + decoder, paper, "0"},
            curve.mean_at(asymptotic_gamma2), points_of(curve), Target::within(0, target.difference));
  const auto slope = curve.slope_from(asymptotic_gamma2);
  std::string quantity = "log-log slope of the same over 1e5..1e7, decoder " + curve.decoder;
  if (slope && slope->interval) {
    quantity += fmt::format(", 95 % interval {:.4f} to {:.4f}", slope->interval->low, slope->interval->high);
  }
  judge.say({"slope@" + curve.decoder, quantity, "", "-1"},
            slope ? std::optional(slope->value) : std::nullopt, points_of(curve),
            Target::within(-1, target.slope));
}

}  // namespace

std::vector<double> encoder_values(const std::vector<RunRecord>& records, const std::string& decoder,
                                   double gamma2, const std::string& column) {
  std::vector<double> values;
  for (const RunRecord& record : records) {
    if (record.done() && record.run.gamma2 == gamma2 && shortest(record.value("decoder")) == decoder) {
      values.push_back(record.value(column));
    }
  }
  return values;
}

std::vector<Claim> elbo_gap_claims(const std::vector<OptimalCurve>& curves,
                                   const std::vector<RunRecord>& records, bool quick,
                                   const std::string& curves_departure,
                                   const std::string& records_departure) {
  const Targets target = targets(quick);
  Judge optimal(records, curves_departure);
  Judge encoders(records, records_departure);
  for (const OptimalCurve& curve : curves) {
    if (curve.decoder == control_name) {
      say_control(optimal, curve, target);
      continue;
    }
    say_decoder(optimal, curve, target);
    const double gamma2 = target.encoder_precision;
    const auto values = encoder_values(records, curve.decoder, gamma2, "ima_minus_elbo");
    encoders.say({"encoder@" + curve.decoder,
                  fmt::format("E[L_IMA − ELBO] with an encoder, median, nats, γ² = {}, decoder {}",
                              shortest(gamma2), curve.decoder),
                  quick ? "" : format_number(figure4_reference().back().ima_minus_elbo), "0"},
                 median(values), values.size(), Target::within(0, target.encoder));
  }
  std::vector<Claim> all = optimal.take();
  for (Claim& claim : encoders.take()) all.push_back(std::move(claim));
  return all;
}

}  // namespace elbow
