# `make demo` shows the main job, `make test` proves it. Everything else is in `make help`.

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
PYTHON ?= python3
TOOLS := $(CURDIR)/.tools
VENV := $(TOOLS)/venv

.DEFAULT_GOAL := help
.PHONY: help build demo test lint fmt clean-tools

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

build: ## Build the release binaries (target/release/hub, target/release/hub-server)
	$(CARGO) build --locked --release --workspace --bins

demo: ## Run the main job start to end on real data (debug build)
	$(CARGO) build --locked --workspace --bins
	$(TARGET)/debug/hub-server demo

test: $(VENV)/.ready $(TOOLS)/nextest.ready ## Run all tests; installs what they need
	$(CARGO) build --locked --workspace --bins --tests
	$(CARGO) test --locked --quiet --workspace --doc
	HUB_TEST_PYTHON=$(VENV)/bin/python $(CARGO) nextest run --locked --workspace

lint: $(TOOLS)/deny.ready $(TOOLS)/buf.ready ## Format, clippy, contract lint, licences and sources
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	cd proto && $(TOOLS)/node_modules/.bin/buf lint
	$(CARGO) deny --log-level error check bans licenses sources

fmt: ## Format all code
	$(CARGO) fmt --all

clean-tools: ## Remove the tools that make test installed
	rm -rf $(TOOLS)

# What the tests read our tables with: engines of other makers.
$(VENV)/.ready: hub-server/tests/requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r hub-server/tests/requirements.txt
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
