#!/usr/bin/env bash
# The front door, on a copy of it with one small program; CMake, apt and who is asking are stand-ins on the PATH.
# Argument: the build folder (not used, nothing is built here).
set -euo pipefail

here=$(pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
tree=$scratch/tree
tools=$scratch/tools
mkdir -p "$tree/experiments/programs" "$tree/bench" "$tools" "$scratch/elsewhere"
cp "$here/run" "$here/packages.txt" "$tree"
touch -d yesterday "$tree/CMakePresets.json"
echo '// Says what it was given.' >"$tree/experiments/programs/moebius.cpp"
echo '// Says what it measured.' >"$tree/bench/bench_kernels.cpp"

tool() { cat >"$tools/$1"; chmod +x "$tools/$1"; }  # a stand-in of this name, its script on standard input

# Configuring leaves build.ninja, building leaves a program that prints where it is, its options and exits 6.
tool cmake <<'SCRIPT'
#!/bin/bash
echo "cmake $*"
if [[ $1 == -S ]]; then mkdir -p "$2/build/$4" && touch "$2/build/$4/build.ninja"; exit; fi
if [[ -e ${0%/*}/broken ]]; then echo "error: expected ';'"; exit 1; fi
for folder in bin tests; do
  mkdir -p "$2/$folder"
  printf '#!/bin/bash\nprintf "%%s\\n" "$0 in $PWD" "$@"\nexit 6\n' >"$2/$folder/$4"
  chmod +x "$2/$folder/$4"
done
SCRIPT
tool dpkg-query <<'SCRIPT'
#!/bin/bash
shift 3
for package; do
  if [[ ! -e ${0%/*}/bare || -e ${0%/*}/installed ]]; then echo "ii  $package"; fi
done
SCRIPT
tool id <<'SCRIPT'
#!/bin/bash
echo 1000
SCRIPT
tool sudo <<'SCRIPT'
#!/bin/bash
if [[ ! -e ${0%/*}/trusted ]]; then echo "sudo: a password is required" >&2; exit 1; fi
if [[ $1 == -n ]]; then shift; fi
exec "$@"
SCRIPT
tool apt-get <<'SCRIPT'
#!/bin/bash
echo "$*" >>"${0%/*}/apt"
if [[ $1 == install ]]; then touch "${0%/*}/installed"; fi
SCRIPT

# door WHAT...: runs the copy from another folder; leaves $code, $scratch/out and $scratch/err.
door() {
  code=0
  (cd "$scratch/elsewhere" && PATH=$tools:/usr/bin:/bin "$tree/run" "$@" >"$scratch/out" 2>"$scratch/err") || code=$?
}
failures=0
expect() {  # WHAT-IS-CLAIMED COMMAND...
  if ! "${@:2}"; then
    echo "FAILED: $1 (exit code $code)"
    sed 's/^/  stdout: /' "$scratch/out"
    sed 's/^/  stderr: /' "$scratch/err"
    failures=$((failures + 1))
  fi
}
exits() { [[ $code == "$1" ]]; }
out() { grep -qF -- "$1" "$scratch/out"; }
err() { grep -qF -- "$1" "$scratch/err"; }
no() { ! "$@"; }

# The real tree's menu.
code=0
"$here/run" >"$scratch/out" 2>"$scratch/err" || code=$?
expect "the menu exits 0" exits 0
for source in "$here"/experiments/programs/*.cpp; do
  if [[ ! -e $source ]]; then continue; fi
  name=$(basename "$source" .cpp)
  expect "the menu lists $name" out "  $name "
  expect "the first line of $name.cpp says what it answers" grep -q '^// *[^ ]' <(head -n 1 "$source")
done
# The same list stands in the README, for those who install by hand.
readme=$(sed -e ':a' -e '/\\$/{N;s/\\\n//;ba' -e '}' "$here/README.md" | grep '^apt-get install ')
while read -r package; do
  expect "README.md's apt-get line names $package" grep -qE " ${package//+/\\+}( |\$)" <<<"$readme"
done < <(awk '$1 == "build" || $1 == "test" { print $2 }' "$here/packages.txt")

door
expect "a program is listed with its first line" out "Says what it was given."

door moebuis --quick
expect "an unknown name exits 2" exits 2
expect "an unknown name gets a suggestion" err "there is no 'moebuis'; did you mean moebius?"
door bench kernel
expect "an unknown benchmark exits 2" exits 2
expect "an unknown benchmark gets a suggestion" err "did you mean bench_kernels?"

door moebius --config 'my file.toml' --quick
expect "the program's exit code comes through" exits 6
for option in --config 'my file.toml' --quick; do
  expect "the option $option comes through" grep -qx -- "$option" "$scratch/out"
done
expect "the program runs in the caller's folder" out "/bin/moebius in $scratch/elsewhere"
expect "building is silent on stdout" no out "cmake"
expect "building is one line on stderr" err "build moebius in build/"
expect "CMake's output stays in the log" no err "cmake --build"
door moebius
expect "a second time it does not configure again" no err "configure"

door mutate kernels/sum.cu
expect "mutate builds the tests of three presets" err "build executor_kernels_test in build/tsan"
expect "mutate passes its files on" out "kernels/sum.cu"
expect "mutate's exit code comes through" exits 6

touch "$tools/broken"
door moebius
expect "a failed build exits 1" exits 1
expect "a failed build shows the compiler's words" err "error: expected ';'"
rm "$tools/broken"

line="apt-get install --yes --no-install-recommends"
touch "$tools/bare"
door moebius
expect "without root and packages it exits 2" exits 2
expect "without root it names the line" err "sudo $line"
while read -r package; do
  expect "without root it names $package" grep -qE "sudo $line.* ${package//+/\\+}( |\$)" "$scratch/err"
done < <(awk '$1 == "build" { print $2 }' "$here/packages.txt")
expect "what only the tests need is not asked for" no err "libgtest-dev"
expect "without root nothing is installed" test ! -e "$tools/apt"

touch "$tools/trusted"
door moebius
expect "with sudo the packages are named first" err "Missing packages: "
expect "with sudo they are installed" grep -q "^install --yes .*libfmt-dev" "$tools/apt"
expect "after installing, the program runs" exits 6
rm "$tools/apt"
door moebius
expect "nothing is installed twice" test ! -e "$tools/apt"

if ((failures)); then
  echo "$failures checks failed"
  exit 1
fi
