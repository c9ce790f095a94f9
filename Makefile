# Everything a developer runs. `.ci/run` is what CI runs; a tool that is missing is an error, never a skip.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# How many kills `make kill` deals out, the seed that decides when, and the store that has to survive them.
CYCLES ?= 200
SEED ?= 1
BACKEND ?= fjall
# Recipients of a broadcast that is planned and run under the kills; without it there is none.
BROADCAST ?=
# More options of the kill rig, such as a lighter load for a server that shares the machine.
LOAD ?=
# How the rigs' programs are built. `make test` takes the debug build, which it has anyway, and whose checks of arithmetic are on.
BUILD ?= release

# How long `make fuzz` runs each target, and which one, if not all.
SECS ?= 60
ONLY ?=

TARGET := $(or $(CARGO_TARGET_DIR),target)
BUILT = $(TARGET)/$(BUILD)
CARGO_BUILD = cargo build --locked $(if $(filter release,$(BUILD)),--release)
CARGO_DENY := 0.20.2
CARGO_LLVM_COV := 0.9.1
CARGO_FUZZ := 0.13.2
TYPOS := 1.52.0
# What sets the clock of a process: `mesej-load kill --clock` looks for it there.
FAKETIME := $(abspath $(TARGET))/faketime
# Prometheus' own checker. Debian's package would start a server as well, so only its files are taken.
PROMTOOL := $(or $(shell command -v promtool),$(abspath $(TARGET))/prometheus/usr/bin/promtool)
# How long each phase of `make test` took is said after it, and kept there.
TIMED = tests/timed.sh $(TARGET)/phases.log
AS_ROOT := $(if $(filter 0,$(shell id -u)),,sudo)

.PHONY: help demo fmt lint test rust-test rules-test browser-test client-test tls-test oidc-test s3-test tools bench kill ring contest contacts broadcast deny audit typos \
  python release doc times fuzz coverage

help: ## Show what there is to run
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

demo: ## The gateway beside a simulated Meta, with customers who write: prints what to open
	cargo run --locked -- demo

fmt: ## Format the source
	cargo fmt --all

lint: typos ## Check spelling and formatting, and let no warning pass
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

typos: python ## Check spelling (installs a prebuilt checker from PyPI)
	@$(TARGET)/typos/bin/typos --version 2>/dev/null | grep -qx 'typos-cli $(TYPOS)' || { \
	  python3 -m venv $(TARGET)/typos && $(TARGET)/typos/bin/pip install --quiet --disable-pip-version-check typos==$(TYPOS); }
	$(TARGET)/typos/bin/typos

doc: ## Build the documentation of everything, private items too, and let no warning pass
	RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --workspace --document-private-items --locked

times: ## Time `cargo check` of the product after a file of src/domain is touched
	@cargo check --locked --quiet && touch src/domain/ids.rs && time cargo check --locked --quiet

rust-test: ## Unit, layer and integration tests
	cargo test --workspace --locked --no-run
	tests/bounded.sh 20m $(TARGET)/rust-test.log cargo test --workspace --locked

rules-test: ## Alarms by their tests, and the dashboard's queries (needs Node 20 and promtool)
	PROMTOOL=$(PROMTOOL) grafana/check.sh

browser-test: ## The console, in Chromium (needs Node 20 and Chromium)
	cargo build --locked --package mesej
	MESEJ_BINARY=$(TARGET)/debug/mesej tests/browser/run.sh

client-test: ## Public Cloud API clients, for Python and JavaScript, against the simulator
	cargo build --locked --package mesej
	CLIENTS_DIR=$(TARGET)/clients tests/clients/simulated.sh $(TARGET)/debug/mesej

tls-test: ## TLS on the listener as strangers find it, and a certificate renewed under load (needs Python 3.11 and openssl)
	$(CARGO_BUILD) --package mesej
	python3 -B tests/tls/check.py $(BUILT)/mesej

oidc-test: ## Sign in by a public OpenID Connect provider from npm (needs Node 20)
	cargo build --locked --package mesej
	OIDC_DIR=$(TARGET)/oidc tests/oidc/run.sh $(TARGET)/debug/mesej

s3-test: python ## Files in a bucket of `moto`, an S3 server from PyPI (needs Python 3.11)
	cargo build --locked --package mesej
	S3_DIR=$(TARGET)/s3 tests/s3/run.sh $(TARGET)/debug/mesej

python:
	@python3 -c 'import ensurepip, venv' 2>/dev/null || { \
	  $(AS_ROOT) apt-get update && $(AS_ROOT) apt-get install -y --no-install-recommends python3-venv; }

tools: python ## Install what the tests need and this machine lacks
	@command -v node >/dev/null || { echo "Node is missing: version 20 or later, https://nodejs.org" >&2; exit 1; }
	@[ -x "$${CHROMIUM:-/usr/bin/chromium}" ] || { \
	  $(AS_ROOT) apt-get update && $(AS_ROOT) apt-get install -y --no-install-recommends chromium chromium-driver; }
	@[ -x "$(PROMTOOL)" ] || { $(AS_ROOT) apt-get update && mkdir -p $(TARGET)/prometheus && cd $(TARGET)/prometheus && \
	  apt-get download prometheus && dpkg-deb --extract prometheus_*.deb . && rm prometheus_*.deb; }
	@[ -e $(FAKETIME)/usr ] || { $(AS_ROOT) apt-get update && mkdir -p $(FAKETIME) && cd $(FAKETIME) && \
	  apt-get download libfaketime && dpkg-deb --extract libfaketime_*.deb . && rm libfaketime_*.deb; }
	@[ -n "$${MESEJ_TEST_CQL:-}" ] || { command -v java && command -v mvn; } >/dev/null || { \
	  $(AS_ROOT) apt-get update && $(AS_ROOT) apt-get install -y --no-install-recommends openjdk-17-jre-headless maven; }
	@[ -n "$${MESEJ_TEST_CQL:-}" ] || tests/cql/jars.sh >/dev/null

