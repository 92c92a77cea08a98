#include "kernels/gather.h"

#include <algorithm>

#include "kernels/philox.h"

namespace elbow::kernels::cpu {

template <class T>
void run(const Gather<T>& a) {
  for (Index r = 0; r < a.rows; ++r) {
    const Index sample = shuffled(a.first + r, a.samples, a.seed, a.stream, a.epoch);
    std::copy_n(a.data + sample * a.columns, a.columns, a.output + r * a.columns);
  }
}

template void run(const Gather<float>&);
template void run(const Gather<double>&);
template void run(const Gather<std::uint8_t>&);

}  // namespace elbow::kernels::cpu
