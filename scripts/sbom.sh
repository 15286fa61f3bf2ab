#!/usr/bin/env bash
# Writes what chunkgate is linked from to FILE: a software bill of materials in
# CycloneDX's JSON, with licences, the same for the same sources but for its time.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p "$(dirname "$1")"
CGO_ENABLED=0 go tool -modfile=tools/sbom/go.mod cyclonedx-gomod app \
  -json -licenses -std -noserial -output "$1" -main cmd/chunkgate .
