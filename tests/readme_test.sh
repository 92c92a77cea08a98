#!/usr/bin/env bash
# README.md and what is in docs/ against the project: commands work, paths exist, lists agree, quoted code is the code.
#   tests/readme_test.sh BUILD_FOLDER
# Checked are blocks marked ```sh, ```toml, ```cpp and ```diff, but not those behind a line `<!-- not run: why -->`.
# A command that no check is known for fails.
set -euo pipefail
build=$(realpath "$1")
root=$(pwd)
documents=(README.md docs/*.md docs/results/*/*.md)

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/blocks" "$scratch/runs/first"
ln -s first "$scratch/runs/latest"

failures=0
fail() {
  printf 'FAILED: %s\n' "$1"
  failures=$((failures + 1))
}

# blocks FILE: leaves each fenced block as $scratch/blocks/<file>:<line>.<language>
blocks() {
  awk -v place="$scratch/blocks/${1//\//.}" '
    /^```/ && inside { inside = 0; before = ""; close(name); next }
    /^```/ { inside = 1; wanted = before !~ /^<!-- not run: .+ -->$/; name = place ":" NR "." substr($0, 4); next }
    inside && wanted { print > name }
    !inside && NF { before = $0 }' "$1"
}

# commands BLOCK: one per line, without comments and line breaks
commands() { sed -e ':join' -e '/\\$/ { N; s/ *\\\n */ /; b join' -e '}' -e 's/ *#.*//' -e '/^ *$/d' "$1"; }

# run_program NAME OPTION...: must accept its options
run_program() {
  if [[ ! -e experiments/programs/$1.cpp ]]; then echo "there is no program $1"; return 1; fi
  if [[ ! -x $build/bin/$1 ]]; then echo "$build/bin/$1 is not built"; return 1; fi
  local -a options=("${@:2}")
  if [[ " ${options[*]} " != *" --dry-run "* ]]; then options+=(--dry-run); fi
  (cd "$scratch" && timeout 60 "$build/bin/$1" "${options[@]}" 2>&1 </dev/null)
}

# front_door WHAT OPTION...: ./run without a program must print a menu that has these words
front_door() {
  local menu word
  menu=$(./run)
  for word; do
    if [[ $menu != *"$word"* && ! -e bench/bench_$word.cpp ]]; then echo "the menu does not know $word"; return 1; fi
  done
}

# preset KIND NAME
preset() {
  if ! cmake --list-presets="$1" | grep -qF "\"$2\""; then echo "CMakePresets.json has no $1 preset $2"; return 1; fi
}

# packages APT-OPTION-OR-PACKAGE...: those that building and testing need, neither more nor fewer
packages() {
  diff <(awk '$1 == "build" || $1 == "test" { print $2 }' packages.txt | sort) \
    <(printf '%s\n' "$@" | grep -v '^-' | sort)
}

check() {
  case $1 in
    ./run)
      if [[ -n ${2:-} && ! " test bench gpu-check format tidy mutate " == *" $2 "* ]]; then run_program "${@:2}"; else front_door "${@:2}"; fi
      ;;
    build/*/tests/*) test -e "tests/${1##*/}.cpp" || { echo "no tests/${1##*/}.cpp makes it" && return 1; } ;;
    python3) test -e "$2" || { echo "there is no $2" && return 1; } ;;
    build/*/bin/*) preset configure "$(cut -d / -f 2 <<<"$1")" && run_program "${1##*/}" "${@:2}" ;;
    *)
      case "$*" in
        "apt-get install "*) packages "${@:3}" ;;
        "cmake --workflow --preset "*) preset workflow "$4" ;;
        "cmake --build --preset "*) preset build "$4" ;;
        "cmake --preset "*) preset configure "$3" ;;
        "ctest --preset "*) preset test "$3" ;;
        *) echo "this test knows no check for it" && return 1 ;;
      esac
      ;;
  esac
}

for document in "${documents[@]}"; do blocks "$document"; done
shopt -s nullglob

