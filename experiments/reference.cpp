#include "experiments/reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "kernels/error.h"

namespace elbow {
namespace {

constexpr auto figure2 = std::to_array<ReferenceRow>({
    {10, "c_ima(mean Jacobian)", 0.000280478, 0.000205604, 0.000421798, 0.000323227, 0.000191925, 20},
    {100, "c_ima(mean Jacobian)", 6.77199e-05, 4.9032e-05, 8.71531e-05, 8.01345e-05, 4.68213e-05, 20},
    {1000, "c_ima(mean Jacobian)", 6.87793e-05, 6.05787e-05, 0.000123789, 8.47024e-05, 3.60256e-05, 20},
    {10000, "c_ima(mean Jacobian)", 0.000150028, 0.000121606, 0.000205746, 0.00019402, 0.000121585, 20},
    {100000, "c_ima(mean Jacobian)", 0.00152692, 0.000669584, 0.00233338, 0.00292097, 0.0043129, 20},
    {10, "mcc", 0.787214, 0.718902, 0.803759, 0.772567, 0.0695666, 20},
    {100, "mcc", 0.829019, 0.764773, 0.861029, 0.817722, 0.0708715, 20},
    {1000, "mcc", 0.835685, 0.781316, 0.866475, 0.82065, 0.0748474, 20},
    {10000, "mcc", 0.845035, 0.774213, 0.867481, 0.819645, 0.0757302, 20},
    {100000, "mcc", 0.834189, 0.777809, 0.870567, 0.81917, 0.0733302, 20},
    {10, "mse(f(mu(x)),x)", 0.0109042, 0.0104701, 0.0113086, 0.0109167, 0.000923539, 20},
    {100, "mse(f(mu(x)),x)", 0.000249079, 0.000218171, 0.00028191, 0.000262188, 6.08528e-05, 20},
    {1000, "mse(f(mu(x)),x)", 4.48829e-05, 3.5363e-05, 5.43957e-05, 4.61687e-05, 1.48573e-05, 20},
    {10000, "mse(f(mu(x)),x)", 1.47451e-05, 1.15053e-05, 1.87429e-05, 1.53576e-05, 5.21109e-06, 20},
    {100000, "mse(f(mu(x)),x)", 3.95856e-06, 3.54535e-06, 5.8815e-06, 4.99621e-06, 2.1904e-06, 20},
    {10, "neg_elbo", 4.26302, 4.26193, 4.265, 4.26344, 0.00246963, 20},
    {100, "neg_elbo", 4.27645, 4.27186, 4.27858, 4.27626, 0.0056146, 20},
    {1000, "neg_elbo", 4.3279, 4.31107, 4.3437, 4.32918, 0.0210632, 20},
    {10000, "neg_elbo", 4.49863, 4.44385, 4.56032, 4.50462, 0.0794854, 20},
    {100000, "neg_elbo", 5.04366, 4.90172, 5.20985, 5.14543, 0.36436, 20},
    {10, "rhs_of_eq_12", 0.175775, 0.156445, 0.188863, 0.172073, 0.0239776, 60},
    {100, "rhs_of_eq_12", 0.0250952, 0.0226087, 0.0278598, 0.0252568, 0.00419083, 60},
    {1000, "rhs_of_eq_12", 0.0032395, 0.00273456, 0.00370763, 0.00321881, 0.000615085, 60},
    {10000, "rhs_of_eq_12", 0.000375451, 0.000317353, 0.000416702, 0.000374295, 8.15864e-05, 60},
    {100000, "rhs_of_eq_12", 4.12963e-05, 3.49418e-05, 4.83568e-05, 4.21546e-05, 1.01441e-05, 60},
    {10, "sigma_k^2", 0.188801, 0.166792, 0.212319, 0.187144, 0.0322311, 60},
    {100, "sigma_k^2", 0.0253012, 0.0228971, 0.0284971, 0.0256408, 0.00446051, 60},
    {1000, "sigma_k^2", 0.00322869, 0.00273079, 0.00364424, 0.00322573, 0.000606727, 60},
    {10000, "sigma_k^2", 0.000379454, 0.000314856, 0.000418036, 0.000375612, 8.23163e-05, 60},
    {100000, "sigma_k^2", 4.16697e-05, 3.56427e-05, 4.77386e-05, 4.22068e-05, 1.00752e-05, 60},
    {10, "sigma_k^2 / rhs", 1.08011, 1.0516, 1.11548, 1.08259, 0.0433527, 60},
    {100, "sigma_k^2 / rhs", 1.01705, 0.99413, 1.0334, 1.01443, 0.0280806, 60},
    {1000, "sigma_k^2 / rhs", 0.999339, 0.983498, 1.03416, 1.00283, 0.0339406, 60},
    {10000, "sigma_k^2 / rhs", 0.999743, 0.983294, 1.02834, 1.00381, 0.0352104, 60},
    {100000, "sigma_k^2 / rhs", 1.00215, 0.980323, 1.02258, 1.00216, 0.0375639, 60},
});

}  // namespace

std::span<const ReferenceRow> figure2_reference() { return figure2; }

std::vector<ReferenceRow> rows_of(std::span<const ReferenceRow> table, std::string_view quantity) {
  std::vector<ReferenceRow> rows;
  std::copy_if(table.begin(), table.end(), std::back_inserter(rows),
               [&](const ReferenceRow& row) { return row.quantity == quantity; });
  if (rows.empty())
    throw UsageError(fmt::format("[reference] the paper's table has no quantity '{}'", quantity));
  std::sort(rows.begin(), rows.end(),
            [](const ReferenceRow& a, const ReferenceRow& b) { return a.gamma_square < b.gamma_square; });
  return rows;
}

const ReferenceRow& row_of(std::span<const ReferenceRow> table, std::string_view quantity,
                           double gamma_square) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const ReferenceRow& row) {
    return row.quantity == quantity && row.gamma_square == gamma_square;
  });
  if (found == table.end()) {
    throw UsageError(
        fmt::format("[reference] the paper's table has no '{}' at gamma^2 = {:g}", quantity, gamma_square));
  }
  return *found;
}

}  // namespace elbow
