# `make demo` shows the main job, `make test` proves it. Everything else is in `make help`.

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
PYTHON ?= python3
TOOLS := $(CURDIR)/.tools
VENV := $(TOOLS)/venv
BENCH_VENV := $(TOOLS)/bench-venv
ROUNDS ?= 5
DATA ?= ../shared/data

.DEFAULT_GOAL := help
.PHONY: help build demo test test-real lint bench soak fmt clean-tools

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

build: ## Build the release binaries (target/release/hub, target/release/hub-server)
	$(CARGO) build --locked --release --workspace --bins

demo: ## Run the main job start to end on real data (debug build)
	$(CARGO) build --locked --workspace --bins
	$(TARGET)/debug/hub-server demo

test: $(VENV)/.ready $(TOOLS)/nextest.ready $(TOOLS)/languages.ready ## Run all tests; installs what they need
	$(CARGO) build --locked --workspace --bins --tests
	$(CARGO) test --locked --quiet --workspace --doc
	HUB_TEST_PYTHON=$(VENV)/bin/python $(CARGO) nextest run --locked --workspace

test-real: ## Check real files of offices (DATA=folder), which are not in the repository; prints a table
	$(CARGO) build --locked --workspace --bins
	$(TARGET)/debug/hub-benches real --data $(DATA)

lint: $(TOOLS)/deny.ready $(TOOLS)/buf.ready ## Format, clippy, contract lint, licences and sources
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	cd proto && $(TOOLS)/node_modules/.bin/buf lint
	$(CARGO) deny --log-level error check bans licenses sources

bench: build $(BENCH_VENV)/.ready ## Measure journeys beside their peers into benches/RESULTS.md (W=W1a, ROUNDS=5)
	$(BENCH_VENV)/bin/python benches/peers/journeys.py --rounds $(ROUNDS) $(W)

soak: $(TOOLS)/nextest.ready ## Run the long campaigns; what they find goes to benches/SOAK.md
	$(CARGO) build --locked --workspace --bins --tests
	$(PYTHON) benches/soak.py

fmt: ## Format all code
	$(CARGO) fmt --all

clean-tools: ## Remove the tools that make test installed
	rm -rf $(TOOLS)

# What the tests read our tables with: engines of other makers.
$(VENV)/.ready: hub-server/tests/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r hub-server/tests/requirements.txt
	touch $@

# The systems that the journeys are measured beside.
$(BENCH_VENV)/.ready: benches/peers/requirements.txt
	command -v psql >/dev/null || apt-get install --yes --quiet postgresql
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/pip install --quiet --disable-pip-version-check -r benches/peers/requirements.txt
	touch $@

# Languages of the programs in docs/examples, which the tests run.
$(TOOLS)/languages.ready:
	mkdir -p $(TOOLS)
	command -v javac >/dev/null || apt-get install --yes --quiet default-jdk-headless
	command -v php >/dev/null || apt-get install --yes --quiet php-cli
	touch $@

$(TOOLS)/nextest.ready:
	mkdir -p $(TOOLS)
	$(CARGO) nextest --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-nextest --version 0.9.143
	touch $@

$(TOOLS)/deny.ready:
	mkdir -p $(TOOLS)
	$(CARGO) deny --version >/dev/null 2>&1 || $(CARGO) install --locked cargo-deny --version 0.20.2
	touch $@

$(TOOLS)/buf.ready:
	mkdir -p $(TOOLS)
	npm install --silent --no-fund --no-audit --prefix $(TOOLS) @bufbuild/buf@1
	touch $@
