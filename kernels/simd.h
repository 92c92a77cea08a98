// Compiles the including file once per instruction set (Highway's foreach_target) and picks one at run time.
// Not a header of its own: a kernel page defines HWY_TARGET_INCLUDE to its own name and then includes this.
//
// Most kernels are plain loops over the scalar formulas, which g++ vectorises for each target.
#include "hwy/foreach_target.h"  // must come before highway.h
//
#include "hwy/highway.h"
