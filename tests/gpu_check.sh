#!/usr/bin/env bash
# Everything that only a GPU can tell, in at most 20 minutes, each step bounded and with a log of its own.
#   tests/gpu_check.sh BUILD_FOLDER DEVICE OUT_FOLDER        (`./run gpu-check` builds and calls it)
# DEVICE is cuda, or executor: the same script without a GPU, which proves the script. Leaves OUT_FOLDER/<step>.log and
# OUT_FOLDER/gpu_check.json, the verdict; exits 1 if a step failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
if (($# != 3)); then echo "usage: tests/gpu_check.sh BUILD_FOLDER DEVICE OUT_FOLDER" >&2; exit 2; fi
build=$(readlink -f "$1") device=$2
mkdir -p "$3" && out=$(readlink -f "$3") || exit 2
golden=tests/golden/executor_hashes.json
skipped=77  # the exit code of a step that cannot be done here; the last line of its log says why
results=() failed=0

# step NAME SECONDS COMMAND...: runs it, a program or a function of this script, at most so long, with its output in OUT_FOLDER/NAME.log.
step() {
  local name=$1 start=$SECONDS code=0 result
  timeout --kill-after=5 "$2" bash -c '"$@"' "$name" "${@:3}" >"$out/$name.log" 2>&1 </dev/null || code=$?
  case $code in
    0) result=passed ;;
    "$skipped") result=skipped ;;
    124 | 137) result="stopped after $2 s" ;;
    *) result="failed with exit code $code" ;;
  esac
  if ((code != 0 && code != skipped)); then failed=1; fi
  printf '%-22s %-28s %5d s   %s\n' "$name" "$result" $((SECONDS - start)) "$(tail -n 1 "$out/$name.log" | cut -c1-100)"
  results+=("$(printf '  {"step": "%s", "result": "%s", "seconds": %d, "log": "%s.log"}' "$name" "$result" $((SECONDS - start)) "$name")")
}

machine() {
  if [[ $device == cuda ]]; then
    nvidia-smi || return 1
    nvidia-smi --format=csv --query-gpu=name,driver_version,compute_cap,memory.total,clocks.sm,clocks.max.sm,clocks.mem,power.limit,temperature.gpu,ecc.mode.current
  fi
  sed -n 's/^model name.*: //p' /proc/cpuinfo | uniq -c
}

# Every test that exists for this device.
tests() {
  local program failures=0 ran=0 report
  for program in "$build"/tests/*_test; do
    report=$("$program" --gtest_brief=1 --gtest_filter="Each/*/$device" 2>&1) || failures=$((failures + 1))
    printf '%s: %s\n' "${program##*/}" "$report"
    ran=$((ran + $(sed -n 's/^\[==========\] \([0-9]*\) tests\? from .* ran.*/\1/p' <<<"$report")))
  done
  echo "$ran tests ran, $failures programs failed"
  ((ran > 0 && failures == 0))
}

# One tool over every kernel, each tensor in an allocation of its own.
sanitizer() {  # TOOL
  if [[ $device != cuda ]]; then echo "only for CUDA"; return "$skipped"; fi
  if ! command -v compute-sanitizer; then echo "compute-sanitizer is not installed"; return "$skipped"; fi
  ELBOW_NO_MEMORY_REUSE=1 compute-sanitizer --tool "$1" --error-exitcode 9 \
    "$build/tests/dump_kernel_hashes" --device cuda --against "$golden"
}

# A short sweep: killed and resumed it gives the bytes of one that was not, and those of the CPU.
sweep() {
  local folder arguments=(--quick --threads 2 --seeds 2)
  if [[ $device == executor ]]; then
    arguments+=(--gamma2 1e4 --epochs 1 --batch 1024 --hidden 5 --layers 2)
  else
    arguments+=(--gamma2 1e2,1e4 --epochs 10)
  fi
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  train() {  # DEVICE NAME OPTION...: 6 is for claims that do not hold after so few epochs, 3 for a missing gnuplot
    local code=0
    "$build/bin/self_consistency" "${arguments[@]}" --device "$1" --out "$folder/$2" "${@:3}" || code=$?
    case $code in 0 | 3 | 6) ;; *) return $code ;; esac
  }
  train cpu cpu && train "$device" whole || return 1
  train "$device" killed &
  local pid=$! waited=0
  until [[ -s $folder/killed/history.csv ]] || ((++waited > 1200)); do sleep 0.05; done
  pkill -KILL -P $pid
  wait $pid
  train "$device" killed --resume || return 1
  local table other
  for table in runs.csv history.csv; do
    for other in cpu killed; do
      cmp "$folder/whole/$table" "$folder/$other/$table" || return 1
    done
  done
  echo "$(wc -l <"$folder/whole/history.csv") lines of history.csv: the same bytes killed and resumed, and on the CPU"
}

kernel_times() {
  if [[ ! -x $build/bin/bench_kernels ]]; then echo "the benchmarks were not built: libbenchmark-dev"; return "$skipped"; fi
  local size=() pairs=()
  if [[ $device == executor ]]; then size=(--large 4000) pairs=(--pairs 1); fi
  "$build/bin/bench_kernels" --device "$device" "${pairs[@]}" "${size[@]}" --json "$out" &&
    "$build/bin/bench_step" --device "$device" "${pairs[@]}" --json "$out"
}
export -f machine tests sanitizer sweep kernel_times
export build device out golden skipped

start=$SECONDS
repeats=100
if [[ $device == executor ]]; then repeats=1; fi
step machine 30 machine
step tests 240 tests
step hashes 60 "$build/tests/dump_kernel_hashes" --device "$device" --against "$golden"
step determinism 120 "$build/tests/dump_kernel_hashes" --device "$device" --repeats $repeats --threads 2
for tool in memcheck racecheck initcheck synccheck; do step "$tool" 90 sanitizer "$tool"; done
step sweep 180 sweep
step kernel_times 180 kernel_times

verdict=passed name="the executor"
if ((failed)); then verdict=failed; fi
if [[ $device == cuda ]]; then name=$(nvidia-smi --query-gpu=name --format=csv,noheader | head -n 1); fi
{
  printf '{\n "verdict": "%s",\n "device": "%s",\n "name": "%s",\n "revision": "%s",\n "date": "%s",\n "seconds": %d,\n "steps": [\n' \
    "$verdict" "$device" "$name" \
    "$("$build/bin/self_consistency" --version 2>/dev/null | sed -n '1s/.*(\([^)]*\)).*/\1/p')" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" $((SECONDS - start))
  printf '%s,\n' "${results[@]}" | sed '$ s/,$//'
  printf ' ]\n}\n'
} >"$out/gpu_check.json"
echo "$verdict; logs and gpu_check.json are in $out"
exit $failed
