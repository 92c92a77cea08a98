#!/usr/bin/env bash
# docs/profiling.md against the sources: every kernel and every kernel file is there and none that does not exist, ranges
# are those that the code begins, and the programs take the options they are quoted with.
#   tests/profiling_docs_test.sh BUILD_FOLDER
set -euo pipefail
build=$(realpath "$1")
page=docs/profiling.md

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

failures=0
fail() {
  printf 'FAILED: %s\n' "$1"
  failures=$((failures + 1))
}

# kernels FILE: the names of its __global__ functions; a name may stand on the line after
kernels() { tr '\n' ' ' <"$1" | grep -oP '__global__\s+void\s+(__launch_bounds__\(([^()]|\(\))*\)\s*)?\K\w+' || true; }

for file in kernels/*.cu; do
  if ! grep -qF "\`$file\`" "$page"; then fail "$page does not name $file"; fi
  read -ra names <<<"$(kernels "$file" | tr '\n' ' ')"
  written=$({ grep -o '\b__global__\b' "$file" || true; } | wc -l)
  if ((written != ${#names[@]})); then fail "$file: found ${#names[@]} names for $written times __global__"; fi
  for kernel in "${names[@]}"; do printf '%s %s\n' "$kernel" "$file"; done >>"$scratch/kernels"
done
if (($(wc -l <"$scratch/kernels") < 10)); then fail "too few kernels found: the sources were not understood"; fi

# same WHAT SOURCES PAGE: two lists that must hold the same
same() {
  local difference
  if ! difference=$(diff <(sort "$2") <(sort "$3")); then
    fail "$1 (< the sources, > $page)"$'\n'"$difference"
  fi
}
cut -d ' ' -f 1 "$scratch/kernels" >"$scratch/names"
same "the table of lines" "$scratch/kernels" \
  <(sed -nE 's/^\| `(\w+)` \| `(kernels\/[^`]*)` \| `ncu .*/\1 \2/p' "$page")
same "the kernels that lines choose" "$scratch/names" <(grep '^| .*| `ncu ' "$page" | grep -oP 'regex:\^\K\w+(?=\$ )')
same "the table of what to look at" "$scratch/names" \
  <(sed -n '/^### What to look at/,$p' "$page" | sed -nE 's/^\| `(\w+)` \|.*/\1/p')

# A line chooses the kernel whose row it stands in, and names its report after it.
while IFS= read -r row; do
  kernel=$(sed -E 's/^\| `(\w+)`.*/\1/' <<<"$row")
  if [[ $row != *"regex:^$kernel\$ --export $kernel "* ]]; then fail "the row of $kernel has another kernel's line"; fi
done < <(grep '^| .*| `ncu ' "$page")

# Ranges are begun by the sweep (an experiment's name), the training, and each launch.
for range in $(grep -oP -- '--nvtx-(in|ex)clude "\K[^"]+' "$page" | tr '/' '\n' | sort -u); do
  if ! grep -qF "range(train_.device(), \"$range\")" models/training.cpp && ! grep -qF "launch(\"$range\"," kernels/*.cu; then
    fail "no code begins the range $range"
  fi
done

# The programs take these options, up to the GPU: --profile is the last to be refused.
commands=0
while IFS= read -r line; do
  read -ra words <<<"${line//--device cuda/--device cpu}"
  program=$build/bin/${words[0]##*/}
  if [[ $program == */bench_* && ! -x $program ]]; then continue; fi  # sanitized builds have no benchmarks
  if [[ ! -x $program ]]; then fail "$program is not built"; continue; fi
  commands=$((commands + 1))
  code=0
  only=--dry-run
  if [[ $program == */bench_* ]]; then only=--help; fi
  said=$(cd "$scratch" && timeout 60 "$program" "${words[@]:1}" "$only" 2>&1 </dev/null) || code=$?
  if [[ " ${words[*]} " == *" --profile "* ]]; then
    if ((code != 2)) || [[ $said != *"[--profile] device cpu "* ]]; then fail "$line"$'\n'"$said"; fi
  elif ((code)); then
    fail "$line"$'\n'"$said"
  fi
done < <(sed -e ':join' -e '/\\$/ { N; s/ *\\\n */ /; b join' -e '}' "$page" | grep -oP 'build/cuda/bin/[^"`]*')
if ((commands < 4)); then fail "only $commands commands found: the page was not understood"; fi

if ((failures)); then exit 1; fi
echo "$(wc -l <"$scratch/names") kernels, $commands commands"
