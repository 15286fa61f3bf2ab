# Everything runs from a fresh clone with Go alone; what else is needed is got,
# or asked for, by scripts/test-deps.sh.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# Modules whose packages are ours to test and lint; tools/* hold only versions.
MODULES := . dev deploy bench

FUZZTIME ?= 30s
SOAK ?= 20m

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/chunkgate
	CGO_ENABLED=0 go build -trimpath -o bin/chunkgate ./cmd/chunkgate

.PHONY: dev
dev: ## Run the whole stack in one process, without Redis, MinIO or a token
	go run -C dev .

.PHONY: test
test: test-deps ## Run all tests against the real MinIO, Redis and clients; gets what is missing
	for module in $(MODULES); do go test -C "$$module" -race -timeout 30m ./...; done

.PHONY: test-deps
test-deps: ## Get what the tests need beyond Go, and say what it does
	scripts/test-deps.sh

.PHONY: deploy-check
deploy-check: test-deps ## Check images, chart, proxies' settings, policies and the operator's documents
	go test -C deploy -timeout 10m ./...

.PHONY: load
load: ## Run k6/SCENARIO.js (smoke) against BASE_URL (with TOKEN), or else against `make dev`'s stack
	scripts/load.sh

.PHONY: lint
lint: ## Check format, go vet and the linters of .golangci.yml in every module
	scripts/lint.sh $(MODULES)

.PHONY: vulncheck
vulncheck: ## Look for known vulnerabilities that the code can reach (needs its database)
	scripts/vulncheck.sh $(MODULES)

.PHONY: sbom
sbom: ## Write what chunkgate is linked from to bin/chunkgate.cdx.json (CycloneDX)
	scripts/sbom.sh bin/chunkgate.cdx.json

.PHONY: licences
licences: sbom ## List the licences of what is linked; fail on one that may not be
	go run ./internal/licences <bin/chunkgate.cdx.json

.PHONY: rules
rules: ## Check alerts, their test cases and the dashboard's queries with promtool
	scripts/rules.sh

.PHONY: matrix
matrix: test-deps ## Try every fault and every lie at every call of a client (make test: one in 64)
	MATRIX=full go test -count=1 -v -timeout 120m -run TestMatrix ./faulttest

.PHONY: soak
soak: ## Walk at random against the model of an upload for SOAK (20m)
	SOAK=$(SOAK) go test -count=1 -v -timeout 0 -run TestModel ./modeltest

.PHONY: long
long: test-deps ## What takes longer than make test: all of the matrix and of the stores, many walks, a soak
	scripts/test-deps.sh long
	STORES=all go test -count=1 -race -timeout 30m ./storetest ./s3backend
	UPLOADS=1000 go test -count=1 -timeout 30m -run TestIdleUploads ./redistest
	$(MAKE) matrix soak

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME (30s)
	scripts/fuzz.sh $(FUZZTIME)

.PHONY: mutants
mutants: test-deps ## Change upload, session and s3backend in one place at a time and see whether a test notices (hours)
	scripts/mutants.sh upload 5
	scripts/mutants.sh session 10
	scripts/mutants.sh s3backend 10

.PHONY: bench
bench: test-deps build ## Measure beside nginx and direct uploads (10 min) and renew docs/performance.md
	go run -C bench . -chunkgate "$(CURDIR)/bin/chunkgate" -page ../docs/performance.md

.PHONY: bench-quick
bench-quick: test-deps build ## The same for the goals only, in a few minutes; renews no page
	go run -C bench . -chunkgate "$(CURDIR)/bin/chunkgate" -quick

.PHONY: bench-page
bench-page: ## Renew docs/performance.md from the results of the last make bench
	go run -C bench . -render -page ../docs/performance.md

.PHONY: clean
clean: ## Remove what was built and downloaded into this folder
	rm -rf bin clienttest/js/node_modules dev/data
