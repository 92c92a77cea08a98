#include "engine/dataset.h"

#include <fmt/format.h>

#include "engine/dispatch.h"

namespace elbow {

Tensor rows(const Tensor& data, Index first, Index rows) {
  const Index columns = data.shape()[1];
  return data.part(first * columns, {rows, columns});
}

Split split(const Tensor& data) {
  const Index samples = data.shape()[0];
  if (samples < 10) throw UsageError(fmt::format("[split] expected at least 10 samples, got {}", samples));
  const Index train = samples * 7 / 10;
  const Index validation = samples * 2 / 10;
  return {rows(data, 0, train), rows(data, train, validation),
          rows(data, train + validation, samples - train - validation)};
}

Tensor shuffled_batch(const Tensor& data, std::uint64_t seed, std::uint32_t epoch, Index batch, Index size) {
  const Index samples = data.shape()[0];
  const Index columns = data.shape()[1];
  if (batch < 0 || (batch + 1) * size > samples) {
    throw UsageError(
        fmt::format("[shuffled_batch] expected batch {} of {} rows inside {} samples", batch, size, samples));
  }
  Tensor result({size, columns}, data.dtype(), data.device());
  const auto gather = [&]<class T>() {
    run(data.device(), kernels::Gather<T>{seed, static_cast<std::uint32_t>(Stream::shuffle), epoch, samples,
                                          batch * size, size, columns, data.data<T>(), result.data<T>()});
  };
  if (data.dtype() == DType::uint8) {
    gather.operator()<std::uint8_t>();
  } else {
    with_real_type("shuffled_batch", data.dtype(), gather);
  }
  return result;
}

}  // namespace elbow
