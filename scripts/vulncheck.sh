#!/usr/bin/env bash
# Looks for known vulnerabilities that the code of the modules named can reach.
# A finding fails. Where the database cannot be reached nothing is checked,
# which is said loudly, and fails with VULNCHECK=required.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

problems=$(mktemp)
trap 'rm -f "$problems"' EXIT
for module in "$@"; do
  echo "== govulncheck: $module"
  code=0
  go tool -C "$module" -modfile="$root/tools/vulncheck/go.mod" govulncheck ${VULNDB:+-db "$VULNDB"} ./... 2>"$problems" || code=$?
  cat "$problems" >&2
  if ((code == 0)); then continue; fi
  if ! grep -q '^govulncheck: fetching vulnerabilities: ' "$problems"; then exit "$code"; fi
  echo "!!! NOT CHECKED for known vulnerabilities: the database cannot be reached from here." >&2
  echo "!!! Run 'make vulncheck' where it can." >&2
  if [[ ${VULNCHECK:-} == required ]]; then exit 1; fi
  exit 0
done