# The example of a configuration is what --config my.toml reads, and what --resume finds.
for block in "$scratch"/blocks/*.toml; do cp "$block" "$scratch/my.toml"; done
if [[ -e $scratch/my.toml ]]; then cp "$scratch/my.toml" "$scratch/runs/first/config.toml"; fi

count=0
for block in "$scratch"/blocks/*.sh; do
  while IFS= read -r command; do
    read -ra words <<<"$command"
    if ! said=$(check "${words[@]}"); then fail "$(basename "$block" .sh): $command"$'\n'"$said"; fi
    count=$((count + 1))
  done < <(commands "$block")
done
if ((count < 10)); then fail "only $count commands found: the blocks were not understood"; fi

# Quoted code stands in the sources, word for word.
sources=$(cat kernels/* engine/* models/* experiments/*.{h,cpp} experiments/programs/*)
for block in "$scratch"/blocks/*.cpp; do
  if [[ $sources != *"$(<"$block")"* ]]; then fail "$(basename "$block" .cpp): no source holds this code"; fi
done

# The worked example still applies, and takes as many lines in as many files as its page says.
cat /dev/null "$scratch"/blocks/docs.adding_an_operation.md*.diff >"$scratch/example.diff"
awk -v place="$scratch/hunk" '
  /^--- / { next }
  /^\+\+\+ / { file = substr($2, 3); next }
  /^@@/ { count += 1; hunk = place count; print file > hunk; next }
  !/^\+/ { print substr($0, 2) > hunk }' "$scratch/example.diff"
for hunk in "$scratch"/hunk*; do  # its file, and the lines that have to be there
  file=$(head -n 1 "$hunk")
  before=$(tail -n +2 "$hunk")
  if [[ $(<"$file") != *"$before"* ]]; then
    fail "docs/adding_an_operation.md: $file no longer has these lines"$'\n'"$before"
  fi
done
cost="$(grep -cE '^\+([^+]|$)' "$scratch/example.diff") lines in $(grep -c '^+++ ' "$scratch/example.diff") files"
if ! grep -qF "$cost" docs/adding_an_operation.md; then fail "docs/adding_an_operation.md does not say it takes $cost"; fi

# Links, and paths in backquotes or below one of the project's folders. Not meant are paths of a run folder or a build.
paths=0
exists() {  # DOCUMENT PATH
  paths=$((paths + 1))
  if ! compgen -G "$2" >/dev/null; then fail "$1 names $2, which does not exist"; fi
}
for document in "${documents[@]}"; do
  while IFS= read -r target; do
    exists "$document" "$(realpath -m --relative-to="$root" "$(dirname "$document")/${target%%#*}")"
  done < <(awk '/^```/ { inside = !inside } !inside' "$document" | tr '\n' ' ' | grep -oE '\]\([^)# ]+' | cut -c 3- | grep -v '^http' || true)
  while IFS= read -r path; do
    exists "$document" "$path"
  done < <(
    {
      grep -oE '`[^` ]+`' "$document" | tr -d '`' | grep -E '^[A-Za-z0-9_.*/-]+$' |
        grep -E '/|[A-Za-z0-9_*]\.(h|cpp|cu|cuh|cmake|sh|py)$' | grep -vE '^(runs|build|figures|checkpoints)/'
      grep -oP '(?<![\w/.-])(kernels|engine|models|experiments|tests|bench|cmake|docs)/[\w./*-]+' "$document" |
        sed 's/[.]$//'
    } | sort -u || true)
done
if ((paths < 50)); then fail "only $paths paths found: the documents were not understood"; fi

for source in experiments/programs/*.cpp; do
  name=$(basename "$source" .cpp)
  if ! grep -qF "\`$name\`" README.md; then fail "README.md does not name the program $name"; fi
done

# docs/experiments.md has every option and every column.
for option in $("$build/bin/self_consistency" --help | grep -oP '^  (-h,)?\K--[\w-]+' | grep -vE '^--(help|version)$'); do
  if ! grep -qE "^\| \`$option[\` ]" docs/experiments.md; then fail "docs/experiments.md has no row for $option"; fi
done
for column in $(grep -oP '^ +\{"\K\w+' experiments/measurements.cpp) \
  $(grep -oP 'per_latent\("\K\w+' experiments/measurements.cpp | sed 's/$/_k/') \
  $(grep -oP '(\{\{|properties\.emplace_back\()"\K\w+' experiments/moebius_map.cpp); do
  if ! grep -qE "^\| \`$column\`" docs/experiments.md; then fail "docs/experiments.md has no row for the column $column"; fi
done

if ((failures)); then exit 1; fi
echo "$count commands, $paths paths"
