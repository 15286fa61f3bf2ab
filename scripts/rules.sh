#!/usr/bin/env bash
# Checks what Prometheus and Grafana are given: alerts.yml and its test cases,
# prometheus.yml, and that every query of the dashboard can be read.
set -euo pipefail
cd "$(dirname "$0")/.."

# Without service discovery for every cloud it builds in two thirds of the time.
promtool() { GOFLAGS=-tags=remove_all_sd,enable_dns_sd go tool -modfile=tools/promtool/go.mod promtool "$@"; }

promtool check rules --lint-fatal deploy/prometheus/alerts.yml
promtool test rules deploy/prometheus/alerts_test.yml
promtool check config --lint-fatal deploy/prometheus/prometheus.yml

queries=$(mktemp --suffix .yml)
trap 'rm -f "$queries"' EXIT
{
  printf 'groups:\n  - name: dashboard\n    rules:\n'
  # A string in JSON is one in YAML, too.
  grep -o '"expr": ".*"' deploy/grafana/dashboards/chunkgate.json |
    sed -e 's/"expr": /      - record: dashboard:query\n        expr: /' -e 's/\$instance/.*/g' -e 's/\$__rate_interval/5m/g'
} >"$queries"
promtool check rules --lint=none "$queries"
