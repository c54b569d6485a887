# Every way to build, run, prove and package BandPro. `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory --no-builtin-rules
# Some images set it; every process would then compile all that it imports anew.
unexport PYTHONDONTWRITEBYTECODE

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8080
DATA ?= ./data

VENV := .venv
BIN := $(VENV)/bin
STAMPS := $(VENV)/.stamps
CLIENTS := clients
CLIENT_PACKAGES := $(CLIENTS)/node_modules/.stamp
INSPECTOR := $(CLIENTS)/inspector
SCORE := $(CLIENTS)/score
SDK := $(CLIENTS)/sdk
WEB := $(CLIENTS)/web
MOBILE := $(CLIENTS)/mobile
NODE_TESTS := $(wildcard tests/interop/package-lock.json tests/interop/*/package-lock.json)
SERVICES := tests/services
SERVICE_LOCKS := $(wildcard $(SERVICES)/*/requirements.lock)
PEERS := benchmarks/peers
BENCH_NEEDS := $(wildcard $(PEERS)/*/package-lock.json)
PAGE := gateway/static/inspector/index.html
EDITOR := gateway/static/editor/index.html
# uv installs what a lock names in a tenth of pip's processor time, into the same places.
UV := .cache/uv/bin/uv

SOURCES := collab persistence gateway workers clients/python benchmarks tests
FAST_TESTS := tests/architecture tests/unit tests/property
# What runs once more against the compiled core: its own tests, and real servers.
COMPILED_TESTS := $(patsubst %,tests/integration/test_%.py,conformance kill workers hostile_bytes) \
	tests/property/protocol tests/property/room tests/property/test_room_machine.py \
	$(wildcard tests/unit/test_*.py) tests/unit/protocol tests/unit/room tests/unit/rooms \
	tests/unit/history
# What takes longest comes first, and is begun first, so that the end is not one long test alone.
FULL_TESTS := tests/cluster tests/simulation tests/integration tests/interop tests/e2e tests/contract \
	$(FAST_TESTS)
# More than two processors could run: many of these tests mostly wait.
IN_PARALLEL := -n 4 --dist loadfile --no-loadscope-reorder

# What is imported is compiled then; all of it at once would take longer than the downloads.
PIP_OPTIONS := --quiet --no-compile --disable-pip-version-check --no-input
PIP := $(BIN)/python -m pip install $(PIP_OPTIONS)

# Shell: installs the lock $(2) for the interpreter $(1), by pip where uv is missing or fails: pip may
# have settings (an index of one's own) that uv does not read, and says best what is wrong.
LOCKED := --require-hashes --only-binary :all:
define install_lock
	{ test -x $(UV) && $(UV) pip install --quiet --python $(1) --no-deps $(LOCKED) -r $(2) 2>/dev/null; } \
		|| $(BIN)/python -m pip --python $(1) install $(PIP_OPTIONS) --no-deps $(LOCKED) -r $(2)
endef
NPM_CI := npm ci --ignore-scripts --no-audit --no-fund --loglevel=error

# Folders of $(1) that hold tests already; pytest calls an empty selection an error.
with_tests = $(foreach folder,$(1),$(if $(shell find $(folder) -name 'test_*.py' -print -quit 2>/dev/null),$(folder)))

# Shell: installs the Debian packages $(1), or says how to and stops.
define apt_install
	if ! command -v apt-get >/dev/null; then \
		echo "Please install what Debian calls '$(1)' with your package manager, then try again." >&2; exit 1; \
	fi; \
	if [ "$$(id -u)" = 0 ]; then as_root=""; \
	elif sudo -n true 2>/dev/null; then as_root="sudo -n"; \
	else \
		echo "Missing system packages. Run this, then try again:" >&2; \
		echo "    sudo apt-get update && sudo apt-get install -y --no-install-recommends $(1)" >&2; exit 1; \
	fi; \
	echo "Installing $(1) with apt-get ..."; \
	$$as_root apt-get update -qq >/dev/null; \
	$$as_root env DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends $(1) >/dev/null
endef

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  Variables: HOST, PORT and DATA for run; PYTHON for the interpreter (3.11 or newer)."

# ---------------------------------------------------------------- environment

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null \
		|| { echo "$(PYTHON) was not found: install Python 3.11 or newer, or set PYTHON." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed, $(PYTHON) is $$($(PYTHON) -V): set PYTHON." >&2; exit 1; }
	@if ! $(PYTHON) -c 'import ensurepip, venv' 2>/dev/null; then $(call apt_install,python3-venv); fi
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV)

$(UV): requirements-uv.lock | $(BIN)/python
	@rm -rf .cache/uv
	@$(PIP) $(LOCKED) --target .cache/uv -r $< || echo "Going on without uv."

# What the server needs, and nothing else. The development lock holds the same versions and more.
$(STAMPS)/runtime: requirements.lock | $(BIN)/python $(UV)
	@echo "Installing the server's dependencies ..."
	@$(call install_lock,$(BIN)/python,$<)
	@mkdir -p $(@D) && touch $@

$(STAMPS)/development: requirements-dev.lock | $(BIN)/python $(UV)
	@echo "Installing the development dependencies ..."
	@$(call install_lock,$(BIN)/python,$<)
	@mkdir -p $(@D) && touch $@ $(STAMPS)/runtime

# Editable, so that the checkout is what runs. Depends on the file that names the commands.
$(STAMPS)/project: pyproject.toml
	@$(PIP) --no-deps --no-build-isolation --editable .
	@# Worker processes may write no file, so they would compile what they import each time.
	@$(BIN)/python -m compileall -q $(filter-out benchmarks tests,$(SOURCES))
	@mkdir -p $(@D) && touch $@

.PHONY: setup
setup: $(STAMPS)/development $(STAMPS)/project ## Install everything for development into .venv
	@:

.PHONY: node
node:
	@command -v node >/dev/null && command -v npm >/dev/null \
		|| { echo "Node 20.19 or newer with npm is needed and was not found on PATH." >&2; exit 1; }
	@node -e 'const [a, b] = process.versions.node.split("."); process.exit(a * 100 + +b < 2019 ? 1 : 0)' \
		|| { echo "Node 20.19 or newer is needed, this is $$(node --version)." >&2; exit 1; }

%/node_modules/.stamp: %/package-lock.json | node
	@echo "Installing the packages of $* ..."
	@cd $* && $(NPM_CI) >/dev/null
	@touch $@

PACK := $(CLIENTS)/scripts/pack.mjs
$(PAGE): $(CLIENT_PACKAGES) $(PACK) \
		$(shell find $(INSPECTOR) -name node_modules -prune -o -type f -print 2>/dev/null)
	@echo "Building the inspector page ..."
	@out="$$(npm --prefix $(INSPECTOR) run --silent build 2>&1)" || { echo "$$out" >&2; exit 1; }
	@test -s $@ && touch $@

# Of the editor's sources, and those of the packages that it takes as they stand.
$(EDITOR): $(CLIENT_PACKAGES) $(PACK) \
		$(shell find $(WEB) \( -name node_modules -o -name .next -o -name out -o -name public -o -name next-env.d.ts \) \
			-prune -o -type f -print 2>/dev/null) \
		$(shell find $(SDK)/src $(SCORE)/src -type f 2>/dev/null)
	@echo "Building the web editor ..."
	@out="$$(npm --prefix $(WEB) run --silent build 2>&1)" || { echo "$$out" >&2; exit 1; }
	@test -s $@ && touch $@

.PHONY: page
page: $(PAGE) $(EDITOR)

# ---------------------------------------------------------------- use

.PHONY: compiled
compiled: $(STAMPS)/runtime $(STAMPS)/project ## Compile the core to C, where a C compiler is at hand
	@$(BIN)/python -m gateway.compiled.build

.PHONY: run
run: compiled page ## Start the server on http://127.0.0.1:8080
	@exec $(BIN)/bandpro serve --host $(HOST) --port $(PORT) --data $(DATA)

.PHONY: dist
dist: setup page ## Build the wheel, with the page inside, into dist/
	@rm -rf dist
	@$(BIN)/python -m hatchling build -t wheel >/dev/null

# ---------------------------------------------------------------- proof

.PHONY: static
static: setup
	@$(BIN)/ruff format --check --quiet . \
		|| { echo "Some files are not formatted: make format" >&2; exit 1; }
	@$(BIN)/ruff check --quiet --output-format concise .
	@out="$$($(BIN)/lint-imports --no-logo 2>&1)" || { echo "$$out" >&2; exit 1; }
	@$(BIN)/mypy --no-error-summary

.PHONY: check
check: static ## The fast checks: format, lint, types, architecture, unit and property tests
	@$(BIN)/pytest -q -n 2 $(call with_tests,$(FAST_TESTS))

.PHONY: chromium
chromium:
	@# The browser without its windows takes a tenth of the processor; not all systems have it apart.
	@command -v chromium-headless-shell >/dev/null \
		|| ( $(call apt_install,chromium-headless-shell fonts-liberation) ) \
		|| command -v chromium >/dev/null \
		|| { $(call apt_install,chromium fonts-liberation); }

# Servers that tests speak to and files that they read, each in an environment of its own: heavy, or
# under other licences. Their locks name all that is installed.
$(SERVICES)/%/.venv/.stamp: $(SERVICES)/%/requirements.lock | $(BIN)/python $(UV)
	@echo "Installing the test service $* ..."
	@rm -rf $(@D) && $(PYTHON) -m venv --without-pip $(@D)
	@$(call install_lock,$(@D)/bin/python,$<)
	@touch $@

.PHONY: services
services: $(SERVICE_LOCKS:%/requirements.lock=%/.venv/.stamp)

# Records what the store writes; a program of Linux, and the test that needs it runs there alone.
.PHONY: strace
strace:
	@if [ "$$(uname)" = Linux ] && ! command -v strace >/dev/null; then $(call apt_install,strace); fi

# The examples of deploy/ run in tests.
.PHONY: balancers
balancers:
	@for program in haproxy nginx; do \
		if ! PATH="$$PATH:/usr/sbin" command -v $$program >/dev/null; then $(call apt_install,haproxy nginx-light); fi; \
	done

# Debian's names of what worker processes call, with a small set of instruments.
TOOLS := librsvg2-bin fluidsynth lame timgm6mb-soundfont
.PHONY: tools
tools:
	@for program in rsvg-convert fluidsynth lame; do \
		if ! command -v $$program >/dev/null; then $(call apt_install,$(TOOLS)); fi; \
	done

.PHONY: redis
redis:
	@if ! command -v redis-server >/dev/null || ! command -v redis-sentinel >/dev/null; then \
		$(call apt_install,redis-server redis-sentinel); fi

.PHONY: test-needs
test-needs: | $(BIN)/python $(UV)
	@# Two at a time: each keeps one processor busy. ALSO is what else can be done meanwhile.
	@$(MAKE) tools page test-clients services & others=$$!; $(MAKE) setup $(ALSO); wait $$others
	@$(MAKE) chromium strace redis balancers

.PHONY: test-clients
test-clients: $(NODE_TESTS:%/package-lock.json=%/node_modules/.stamp) $(CLIENT_PACKAGES)

.PHONY: client-checks
client-checks: $(CLIENT_PACKAGES) page
	@npm --prefix $(CLIENTS) run --silent check

.PHONY: test
test: ALSO := compiled static
test: test-needs ## Everything, with real clients and a real browser; some 12 minutes on two cores
	@# Four test processes would otherwise compile all tests at once.
	@$(BIN)/pytest -qq --collect-only $(call with_tests,$(FULL_TESTS)) >/dev/null & collected=$$!; \
	$(MAKE) client-checks; wait $$collected
	@folders="$(call with_tests,$(FULL_TESTS))"; \
	if [ -z "$$folders" ]; then echo "No tests in $(FULL_TESTS) yet."; exit 0; fi; \
	$(BIN)/pytest -q $(IN_PARALLEL) --durations 40 $$folders
	@$(BIN)/pytest -q $(IN_PARALLEL) --durations 15 -p tests.support.compiled_form $(COMPILED_TESTS)

PROOFS ?= tests
.PHONY: prove
prove: test-needs $(MOBILE)/node_modules/.stamp ## The long proofs at their full counts, or PROOFS=..., into docs/proofs.md
	@BANDPRO_PROVE=1 $(BIN)/pytest -q -m prove --timeout 7200 -p tests.support.proof_report $(PROOFS)

# React Native and its tools weigh more than all the other packages together, so it is apart.
.PHONY: mobile
mobile: setup test-clients $(MOBILE)/node_modules/.stamp ## Check the application for phones and bundle it for Android
	@BANDPRO_PROVE=1 $(BIN)/pytest -q --timeout 600 tests/interop/test_mobile.py

# More than the tests run; a seed that fails is kept in tests/simulation/kept_seeds.txt.
SEEDS ?= 0..100000
.PHONY: simulate
simulate: compiled setup ## Simulated clusters under many seeds: SEEDS=first..end
	@$(BIN)/python -m tests.simulation --seeds $(SEEDS)

SCORES ?=
EDITS ?= 200
.PHONY: try-scores
try-scores: test-needs ## Own scores through shared documents and back: SCORES="FOLDER..." EDITS=200
	@$(BIN)/python -m tests.support.score_trials $(SCORES) --edits $(EDITS)

# Peers are installed beside their locks, in ignored folders. One that cannot be had on this machine
# is left out of the measurements, which say so.
$(PEERS)/pycrdt_websocket/.venv/.stamp: $(PEERS)/pycrdt_websocket/requirements.lock | $(BIN)/python $(UV)
	@echo "Installing pycrdt-websocket into an environment of its own ..."
	@rm -rf $(@D) && $(PYTHON) -m venv --without-pip $(@D)
	@$(call install_lock,$(@D)/bin/python,$<)
	@touch $@

$(PEERS)/y_sweet/.built/.stamp: $(PEERS)/y_sweet/version
	@if ! command -v cargo >/dev/null; then echo "y-sweet is left out: cargo was not found."; exit 0; fi; \
	echo "Building y-sweet with cargo, once; this takes some minutes ..."; \
	if timeout 1200 cargo install --quiet --locked --version "$$(cat $<)" y-sweet --root $(@D) \
			--target-dir $(@D)/target; then \
		rm -rf $(@D)/target; touch $@; \
	else echo "y-sweet is left out: it could not be built."; fi

.PHONY: peers
peers: $(BENCH_NEEDS:%/package-lock.json=%/node_modules/.stamp) \
		$(PEERS)/pycrdt_websocket/.venv/.stamp $(PEERS)/y_sweet/.built/.stamp
	@command -v gcc >/dev/null || command -v cc >/dev/null \
		|| echo "The relay in C is left out: there is no C compiler."

# BENCH and STRESS take options, such as BENCH=--quick. The page is written even when a delivery was
# missing, and the error is kept.
.PHONY: bench
bench: setup compiled page peers ## Measure the server and its peers; writes docs/benchmarks.md
	@status=0; \
	$(BIN)/python -m benchmarks $(BENCH) || status=$$?; \
	$(BIN)/python -m benchmarks.stress $(STRESS) || status=$$?; \
	$(BIN)/python -m benchmarks --page || status=$$?; \
	exit $$status

.PHONY: bench-smoke
bench-smoke: setup compiled page ## Compare with the floor under two loads; under 2 minutes
	@$(BIN)/python -m benchmarks.smoke

.PHONY: stress
stress: setup compiled page ## Storms, floods, slow readers: who notices, and what it costs
	@$(BIN)/python -m benchmarks.stress

.PHONY: soak
soak: setup compiled page ## Ten minutes of coming and going: memory and files must stay flat
	@$(BIN)/python -m benchmarks.stress --only soak --minutes 10 --strict

# ---------------------------------------------------------------- upkeep

# Not part of the tests: TypeDoc brings a compiler of its own.
REFERENCE := $(CLIENTS)/reference
.PHONY: reference
reference: $(CLIENT_PACKAGES) $(REFERENCE)/node_modules/.stamp ## Write the reference of the TypeScript SDK as pages
	@npm --prefix $(CLIENTS) run --silent build
	@npm --prefix $(REFERENCE) run --silent build
	@echo "Open $(REFERENCE)/dist/index.html"

.PHONY: format
format: setup ## Format the code and apply safe fixes
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

# One resolution for all supported Pythons and systems. The runtime lock takes its versions from
# the development lock, so that what is tested is what runs. `make lock UPGRADE=--upgrade` renews.
LOCK := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-header
COMPILE := $(LOCK) --group build --extra engraving pyproject.toml

.PHONY: lock
lock: $(UV) ## Renew requirements.lock and requirements-dev.lock from pyproject.toml
	@$(COMPILE) $(UPGRADE) --group dev --output-file requirements-dev.lock
	@$(COMPILE) $(UPGRADE) --constraint requirements-dev.lock --output-file requirements.lock
	@$(LOCK) $(UPGRADE) requirements-uv.in --output-file requirements-uv.lock
	@for service in $(SERVICE_LOCKS:%.lock=%); do \
		$(LOCK) --prerelease allow $(UPGRADE) \
			$$(sed -n 's/^# options: //p' $$service.in) $$service.in --output-file $$service.lock; \
	done

.PHONY: clean
clean: ## Remove environments, caches and built files; never ./data
	@rm -rf $(VENV) .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis \
		.coverage* dist bandpro_compiled gateway/static
	@rm -rf $(SERVICES)/*/.venv
	@rm -rf $(CLIENTS)/node_modules $(CLIENTS)/*/node_modules $(CLIENTS)/*/dist
	@rm -rf $(WEB)/.next $(WEB)/out $(WEB)/public $(NODE_TESTS:%/package-lock.json=%/node_modules)
	@rm -rf $(BENCH_NEEDS:%/package-lock.json=%/node_modules) $(PEERS)/pycrdt_websocket/.venv \
		$(PEERS)/.built $(PEERS)/y_sweet/.built
	@find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +
