#pragma once
// The memory limit of one core, measured.

namespace elbow::bench {

/// Bytes per second, read and written ones, of copying from one block to another, both larger than caches. The best of
/// several copies, so a disturbed one does not count.
double copy_bandwidth();

}  // namespace elbow::bench
