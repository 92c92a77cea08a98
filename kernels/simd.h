// Compiles the including page once per instruction set (Highway's foreach_target); the best one is picked at
// run time. Not a header of its own: a page defines HWY_TARGET_INCLUDE to its own name and then includes
// this. Most kernels are plain loops over the scalar formulas, which g++ vectorises for each target.
//
//   HWY_BEFORE_NAMESPACE();
//   namespace elbow::kernels::cpu::HWY_NAMESPACE {
//   template <class T> void map(const Unary<T>& a) { ... }
//   ELBOW_TARGET_ENTRY(unary_float, Unary<float>, map)
//   }
//   HWY_AFTER_NAMESPACE();
//   #if HWY_ONCE
//   namespace elbow::kernels::cpu {
//   ELBOW_DISPATCH(unary_float, Unary<float>)
//   }
//   #endif
#undef HWY_DISABLED_TARGETS
// Left out: targets without fused multiply-add, and those whose vectors cannot be elements of an array. A processor that
// has none of the others runs the plain loops.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include "hwy/highway.h"

/// A kernel for one argument struct and the target being compiled; `name` is unique in the page.
#define ELBOW_TARGET_ENTRY(name, Arguments, function) \
  void name(const Arguments& a) { function(a); }

/// cpu::run for that argument struct, on the best target of this processor.
#define ELBOW_DISPATCH(name, Arguments) \
  HWY_EXPORT(name);                     \
  template <>                           \
  void run(const Arguments& a) {        \
    HWY_DYNAMIC_DISPATCH(name)(a);      \
  }
