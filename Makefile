# Every command of the project. `make` alone lists them.

.DEFAULT_GOAL := help
CARGO ?= cargo
# Where cargo builds. The engine lies in target/guest whatever this is.
BUILT := $(or $(CARGO_TARGET_DIR),target)
TENON := $(BUILT)/debug/tenon
DIR := tests/vectors
TARGET := transaction
SECONDS := 60
SCHEMATHESIS := 4.32.5
PYTHON := $(BUILT)/schemathesis-$(SCHEMATHESIS)
# The workspace is built as a whole, tests included, always: a part of it built alone has other
# features, and wasmtime would be compiled a second time.
BUILD := $(CARGO) build --workspace --all-targets

LIBFUZZER := --fuzz-dir tests/fuzz/libfuzzer --target-dir $(BUILT)/fuzz --sanitizer none

# The long builds say little themselves.
ANNOUNCE = @test -e "$(TENON)" || echo "First the engine is built, then the host: some fifteen minutes\
 the first time on two cores, and quiet meanwhile."
# $(call INSTALL,TOOL,VERSION) when it is missing.
INSTALL = @command -v $(1) >/dev/null || { echo "Installing $(1) $(2), once: a few minutes."; \
	$(CARGO) install --quiet --locked $(1) --version $(2); }

.PHONY: help demo run test vectors conformance differential disruption hostile schemathesis api-docs fuzz mutants check build \
	guest fmt clippy doc deny tidy bench clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## Boot the terminal with the emulator and run one chip sale of NZD 25.00.
	@$(TENON) demo

run: build ## Leave the terminal running; print its URL, its key and three lines to try.
	@$(TENON) emulator --card visa-credit --introduce

test: guest ## Run every test.
	$(CARGO) test --workspace

vectors: ## Run the test vectors in tests/vectors, or in DIR=folder.
	@$(CARGO) run --quiet --package vector-runner --bin vectors -- "$(DIR)"

check: fmt clippy doc deny test ## Everything that CI checks.

build: guest ## Build the host, the command line and the engine.
	@$(BUILD)

guest: ## Build the engine, turn it into a component and sign it for the emulator.
	$(ANNOUNCE)
	@$(CARGO) run --quiet --package pack

fmt: ## Check the format.
	$(CARGO) fmt --all --check

clippy: ## Check the lints.
	$(ANNOUNCE)
	$(CARGO) clippy --quiet --workspace --all-targets -- -D warnings

doc: ## Build the documentation; a broken link fails.
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --quiet --workspace --no-deps --document-private-items

deny: ## Check licences, sources and banned crates.
	$(call INSTALL,cargo-deny,0.20.2)
	$(CARGO) deny --log-level error check bans licenses sources

tidy: ## Check what a compiler cannot: documentation of the WIT, crate arrows, sizes, links.
	$(CARGO) test --quiet --package tidy

conformance: ## Run the kernel's conformance suite and write docs/conformance.md; CASE=PR-04 for some cases.
	@$(CARGO) run --quiet --package conformance $(if $(CASE),-- "$(CASE)")

differential: ## Compare the kernel with another one on random input; CASES=5000 for more.
	$(if $(CASES),PROPTEST_CASES=$(CASES) )$(CARGO) test --package differential

disruption: ## Break sessions off and kill the terminal at random, DISRUPTIONS=1000 times; SEED=7.
	DISRUPTIONS=$(or $(DISRUPTIONS),1000) $(if $(SEED),SEED=$(SEED) )$(CARGO) test --workspace --test disruption \
		-- --nocapture

hostile: guest ## Sell while hostile clients do their worst: CLIENTS=200 SECONDS=60 SEED=7.
	SECONDS=$(SECONDS) CLIENTS=$(or $(CLIENTS),200) $(if $(SEED),SEED=$(SEED) )$(CARGO) test --workspace --test hostile \
		-- --nocapture

# Not a part of what CI checks: it installs from the network.
schemathesis: build ## Look for answers that the OpenAPI document does not say, with Schemathesis: CASES=50 SEED=7.
	@command -v python3 >/dev/null || { echo "python3 is missing: Schemathesis is written in it."; exit 1; }
	@test -x $(PYTHON)/bin/st || { echo "Installing schemathesis $(SCHEMATHESIS), once: a minute."; \
		python3 -m venv $(PYTHON) || { echo "python3 has no venv: on Debian it is the package python3-venv."; exit 1; }; \
		$(PYTHON)/bin/pip install --quiet --disable-pip-version-check schemathesis==$(SCHEMATHESIS); }
	@$(PYTHON)/bin/python tests/schemathesis/run.py --tenon $(TENON) --st $(PYTHON)/bin/st \
		--seed $(or $(SEED),7) --cases $(or $(CASES),50)

api-docs: ## Write the documents in docs/api, and their page, from the code.
	@$(BUILD)
	@$(TENON) api openapi > docs/api/openapi.json
	@$(TENON) api asyncapi > docs/api/asyncapi.json
	@$(TENON) api html > docs/api/index.html

fuzz: ## Let libFuzzer look for what breaks a target: TARGET=tlv SECONDS=900.
	$(call INSTALL,cargo-fuzz,0.13.2)
	@mkdir -p $(BUILT)/fuzz/corpus/$(TARGET)
	$(CARGO) fuzz run $(LIBFUZZER) $(TARGET) $(BUILT)/fuzz/corpus/$(TARGET) tests/fuzz/corpus/$(TARGET) -- \
		-max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=512 -malloc_limit_mb=64

mutants: ## Change the kernel one place at a time and see a test fail; MODULE=cvm for one module.
	$(call INSTALL,cargo-mutants,27.1.0)
	$(CARGO) mutants --package emv $(if $(MODULE),--file "guest/emv/src/$(MODULE).rs")

bench: guest ## Measure, and print a table with ratios from this run.
	@$(CARGO) build --quiet --release --workspace --bin tenon --bin bench
	@$(BUILT)/release/bench

clean: ## Remove everything that was built.
	$(CARGO) clean
