#!/bin/sh
# Checks that the code keeps to the structure it promises. Prints what breaks a rule; exits 1 if anything does.
cd "$(dirname "$0")/.." || exit 2
failures=0

# rule SENTENCE OFFENCES
rule() {
  [ -z "$2" ] && return
  failures=$((failures + 1))
  printf 'FAILED: %s\n%s\n\n' "$1" "$2"
}

folders=$(ls -d kernels engine models experiments tests bench 2> /dev/null)
# matches PATTERN FOLDER...: the lines of C++ and CUDA files that match
matches() {
  pattern=$1
  shift
  grep -rnE --include='*.h' --include='*.cpp' --include='*.cuh' --include='*.cu' "$pattern" "$@" 2> /dev/null
}

rule "includes point experiments -> models -> engine -> kernels" "$(
  matches '#include "(engine|models|experiments|tests|bench)/' kernels
  matches '#include "(models|experiments|tests|bench)/' engine
  matches '#include "(experiments|tests|bench)/' models
  matches '#include "(tests|bench)/' experiments)"

rule "kernels are launched in kernels/launch.cuh alone" "$(
  matches '<<<|cudaLaunch' $folders | grep -vE '^(kernels/launch.cuh|tests/executor/.*):')"

rule "CUDA headers are included in .cu and .cuh files, and by the executor, alone" "$(
  matches '#include ["<](cuda|cublas|cudnn|cusolver|curand|nccl|nvtx|cooperative_groups)|#include ".*\.cuh"' $folders |
    grep -vE '^[^:]*\.(cu|cuh):|^tests/executor/')"

rule "kernels leave what the executor cannot run to kernels/launch.cuh" "$(
  matches '__shared__|threadIdx|blockIdx|blockDim|gridDim|\bcuda[A-Z]' kernels tests |
    grep -E '^[^:]*\.(cu|cuh):' |
    grep -vE '^(kernels/(launch\.cuh|cuda_backend\.cu)|tests/executor/device_array\.cuh):')"

rule "assembler of the GPU is in kernels/tensor_tile.cuh alone, which has a twin in the executor" "$(
  matches '\basm\b' kernels tests | grep -E '^[^:]*\.(cu|cuh):' | grep -vE '^kernels/tensor_tile\.cuh:')"

rule "every kernel has a CPU and a CUDA twin" "$(
  for contract in $(grep -l '^namespace cuda' kernels/*.h); do
    for twin in "${contract%.h}.cpp" "${contract%.h}.cu"; do
      [ -f "$twin" ] || echo "$contract declares a kernel, but there is no $twin"
    done
  done)"

rule "no file is longer than 450 lines" "$(
  find $folders cmake -type f \( -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' -o -name '*.cmake' \
    -o -name '*.sh' -o -name '*.py' -o -name 'CMakeLists.txt' \) -exec wc -l {} \; | awk '$1 > 450')"

[ "$failures" -eq 0 ] || exit 1
echo "The structure is as promised."
