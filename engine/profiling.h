#pragma once
// What an attached profiler, such as Nsight, is told: names for stretches of time, and which steps of a
// training to record. On a device that has no profiler this does nothing, at the price of a null check.
#include <cstdint>

#include "engine/device.h"

namespace elbow {

/// Names this thread's time until the end of the scope. Ranges nest.
class ProfilerRange {
 public:
  ProfilerRange(Device device, const char* name) : ProfilerRange(backend(device).profiling, name) {}
  ProfilerRange(const kernels::Profiling& profiling, const char* name) : profiling_(profiling) {
    if (profiling_.begin_range != nullptr) profiling_.begin_range(name);
  }
  ~ProfilerRange() {
    if (profiling_.end_range != nullptr) profiling_.end_range();
  }
  ProfilerRange(const ProfilerRange&) = delete;
  ProfilerRange& operator=(const ProfilerRange&) = delete;

 private:
  const kernels::Profiling& profiling_;
};

/// Steps of a training, counted from 1, both included; none while both are 0.
struct StepInterval {
  std::int64_t first = 0;
  std::int64_t last = 0;
};

/// Lives as long as step `step` of a training: recording starts before step `recorded.first` and stops after
/// step `recorded.last`.
class StepCapture {
 public:
  StepCapture(Device device, std::int64_t step, const StepInterval& recorded)
      : StepCapture(backend(device).profiling, step, recorded) {}
  StepCapture(const kernels::Profiling& profiling, std::int64_t step, const StepInterval& recorded)
      : profiling_(profiling), is_last_(step == recorded.last) {
    if (step == recorded.first && profiling_.start_capture != nullptr) profiling_.start_capture();
  }
  ~StepCapture() {
    if (is_last_ && profiling_.stop_capture != nullptr) profiling_.stop_capture();
  }
  StepCapture(const StepCapture&) = delete;
  StepCapture& operator=(const StepCapture&) = delete;

 private:
  const kernels::Profiling& profiling_;
  const bool is_last_;
};

}  // namespace elbow
