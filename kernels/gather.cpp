#include "kernels/gather.h"

#include <algorithm>

#include "kernels/philox.h"

namespace elbow::kernels::cpu {

template <class T, class Stored>
void run(const Gather<T, Stored>& a) {
  for (Index r = 0; r < a.rows; ++r) {
    const Index sample = shuffled(a.first + r, a.samples, a.seed, a.stream, a.epoch);
    const Stored* const row = a.data + sample * a.columns;
    std::transform(row, row + a.columns, a.output + r * a.columns, [](Stored x) { return number_of<T>(x); });
  }
}

template void run(const Gather<float>&);
template void run(const Gather<double>&);
template void run(const Gather<float, std::uint8_t>&);

}  // namespace elbow::kernels::cpu
