#!/usr/bin/env bash
# Turns a condition, an operator or an assignment in one place of a package, runs
# the package's tests, and does so for every such place. A mutant that no test
# notices survives: it is printed, and more survivors than PERCENT fail the run.
#
#   scripts/mutants.sh PACKAGE PERCENT [FILES]
#
# FILES is a regular expression of file names, for a look at a few of them. The
# package upload is tested by the model's walks as well as by its own tests, but
# not by the races over real stores. What is NOT COVERED is mostly so on paper:
# Go counts no coverage for the condition of a case, nor for constants, so gremlins
# leaves them alone. Turn those by hand. s3backend leaves out what takes as long as
# all its other tests: the contract on more stores than one, and times that are
# waited for. splicer.go, which goes soon with all that splices, is left out.
set -euo pipefail
cd "$(dirname "$0")/.."
package=$1 survivors=$2 files=${3:-}

temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
go build -modfile=tools/gremlins/go.mod -o "$temp/gremlins" github.com/go-gremlins/gremlins/cmd/gremlins

# Gremlins changes a copy, and copies all that it finds around it.
git ls-files -z | tar --null -T - -cf - | tar -xf - -C "$(mkdir -p "$temp/module" && echo "$temp/module")"
cd "$temp/module"
integration=()
if [[ $package == upload ]]; then
  integration=(--integration --coverpkg ./upload)
  find . -mindepth 1 -maxdepth 1 ! -name go.mod ! -name go.sum ! -name upload ! -name uploadtest ! -name modeltest -exec rm -rf {} +
  rm modeltest/stack_test.go modeltest/races_test.go # they need the real stores
  go vet ./...
fi

export GOFLAGS='-vet=off -ldflags=-s'
if [[ $package == s3backend ]]; then
  GOFLAGS+=' -skip=^Test(ConformanceByRelay|ConformanceOfStores|SlowStore|Ping)$'
fi

exclude=()
for file in "$package"/*.go; do
  name=$(basename "$file")
  [[ $name != splicer.go && ($name == *_test.go || $name =~ $files) ]] || exclude+=(--exclude-files "^$name\$")
done

"$temp/gremlins" unleash "${integration[@]}" \
  --invert-logical --invert-assignments --invert-loopctrl --remove-self-assignments \
  "${exclude[@]}" \
  --timeout-coefficient 10 --output-statuses lct --threshold-efficacy $((100 - survivors)) --output "$temp/mutants.json" \
  "./$package"
