#!/usr/bin/env bash
# gpu-check with the executor in place of a GPU: it passes, and it does not pass what is wrong.
#   tests/gpu_check_test.sh BUILD_FOLDER
# ctest labels: heavy
set -euo pipefail
build=$(readlink -f "$1")
if [[ ! -e $build/lib/libelbow_executor.so ]]; then
  echo "skipped: $build has no executor (see the configure summary)"
  exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

tests/gpu_check.sh "$build" executor "$scratch/out" || { cat "$scratch"/out/*.log; exit 1; }
verdict=$scratch/out/gpu_check.json
for line in '"verdict": "passed"' '"step": "tests", "result": "passed"' '"step": "hashes", "result": "passed"' \
  '"step": "determinism", "result": "passed"' '"step": "memcheck", "result": "skipped"' '"step": "sweep", "result": "passed"'; do
  grep -qF "$line" "$verdict" || { echo "FAILED: no line $line in"; cat "$verdict"; exit 1; }
done

# A build whose kernels give other bits, and whose sweep does not train.
mkdir -p "$scratch/bad/tests" "$scratch/bad/bin"
ln -s "$build"/tests/device_test "$scratch/bad/tests"
ln -s /bin/false "$scratch/bad/tests/dump_kernel_hashes"
ln -s /bin/false "$scratch/bad/bin/self_consistency"
if tests/gpu_check.sh "$scratch/bad" executor "$scratch/failed" >"$scratch/said"; then
  echo "FAILED: passed a build whose programs fail"
  exit 1
fi
verdict=$scratch/failed/gpu_check.json
for line in '"verdict": "failed"' '"step": "tests", "result": "passed"' '"step": "hashes", "result": "failed with exit code 1"' \
  '"step": "sweep", "result": "failed with exit code 1"' '"step": "kernel_times", "result": "skipped"'; do
  grep -qF "$line" "$verdict" || { echo "FAILED: no line $line in"; cat "$verdict"; exit 1; }
done
echo "gpu-check passes what is right and fails what is wrong"
