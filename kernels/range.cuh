#pragma once
// NVTX ranges: names on the timeline of Nsight Systems, and what Nsight Compute filters by. While no tool is
// attached, beginning one is a load and a branch.
#include <nvtx3/nvToolsExt.h>

namespace elbow::kernels::cuda {

inline void begin_range(const char* name) { nvtxRangePushA(name); }
inline void end_range() { nvtxRangePop(); }

/// Names this thread's time until the end of the scope.
class Range {
 public:
  explicit Range(const char* name) { begin_range(name); }
  ~Range() { end_range(); }
  Range(const Range&) = delete;
  Range& operator=(const Range&) = delete;
};

}  // namespace elbow::kernels::cuda
