#!/bin/sh
# Fails if a CUDA kernel spills registers or keeps more than a little of its stack in slow local memory.
#   tests/cuda_resources_test.sh BUILD_FOLDER
# ctest labels: cuda
# Reads what ptxas reported when the build compiled the kernels (cmake/keep_resources.sh) and prints a line per kernel.
objects=$1/CMakeFiles/elbow_cuda.dir
if [ ! -d "$objects" ]; then
  echo "skipped: $1 has no CUDA back end (see the configure summary)"
  exit 77
fi
most_stack=64  # bytes; the double-precision sine and cosine of CUDA's library take 40 for huge arguments

report=$(find "$objects" -name '*.cu.o.resources' -exec cat {} + | awk '
  /Compiling entry function/ { architecture = $NF; gsub(/\047/, "", architecture) }
  /Function properties for/  { name = $NF }
  /bytes stack frame/        { stack = $1; spills = $5 + $9 }
  /bytes stack frame/ && spills > 0 { print 0, stack, spills, architecture, name }
  /Used [0-9]+ registers/    { print $5, stack, spills, architecture, name }' |
  c++filt | sed 's/elbow::kernels:://g; s/cuda:://g; s/void //; s/>(.*/>/' | sort -u)
kernels=$(printf '%s\n' "$report" | grep -c ' sm_')
echo "registers stack spills architecture kernel"
printf '%s\n' "$report" | sort -n

if [ "$kernels" -eq 0 ]; then
  echo "FAILED: no kernel reported in $objects; build the target elbow_cuda first"
  exit 1
fi
guilty=$(printf '%s\n' "$report" | awk -v most="$most_stack" '$2 > most || $3 > 0')
if [ -n "$guilty" ]; then
  echo "FAILED: these spill, or take more than $most_stack bytes of stack:"
  printf '%s\n' "$guilty"
  exit 1
fi
echo "$kernels kernels, no spills, at most $most_stack bytes of stack"
