#!/usr/bin/env bash
# ctest labels: cuda
# No program needs CUDA, or a library outside packages.txt's, to start: the CUDA back end is loaded on demand.
# Argument: the build folder.
set -euo pipefail
allowed='^(libfmt|libtomlplusplus|libhwy|libpng16|libz|libstdc\+\+|libgcc_s|libm|libc|libasan|libubsan|libtsan|libgomp|libbenchmark|ld-linux[^.]*)\.so'

programs=0
for program in "$1"/bin/*; do
  if [[ ! -x $program || ! -f $program ]]; then continue; fi
  programs=$((programs + 1))
  needed=$(readelf --dynamic "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
  if foreign=$(grep -vE "$allowed" <<<"$needed"); then
    echo "FAILED: $program cannot start without:" "${foreign//$'\n'/ }"
    exit 1
  fi
done
echo "$programs programs"
if ((programs == 0)); then
  echo "skipped: no program in $1/bin yet"
  exit 77
fi
