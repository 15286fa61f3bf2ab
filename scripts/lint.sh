#!/usr/bin/env bash
# Checks format, go vet and the linters of .golangci.yml in the modules named,
# and that the scripts parse.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

unformatted=$(gofmt -l .)
if [[ -n $unformatted ]]; then
  printf 'gofmt would change:\n%s\n' "$unformatted" >&2
  exit 1
fi

for script in .ci/run scripts/*.sh; do
  bash -n "$script"
done

for module in "$@"; do
  echo "== vet and linters: $module"
  (
    cd "$module"
    go vet ./...
    go tool -modfile="$root/tools/lint/go.mod" golangci-lint run --config "$root/.golangci.yml" --timeout 20m ./...
  )
done
