#!/usr/bin/env bash
# Fails if a CUDA kernel contains a floating-point instruction whose result the IEEE standard does not fix.
#   tests/ptx_test.sh BUILD_FOLDER
# ctest labels: cuda
# Compiles kernels/*.cu to PTX with the options of the build, for each of its architectures, and prints how often
# each floating-point instruction occurs.
#
# Why `.rn` and no more: the PTX manual lets the assembler contract `mul.f32` and `add.f32` to one fma, but not
# `mul.rn.f32` and `add.rn.f32`: an explicit rounding is always done. So if each has it, no optimisation on the way
# to machine code can change a bit, and `-fmad=false` has seen to the compiler before.
set -euo pipefail

# Everything that may be there: correctly rounded arithmetic, exact operations, moves.
allowed='^((add|sub|mul|fma|div|sqrt|rcp)\.rn|neg|abs|min|max|copysign|selp|mov|(ld|st)(\.[a-z0-9]+)*|setp\.[a-z]+|cvt(\.r[nzmp]i?)?(\.[a-z0-9]+)?)\.[a-z0-9]+$'

# The exceptions, "instruction kernels": CUDA's double-precision library starts its divisions, those in log, log1p
# and tanh, from an approximate reciprocal, and scales by a power of two, exact for the integers it gives it, in
# tanh. It is accurate to its documented 1 or 2 ulp and the same on every GPU; that it differs from the CPU's library
# is why double kernels are compared within a tolerance. Kernels for float are excepted only where they do an
# ill-conditioned or large matrix in double and round the result once.
exceptions='
rcp\.approx\.ftz\.f64 unary<double, unary_functions::(logarithm|power|softplus|smooth_leaky_relu|tanh|gelu|gelu_slope|log_gamma|digamma)>
rcp\.approx\.ftz\.f64 dual_mlp<double, activations::(tanh|softplus|smooth_leaky_relu|gelu)>
rcp\.approx\.ftz\.f64 random<double>
rcp\.approx\.ftz\.f64 slogdet_(thread<[1-6], double>|thread<[1-3], float>|lanes<(8|16), double>|warp<double>|refine|summarise<(float|double)>)
rcp\.approx\.ftz\.f64 c_ima<[23], (float|double)>
rcp\.approx\.ftz\.f64 elbo_latent<priors::(uniform|beta), double>
rcp\.approx\.ftz\.f64 elbo_latent_backward<priors::beta, double,
ex2\.approx\.ftz\.f32 dual_mlp<double, activations::(tanh|gelu)>
ex2\.approx\.ftz\.f32 unary<double, unary_functions::(tanh|gelu|gelu_slope)>'

commands=$1/compile_commands.json
if [[ ! -f $commands ]] || ! grep -q -- '--generate-code' "$commands"; then
  echo "skipped: $1 has no CUDA back end (see the configure summary)"
  exit 77
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# compile COMMAND ARCHITECTURE: the build's command, but to PTX; its name is the source's and the architecture's.
compile() {
  local -a words kept=()
  local source='' i
  eval "words=($1)"
  for ((i = 0; i < ${#words[@]}; ++i)); do
    case ${words[i]} in
      --generate-code=*) ;;
      -o) ((++i)) ;;
      -c) source=${words[++i]} ;;
      *) kept+=("${words[i]}") ;;
    esac
  done
  "${kept[@]}" -arch="$2" -ptx "$source" -o "$folder/$(basename "$source" .cu).$2.ptx" >"$folder/log.$BASHPID" 2>&1 ||
    { cat "$folder/log.$BASHPID"; return 1; }
}

mapfile -t cuda_commands < <(sed -n 's/^ *"command": "\(.* --generate-code.*elbow_cuda\.dir\/.*\.cu\.o.*\)",$/\1/p' "$commands" | sed 's/\\\(["\\]\)/\1/g')
mapfile -t architectures < <(printf '%s\n' "${cuda_commands[@]}" | grep -oE 'arch=compute_[0-9a-z]+' | sed 's/arch=//' | sort -u)
started=0
for command in "${cuda_commands[@]}"; do
  for architecture in "${architectures[@]}"; do
    if ((++started > $(nproc))); then wait -n; fi
    compile "$command" "$architecture" &
  done
done
wait
files=$(find "$folder" -name '*.ptx' | wc -l)
if ((files == 0 || files != started)); then
  echo "FAILED: $started compilations, but $files PTX files"
  exit 1
fi

# "instruction kernel" for each floating-point instruction.
instructions=$(awk '
  { sub(/\/\/.*/, "") }
  /\.(entry|func)[ \t]/ { for (i = 1; i <= NF; ++i) if ($i ~ /^[_a-zA-Z][_a-zA-Z0-9$]*\(?$/) kernel = $i; sub(/\($/, "", kernel) }
  /^[ \t]*\./ { next }
  {
    sub(/^[ \t{]+/, ""); sub(/^@!?%p[0-9]+[ \t]+/, "")
    if ($1 ~ /^[a-z][a-z0-9]*\./ && $1 ~ /(\.(b?f|tf|e)[0-9]+(x2)?(\.|$)|approx|ftz|^(mma|wmma|wgmma|tanh|sin|cos|ex2|lg2))/) print $1, kernel
  }' "$folder"/*.ptx | sed 's/;//' | c++filt | sed 's/elbow::kernels:://g; s/cuda:://g; s/ void / /; s/>(.*/>/')

printf '%s\n' "$instructions" | cut -d' ' -f1 | sort | uniq -c | sort -rn
total=$(printf '%s\n' "$instructions" | wc -l)
if ((total < 1000)); then
  echo "FAILED: only $total floating-point instructions found in $folder: the PTX is not what this script reads"
  exit 1
fi

guilty=$(printf '%s\n' "$instructions" | awk -v allowed="$allowed" '$1 !~ allowed' | sort | uniq -c)
while read -r instruction kernels; do
  if [[ -n $instruction ]]; then
    guilty=$(grep -vE "^ *[0-9]+ $instruction $kernels" <<<"$guilty" || true)
  fi
done <<<"$exceptions"
if [[ -n $guilty ]]; then
  echo "FAILED: not fixed by IEEE 754 (count, instruction, kernel):"
  printf '%s\n' "$guilty"
  exit 1
fi
echo "$total floating-point instructions in $files PTX files (${architectures[*]}), all with the result IEEE 754 fixes," \
  "but for those of CUDA's double-precision library that this script names"
