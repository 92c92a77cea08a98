#!/bin/sh
# Fails if a CUDA kernel spills registers or keeps more than a little of its stack in slow local memory.
#   tests/cuda_resources.sh BUILD_FOLDER
# Reads what ptxas reported when the build compiled the kernels (cmake/keep_resources.sh) and prints a line per kernel.
most_stack=64  # bytes; the double-precision sine and cosine of CUDA's library take 40 for huge arguments

report=$(find "$1" -name '*.cu.o.resources' -exec cat {} + | awk '
  /Compiling entry function/ { architecture = $NF; gsub(/\047/, "", architecture) }
  /Function properties for/  { name = $NF }
  /bytes stack frame/        { stack = $1; spills = $5 + $9 }
  /bytes stack frame/ && spills > 0 { print 0, stack, spills, architecture, name }
  /Used [0-9]+ registers/    { print $5, stack, spills, architecture, name }' |
  c++filt | sed 's/elbow:://g; s/kernels:://g; s/cuda:://g' | sort -u)
kernels=$(printf '%s\n' "$report" | grep -c ' sm_')
echo "registers stack spills architecture kernel"
printf '%s\n' "$report" | sort -n

if [ "$kernels" -eq 0 ]; then
  echo "FAILED: no kernel reported under $1; build the target elbow_cuda first"
  exit 1
fi
guilty=$(printf '%s\n' "$report" | awk -v most="$most_stack" '$2 > most || $3 > 0')
if [ -n "$guilty" ]; then
  echo "FAILED: these spill, or take more than $most_stack bytes of stack:"
  printf '%s\n' "$guilty"
  exit 1
fi
echo "$kernels kernels, no spills, at most $most_stack bytes of stack"
