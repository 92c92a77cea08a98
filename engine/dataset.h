#pragma once
// A data set in memory, split in order, and its shuffled mini-batches.
#include "engine/random.h"

namespace elbow {

/// Rows of one data set: 70 % to train, 20 % to validate, 10 % to test, in their order.
struct Split {
  Tensor train;
  Tensor validation;
  Tensor test;
};

/// `data` (samples, columns); the parts share its memory. Throws UsageError below 10 samples.
Split split(const Tensor& data);

/// Rows [first, first + rows) of `data` (samples, columns).
Tensor rows(const Tensor& data, Index first, Index rows);

/// Mini-batch `batch` of `size` rows of epoch `epoch`, in the order that (seed, epoch) shuffles `data` to.
/// 0 <= batch < samples / size. Pixels stay in bytes.
Tensor shuffled_batch(const Tensor& data, std::uint64_t seed, std::uint32_t epoch, Index batch, Index size);

}  // namespace elbow
