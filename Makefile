# What one does here. `make` alone explains.

CONFIGURATION ?= release
BIN = .build/$(CONFIGURATION)

.DEFAULT_GOAL := help
.PHONY: help bootstrap build up reset test test-tsan lint format simulate bench bench-quick bench-parts bench-resilience \
	bench-http docs-check clean
.PHONY: drill drills images compose-up compose-down compose-test compose-drill deploy-check

help: ## this text
	@echo "Holdfast: resilient order processing. Targets:"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-20s %s\n", $$1, $$2 }'
	@echo "Options of up and reset go into ARGS, such as: make up ARGS=\"--replicas order-service=2\""

bootstrap: ## install the missing system packages (Debian)
	@scripts/bootstrap

build: bootstrap ## build the programs (CONFIGURATION=release or debug)
	@scripts/build $(CONFIGURATION)

up: build ## run the whole suite on this machine until Ctrl-C (DRILLS=on lets drills break it)
	@exec $(BIN)/holdfast up $(if $(filter on,$(DRILLS)),--drills) $(ARGS)

reset: ## forget the data of earlier runs of up
	@if [ -x $(BIN)/holdfast ]; then exec $(BIN)/holdfast reset $(ARGS); else echo "nothing was built yet"; fi

test: ## build and run all tests, from unit to end to end
	@scripts/bootstrap --tests
	swift build --build-tests
	@scripts/test $(ONLY)

test-tsan: ## run the tests of the policies under the thread sanitizer
	@scripts/test-tsan

simulate: ## the suite in virtual time, with faults: SEEDS=20000, or SEED=7 to see one, or DEFECT=stock-leaks
	@scripts/simulate $(if $(SEEDS),--seeds $(SEEDS)) $(if $(FIRST),--first $(FIRST)) $(if $(SEED),--seed $(SEED)) \
		$(if $(DEFECT),--defect $(DEFECT))

lint: ## check the format of all Swift files
	swift format lint --strict --parallel --recursive Package.swift Sources Tests Benchmarks

format: ## format all Swift files
	swift format --in-place --parallel --recursive Package.swift Sources Tests Benchmarks

bench: build ## measure the whole suite beside what Postgres alone could do (ARGS="--rounds 5 --statements"; bench help)
	@exec $(BIN)/holdfast bench $(ARGS)

bench-quick: build ## the same in under three minutes, one round
	@exec $(BIN)/holdfast bench --quick $(ARGS)

bench-resilience: ## measure what the policies cost per call (ARGS="--markdown" or "--check")
	swift build -c release --product bench-resilience
	@.build/release/bench-resilience $(ARGS)

bench-parts: bootstrap ## measure the parts: requests, JSON, messages, sagas
	swift build -c release --product bench-parts
	@.build/release/bench-parts $(ARGS)

bench-http: bootstrap ## measure the HTTP server alone (needs wrk)
	@scripts/bench-http

docs-check: ## check what the documents say against the code
	swift build --build-tests
	@scripts/test House

drill: build ## break a stack of its own on purpose and check every promise (NAME=broker-killed, ARGS="--seed 7")
	@[ -n "$(NAME)" ] || { $(BIN)/holdfast drill list; echo 'which one? make drill NAME=…'; exit 2; }
	@exec $(BIN)/holdfast drill run $(NAME) --up $(ARGS)

drills: build ## every drill one after the other, with a summary (TAG=ci for the short ones)
	@exec $(BIN)/holdfast drill run $(if $(TAG),--tag $(TAG),--all) --up $(ARGS)

images: ## build the container images (TARGETS="order-service ...")
	@scripts/images $(TARGETS)

compose-up: ## run the suite in containers, with real servers (COMPOSE=docker-compose, DRILLS=on, ARGS="--profile replicas")
	@DRILLS=$(DRILLS) scripts/compose-up $(ARGS)

compose-down: ## stop and remove the containers; ARGS=--volumes forgets their data too
	@scripts/compose --profile replicas down --remove-orphans $(ARGS)

compose-test: ## orders and an audit on a compose stack of its own (ARGS="--drill --replicas")
	@scripts/compose-test $(ARGS)

compose-drill: build ## break the stack in containers on purpose and check every promise (NAME=broker-killed)
	@[ -n "$(NAME)" ] || { $(BIN)/holdfast drill list; echo 'which one? make compose-drill NAME=…'; exit 2; }
	@DRILLS=on scripts/compose-up >/dev/null
	@exec $(BIN)/holdfast drill run $(NAME) --target compose $(ARGS)

deploy-check: ## render the Kubernetes overlays and check them
	@scripts/deploy-check

clean: ## remove what was built; data of up stays
	rm -rf .build
