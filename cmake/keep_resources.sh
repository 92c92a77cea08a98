#!/bin/sh
# Runs nvcc and keeps what ptxas reports of each kernel's registers and spills in <object>.resources, where
# tests/cuda_resources_test.sh reads it; only what else nvcc says is shown.
object=
previous=
for argument in "$@"; do
  [ "$previous" = -o ] && object=$argument
  previous=$argument
done

messages=$("$@" 2>&1)
status=$?
ptxas='^ptxas info|bytes stack frame,|^$'
[ -n "$object" ] && printf '%s\n' "$messages" | grep -E "$ptxas" > "$object.resources"
printf '%s\n' "$messages" | grep -vE "$ptxas" >&2
exit $status
