#!/usr/bin/env bash
# Runs k6/$SCENARIO.js, smoke if none is named, against BASE_URL. Without one it
# starts the stack of `dev/` on a free port and a temporary folder; without
# LOAD_LINK, toxiproxy for the scenarios that need it. What it started it ends.
set -euo pipefail
cd "$(dirname "$0")/.."

SCENARIO=${SCENARIO:-smoke}
if [[ ! -f k6/$SCENARIO.js ]]; then
  echo "no k6/$SCENARIO.js; scenarios are:" k6/*.js >&2
  exit 2
fi

work=$(mktemp -d)
pids=()
end() {
  for pid in "${pids[@]}"; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap end EXIT

# await PID LOG PATTERN prints what matches in the log once it is there.
await() {
  local found
  for _ in {1..100}; do
    found=$(grep -Eom1 "$3" "$2" || true)
    if [[ -n $found ]] || ! kill -0 "$1" 2>/dev/null; then break; fi
    sleep 0.1
  done
  if [[ -z $found ]]; then
    cat "$2" >&2
    return 1
  fi
  printf '%s\n' "$found"
}

if [[ -z ${BASE_URL:-} ]]; then
  go build -C dev -o "$work/dev" .
  "$work/dev" --listen 127.0.0.1:0 --data "$work/data" >"$work/log" 2>&1 &
  pids+=($!)
  # It says where it listens once it is ready.
  BASE_URL=$(await "${pids[-1]}" "$work/log" 'http://127\.0\.0\.1:[0-9]+') || {
    echo "the stack of dev/ did not start" >&2
    exit 1
  }
fi

if [[ -z ${LOAD_LINK:-} && $SCENARIO =~ ^(resume|slow)$ ]]; then
  port=$((20000 + RANDOM % 10000)) # it cannot look for a free one itself
  LOAD_LINK=http://127.0.0.1:$port
  LOG_LEVEL=info "$(go tool -n -modfile=tools/toxiproxy/go.mod server)" -host 127.0.0.1 -port "$port" >"$work/links" 2>&1 &
  pids+=($!)
  await "${pids[-1]}" "$work/links" 'Starting Toxiproxy HTTP server' >/dev/null
  until (: >"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do sleep 0.1; done
  if grep 'address already in use' "$work/links" >&2; then # it does not end then
    echo "try again" >&2
    exit 1
  fi
fi

# No report about its use to its makers.
export BASE_URL LOAD_LINK=${LOAD_LINK:-} K6_NO_USAGE_REPORT=true
go tool -modfile=tools/k6/go.mod k6 run --quiet "k6/$SCENARIO.js"
