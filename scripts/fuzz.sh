#!/usr/bin/env bash
# Runs every fuzz target of the main module, each for the time given. Go fuzzes
# one target at a time, on all cores.
set -euo pipefail
cd "$(dirname "$0")/.."

# Found in the sources: asking each package's tests would build all of them.
grep -roE --include='*_test.go' --exclude-dir={dev,deploy,tools} '^func Fuzz[A-Za-z0-9]+' . | sort |
  while IFS=: read -r file declaration; do
    package=$(dirname "$file") target=${declaration#func }
    echo "== $package $target"
    go test "$package" -run '^$' -fuzz "^$target\$" -fuzztime "$1" </dev/null
  done
