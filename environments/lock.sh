#!/bin/sh
# Compiles every group's hash-locked requirements from its .in file; all agree with the largest group but
# infrastructure, whose Pulumi contradicts MLflow (protobuf, OpenTelemetry).
set -eu
cd "$(dirname "$0")"
compile() {
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
    --custom-compile-command "make lock" "$1/requirements.in" -o "$1/requirements.txt" ${2:+-c "$2"}
}
compile development
compile infrastructure
for group in local azure training serving; do
  compile "$group" development/requirements.txt
done
# The driver of batch deployments has an interpreter of its own, and agrees with nobody.
compile batch
