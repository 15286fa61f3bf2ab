#!/usr/bin/env bash
# Runs every fuzz target of the main module, each for the time given. Go fuzzes
# one target at a time.
set -euo pipefail
cd "$(dirname "$0")/.."

for package in $(go list ./...); do
  for target in $(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true); do
    echo "== $package $target"
    go test "$package" -run '^$' -fuzz "^$target\$" -fuzztime "$1"
  done
done
