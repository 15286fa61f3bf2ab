#!/usr/bin/env bash
# Runs k6/smoke.js against BASE_URL. Without one it starts the stack of `dev/`
# on a free port and a temporary folder, and ends it afterwards.
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ -z ${BASE_URL:-} ]]; then
  work=$(mktemp -d)
  go build -C dev -o "$work/dev" .

  "$work/dev" --listen 127.0.0.1:0 --data "$work/data" >"$work/log" 2>&1 &
  pid=$!
  trap 'kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT

  # It says where it listens once it is ready.
  for _ in {1..100}; do
    BASE_URL=$(grep -Eom1 'http://127\.0\.0\.1:[0-9]+' "$work/log" || true)
    if [[ -n $BASE_URL ]] || ! kill -0 "$pid" 2>/dev/null; then break; fi
    sleep 0.1
  done
  if [[ -z $BASE_URL ]]; then
    echo "the stack of dev/ did not start:" >&2
    cat "$work/log" >&2
    exit 1
  fi
fi

# No report about its use to its makers.
export BASE_URL K6_NO_USAGE_REPORT=true
go tool -modfile=tools/k6/go.mod k6 run --quiet k6/smoke.js