coverage: ## Which lines the Rust tests run: a page under target/llvm-cov/html, and a summary
	@cargo llvm-cov --version >/dev/null 2>&1 || cargo install cargo-llvm-cov --locked --version $(CARGO_LLVM_COV)
	rustup component add llvm-tools
	cargo llvm-cov --workspace --locked --html
	cargo llvm-cov report --summary-only

fuzz: ## Fuzz every reader of foreign bytes (SECS a target, ONLY=webhook; needs nightly Rust)
	@cargo fuzz --version >/dev/null 2>&1 || cargo install cargo-fuzz --locked --version $(CARGO_FUZZ)
	fuzz/run.sh $(SECS) $(ONLY)

bench: ## Measure the pace of sending, what stuck agents and deliveries cost, and both stores; prints JSON lines
	cargo build --release --locked --package mesej --package mesej-load
	$(TARGET)/release/mesej-load intake
	$(TARGET)/release/mesej-load pace
	$(TARGET)/release/mesej-load pace --rate 1000 --inbound 100
	$(TARGET)/release/mesej-load stuck
	-$(TARGET)/release/mesej-load reconnect
	-$(TARGET)/release/mesej-load doors
	$(TARGET)/release/mesej-load fanout
	cargo bench --locked --package mesej --bench store
	MESEJ_CQL_SYNC=group cargo bench --locked --package mesej --bench backends
	MESEJ_CQL_SYNC=periodic cargo bench --locked --package mesej --bench backends

kill: ## Kill the gateway under load and ask what was lost or sent twice (CYCLES, SEED, BACKEND; BROADCAST=N: with one of N recipients; MEDIA=1: while files and contacts come)
	$(CARGO_BUILD) --package mesej --package mesej-load
	$(BUILT)/mesej-load $(if $(MEDIA),files kill --cycles $(CYCLES) --seed $(SEED),kill --cycles $(CYCLES) --seed $(SEED) --backend $(BACKEND) $(if $(BROADCAST),--broadcast $(BROADCAST))) $(LOAD)

ring: ## Kill and stop nodes of a cluster of three under load (SEED, LOAD='--secs 60')
	$(CARGO_BUILD) --package mesej --package mesej-load
	$(BUILT)/mesej-load ring --seed $(SEED) $(LOAD)

contest: ## Let two gateways fight for one tenant on one cluster, under load
	$(CARGO_BUILD) --package mesej --package mesej-load
	$(BUILT)/mesej-load contest --seed $(SEED) $(LOAD)

contacts: ## Import a million contacts, then ask for some (LOAD='--contacts 100000 --backend cql')
	cargo build --release --locked --package mesej --package mesej-load
	$(TARGET)/release/mesej-load contacts $(LOAD)

broadcast: ## Send a broadcast beside agents at work (LOAD='--recipients 20000')
	cargo build --release --locked --package mesej --package mesej-load
	$(TARGET)/release/mesej-load broadcast $(LOAD)

test: ## Everything that must hold
	$(TIMED) tools $(MAKE) tools
	$(TIMED) rust-build cargo test --workspace --locked --no-run
	$(TIMED) rust-test $(MAKE) rust-test
	$(TIMED) rules-test $(MAKE) rules-test
	$(TIMED) browser-test $(MAKE) browser-test
	$(TIMED) client-test $(MAKE) client-test
	$(TIMED) oidc-test $(MAKE) oidc-test
	$(TIMED) s3-test $(MAKE) s3-test
	$(TIMED) tls-test $(MAKE) BUILD=debug tls-test
	$(TIMED) kill $(MAKE) BUILD=debug kill CYCLES=20
	$(TIMED) kill-broadcast $(MAKE) BUILD=debug kill CYCLES=4 BROADCAST=300 LOAD='--cancel --inbound 50 --sends 20 --life-ms 200 3000'
	$(TIMED) kill-clock $(MAKE) BUILD=debug kill CYCLES=40 LOAD=--clock
	$(TIMED) kill-cql $(MAKE) BUILD=debug kill CYCLES=5 BACKEND=cql LOAD='--inbound 100 --sends 40'
	$(TIMED) ring $(MAKE) BUILD=debug ring LOAD='--nodes 1 --inbound 100 --sends 40 --secs 5 --outage-secs 4'
	$(TIMED) contest $(MAKE) BUILD=debug contest

deny: ## Check licences, bans and sources of all dependencies
	@command -v cargo-deny >/dev/null || cargo install cargo-deny --locked --version $(CARGO_DENY)
	cargo deny --locked check bans licenses sources
	@echo 'advisories were not checked: they need the database on GitHub; run make audit where that can be reached'

audit: ## Look for known holes in dependencies (needs GitHub)
	@command -v cargo-deny >/dev/null || cargo install cargo-deny --locked --version $(CARGO_DENY)
	cargo deny --locked check advisories

release: ## Make the release of Cargo.toml's version: archive, bill of materials, sums, tag; pushes nothing (DRY_RUN=1: no commit, no tag)
	DRY_RUN=$(or $(DRY_RUN),0) release/make.sh
