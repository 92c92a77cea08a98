#pragma once
// The floating-point limit of one core, measured: what a benchmark's rate is a share of.

namespace elbow::bench {

/// Float operations per second of independent fused multiply-adds in registers, with the widest vectors this
/// processor has (an fma counts as two). One thread, about 20 ms; the best of several slices, so a disturbed
/// slice does not count.
double fma_peak_flops();

}  // namespace elbow::bench
