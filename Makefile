# What one does here. `make` alone explains.

CONFIGURATION ?= release
BIN = .build/$(CONFIGURATION)

.DEFAULT_GOAL := help
.PHONY: help bootstrap build up reset test lint format bench-parts bench-http docs-check clean

help: ## this text
	@echo "Holdfast: resilient order processing. Targets:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'
	@echo "Options of up and reset go into ARGS, such as: make up ARGS=\"--replicas order-service=2\""

bootstrap: ## install the missing system packages (Debian)
	@scripts/bootstrap

build: bootstrap ## build the programs (CONFIGURATION=release or debug)
	@scripts/build $(CONFIGURATION)

up: build ## run the whole suite on this machine until Ctrl-C
	@exec $(BIN)/holdfast up $(ARGS)

reset: ## forget the data of earlier runs of up
	@if [ -x $(BIN)/holdfast ]; then exec $(BIN)/holdfast reset $(ARGS); else echo "nothing was built yet"; fi

test: ## build and run all tests, from unit to end to end
	@scripts/bootstrap --tests
	swift build --build-tests
	@scripts/test $(ONLY)

lint: ## check the format of all Swift files
	swift format lint --strict --parallel --recursive Package.swift Sources Tests Benchmarks

format: ## format all Swift files
	swift format --in-place --parallel --recursive Package.swift Sources Tests Benchmarks

bench-parts: bootstrap ## measure the parts: JSON, HTTP, resilience
	swift build -c release --product bench-parts
	@.build/release/bench-parts $(ARGS)

bench-http: bootstrap ## measure the HTTP server alone (needs wrk)
	@scripts/bench-http

docs-check: ## check what the documents say against the code
	swift build --build-tests
	@scripts/test House

clean: ## remove what was built; data of up stays
	rm -rf .build
