#!/usr/bin/env bash
# Gets what the tests need beyond Go and says what it does: Redis, nginx and the
# real clients' languages and libraries from Debian, dropbox-js from npm, and
# MinIO, versitygw, k6, toxiproxy, Helm and kubeconform, built once into Go's cache.
# With the argument "long" it also builds SeaweedFS, for make long.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '== %s\n' "$*" >&2; }

# need PACKAGE COMMAND...: without success of the command the package is missing.
missing=()
need() {
  local package=$1
  shift
  "$@" >/dev/null 2>&1 || missing+=("$package")
}

need redis-server command -v redis-server
need nginx-light test -x /usr/sbin/nginx
need curl command -v curl
need nodejs command -v node
need npm command -v npm
need libfile-dropbox-perl perl -MFile::Dropbox -e 1
need golang-github-stacktic-dropbox-dev test -d /usr/share/gocode/src/github.com/stacktic/dropbox

if ((${#missing[@]} > 0)); then
  root=()
  ((EUID == 0)) || root=(sudo -n)
  if ! command -v apt-get >/dev/null || ! "${root[@]}" true 2>/dev/null; then
    say "The tests need these Debian packages, and I may not install them: ${missing[*]}"
    say "Please run: sudo apt-get update && sudo apt-get install ${missing[*]}"
    exit 1
  fi
  say "Installing Debian packages: ${missing[*]}"
  # Not interactive, and no Redis or nginx as a service of the machine: the tests
  # start their own.
  install=(env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y --no-install-recommends "${missing[@]}")
  "${root[@]}" "${install[@]}" || { "${root[@]}" apt-get update && "${root[@]}" "${install[@]}"; }
fi

js=clienttest/js
if ! cmp -s $js/package-lock.json $js/node_modules/.installed-lock.json; then
  say "Installing dropbox-js into $js/node_modules"
  npm --prefix $js ci
  cp $js/package-lock.json $js/node_modules/.installed-lock.json
fi

say "Building MinIO, versitygw, k6 and toxiproxy (some minutes the first time, then from Go's cache)"
go tool -modfile=tools/minio/go.mod minio --version
go tool -modfile=tools/versitygw/go.mod versitygw --version
go tool -modfile=tools/k6/go.mod k6 version
go tool -modfile=tools/toxiproxy/go.mod server -version

say "Building Helm and kubeconform (some minutes the first time, then from Go's cache)"
go tool -modfile=tools/helm/go.mod helm version --short
go tool -modfile=tools/kubeconform/go.mod kubeconform -v

if [[ ${1:-} == long ]]; then
  say "Building SeaweedFS (ten minutes of two cores the first time, then from Go's cache)"
  go tool -modfile=tools/seaweedfs/go.mod weed version
fi
