# The commands. `make run` and `make test` are all a new machine needs; each installs what is missing first.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.SILENT:
.DEFAULT_GOAL := help

TOOLS := . scripts/env.sh;
PROGRAM := target/release/idobata
# What the program is made of: it is built again when one of these is newer.
SOURCES := $(shell find src style public .cargo/config.toml Cargo.toml Cargo.lock rust-toolchain.toml scripts/versions.sh -type f)

.PHONY: help setup setup-check setup-unit setup-test setup-audit build run cluster watch check unit chaos fuzz audit figures bench search bytes frames scrolling lighthouse icons e2e test clean

help: ## Show the commands
	awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:
	scripts/setup build

setup-check:
	scripts/setup check

setup-unit:
	scripts/setup unit

setup-test:
	scripts/setup test

build: setup $(PROGRAM) ## Build the release program, target/release/idobata

$(PROGRAM): $(SOURCES) | setup
	$(TOOLS) cargo leptos build --release --precompress
	touch $@ # also when cargo found nothing to do

run: build ## Build and start on http://127.0.0.1:3000 (settings: make run ARGS='--help')
	exec $(PROGRAM) $(ARGS)

# NODES=3 for three; ARGS go to every node; PORT for a port of your choice.
cluster: setup-unit build ## Several nodes with PostgreSQL and Redis on this machine: make cluster NODES=3
	$(TOOLS) export NODES=$(or $(NODES),2)
	$(if $(PORT),export PORT=$(PORT))
	exec scripts/cluster $(ARGS)

watch: setup ## Rebuild and reload while you edit
	$(TOOLS) cargo leptos watch

check: setup-check ## Format, lints, the rules of the tree, documentation, spelling, and the bytes of a first visit
	$(TOOLS) scripts/check
	$(MAKE) --no-print-directory bytes

unit: setup-unit ## Unit tests and tests over real sockets
	$(TOOLS) cargo test --features ssr

chaos: setup-unit ## The promise under attack: make chaos MINUTES=20, or SEED=… to rerun a plan
	$(TOOLS) export IDOBATA_CHAOS_SECONDS=$$(( $(or $(MINUTES),1) * 60 ))
	$(if $(SEED),export IDOBATA_CHAOS_SEED=$(SEED))
	cargo test --features ssr --test sockets chaos -- --nocapture

fuzz: setup ## Hostile input for every parser: make fuzz MINUTES=20
	$(TOOLS) MINUTES=$(or $(MINUTES),5) scripts/fuzz

setup-audit:
	scripts/setup audit

# The advisories come from GitHub. Where that cannot be reached: make audit ARGS='bans licenses sources'
audit: setup-audit ## What the crates we build on are: advisories, licences, where they come from
	$(TOOLS) cargo deny check $(ARGS)

# Benches have a folder of their own, because cargo builds the program along and would put it in place of ours.
# PostgreSQL and Redis, which `nodes` needs, come with the tests' set-up.
figures: setup-unit ## What the promise costs, and several nodes: make figures ARGS=nodes (or --help)
	$(TOOLS) ulimit -n 8192
	cargo bench --features ssr --target-dir target/bench --bench promise -- $(ARGS)

# Appends to PostgreSQL: DATABASE_URL=postgres://… make bench ARGS="--only appends"
bench: build ## What delivery costs beside a bare write: make bench ARGS='--only websocket --label before' (or --help)
	$(TOOLS) ulimit -n 16384
	cargo bench --features ssr --target-dir target/bench --bench fanout -- --server $(PROGRAM) $(ARGS)

# An empty database of PostgreSQL instead of SQLite: DATABASE_URL=postgres://… make search
search: setup ## What a search costs among a million messages: make search ARGS='--messages 100000'
	$(TOOLS) cargo bench --features ssr --target-dir target/bench --bench search -- $(ARGS)

bytes: build ## What a first visit to a room loads, held to its budget
	$(TOOLS) node scripts/bytes.mjs

lighthouse: setup-test build ## What Lighthouse says of both pages, and of others: make lighthouse PAGES="http://127.0.0.1:4000/"
	$(TOOLS) node end2end/lighthouse.mjs $(PAGES)

icons: setup-test ## Draw the PNG files of public/icons from the SVG files there
	$(TOOLS) node end2end/icons.mjs

frames: setup-test build ## Typing while a thousand messages a second come in: frame times
	$(TOOLS) node end2end/frames.mjs

scrolling: setup-test build ## Reading back through 10,000 messages and forth again: frame times, rows
	$(TOOLS) node end2end/scrolling.mjs

e2e: setup-test build ## Stories in a real browser, against the release program
	$(TOOLS) cd end2end && npx playwright test $(ARGS)

test: setup-test ## Everything: checks, unit tests, the release build and the stories
	$(TOOLS) scripts/test

clean: ## Remove what was built
	rm -rf target end2end/node_modules end2end/test-results end2end/playwright-report
