# Needs Rust, Go, a C compiler, git and bash. `make` alone lists the targets.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
TOKENWARD := $(CARGO) run --quiet --locked --

# How long to fuzz each target, and to soak; how many calls a second.
FUZZ_SECONDS ?= 600
SOAK_SECONDS ?= 1800
SOAK_RATE ?= 500

# Checks licences, advisories and banned crates. A version of its own for each, so that an old one is never run by mistake.
CARGO_DENY_VERSION := 0.20.2
CARGO_DENY := $(TARGET)/tools/cargo-deny-$(CARGO_DENY_VERSION)/bin/cargo-deny
CARGO_FUZZ_VERSION := 0.13.2
CARGO_FUZZ := $(TARGET)/tools/cargo-fuzz-$(CARGO_FUZZ_VERSION)/bin/cargo-fuzz
PROMTOOL ?= promtool

.PHONY: run
run: ## Build and run the demo: the webhook answers example manifests, no cluster needed
	@$(CARGO) build --locked --bin tokenward
	@$(TOKENWARD) demo

.PHONY: install
install: ## Build tokenward and put it on the path (into ~/.cargo/bin)
	$(CARGO) install --locked --path .

.PHONY: serve
serve: ## Run the webhook on this machine with a certificate made in memory
	$(TOKENWARD) serve --dev

.PHONY: test
test: rig ## Run every test, those on a real API server among them
	tests/run $(ARGS)

# The full form traces the server with strace and moves its clock with libfaketime, both packages of Debian and its like, and
# has the release build serve. The short form of these tests, which `make test` runs, does without all three.
.PHONY: reliability
reliability: rig ## Run the reliability suite in full: restarts, swaps, crowds, slow clients, clocks (some fifteen minutes)
	@{ command -v strace && command -v faketime; } >/dev/null || \
	  apt-get install --yes --no-install-recommends strace faketime
	$(CARGO) build --release --locked --bin tokenward
	TOKENWARD_SERVER=$(abspath $(TARGET))/release/tokenward \
	  TOKENWARD_RELIABILITY=full $(CARGO) test --locked --test integration -- --nocapture --test-threads=1 reliability:: $(ARGS)

.PHONY: rig
rig: ## Build etcd, kube-apiserver, kube-controller-manager and kubectl for the tests (once, some six minutes)
	tests/apiserver/build

.PHONY: playground
playground: rig ## Start an API server with tokenward installed, to try things on, until Ctrl-C
	$(CARGO) build --quiet --locked --bin tokenward --example $@
	$(CARGO) run --quiet --locked --example playground

.PHONY: record
record: rig ## Record the reviews in tests/fixtures/reviews anew from a real API server
	$(CARGO) build --quiet --locked --bin tokenward --example $@
	$(CARGO) run --quiet --locked --example record

.PHONY: bench
bench: ## Measure what a decision and a whole call cost, beside what does nothing, as tables. ARGS=calls for a part
	$(if $(ARGS),,$(CARGO) bench --locked --bench floor)
	$(CARGO) run --quiet --release --locked --example load -- $(ARGS)

.PHONY: soak
soak: ## Half an hour of load: nothing may grow. SOAK_SECONDS=60 for less
	$(CARGO) run --quiet --release --locked --example load -- soak $(SOAK_SECONDS) $(SOAK_RATE)

.PHONY: fuzz
fuzz: $(CARGO_FUZZ) ## Look for input that breaks something, an hour in all. FUZZ_SECONDS=60 for less of each, ARGS=policy for one
	PATH="$(abspath $(dir $(CARGO_FUZZ))):$$PATH" CARGO=$(CARGO) tests/fuzz/run $(FUZZ_SECONDS) $(ARGS)

.PHONY: alerts
alerts: ## Check the alert rules and test when they fire (needs promtool: Debian's package prometheus)
	$(PROMTOOL) check rules docs/alerts.yaml
	$(PROMTOOL) test rules tests/alerts/tests.yaml

.PHONY: lint
lint: fmt clippy doc core deny ## Check formatting, lints, documentation, the core by itself, and dependencies

.PHONY: fmt
fmt:
	$(CARGO) fmt --check

.PHONY: clippy
clippy:
	$(CARGO) clippy --locked --all-targets -- -D warnings

.PHONY: doc
doc:
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --quiet

# The decision core must build without everything around it.
.PHONY: core
core:
	$(CARGO) clippy --locked --no-default-features --lib -- -D warnings

.PHONY: deny
deny: $(CARGO_DENY)
	$(CARGO_DENY) --locked --all-features check --hide-inclusion-graph bans licenses sources

# Not a part of `lint`: it asks the RustSec database on GitHub, and what was published there today says nothing of a change.
.PHONY: advisories
advisories: $(CARGO_DENY) ## Look for known vulnerabilities in the dependencies (needs github.com)
	$(CARGO_DENY) --locked --all-features check advisories

$(CARGO_DENY):
	$(CARGO) install --locked --root $(TARGET)/tools/cargo-deny-$(CARGO_DENY_VERSION) cargo-deny@$(CARGO_DENY_VERSION)

$(CARGO_FUZZ):
	$(CARGO) install --locked --root $(TARGET)/tools/cargo-fuzz-$(CARGO_FUZZ_VERSION) cargo-fuzz@$(CARGO_FUZZ_VERSION)

# Mutants of the decision core, judged by the core's own tests; some two hours on two cores. ARGS can choose a part, such as
# ARGS="--shard 1/8" or ARGS="--file src/policy/rules/*.rs".
CARGO_MUTANTS_VERSION := 27.1.0
CARGO_MUTANTS := $(TARGET)/tools/cargo-mutants-$(CARGO_MUTANTS_VERSION)/bin/cargo-mutants

.PHONY: mutants
mutants: $(CARGO_MUTANTS) ## Change the decision core in hundreds of ways, and list those that no test notices
	$(CARGO_MUTANTS) mutants --no-default-features --in-place --no-times --output $(TARGET) \
	  $(or $(ARGS),--file 'src/policy/**' --file 'src/token/**' --file 'src/injection/**') -- --locked --lib --test decisions

$(CARGO_MUTANTS):
	$(CARGO) install --locked --root $(TARGET)/tools/cargo-mutants-$(CARGO_MUTANTS_VERSION) cargo-mutants@$(CARGO_MUTANTS_VERSION)

.PHONY: certs
certs: ## Make an authority and a serving certificate in certs/, for an install without cert-manager
	$(TOKENWARD) certs make --out certs

.PHONY: manifests
manifests: ## Render manifests/ anew
	$(TOKENWARD) manifests --out-dir manifests

.PHONY: docs
docs: ## Write the generated pages of docs/ anew
	TOKENWARD_WRITE_DOCS=1 $(CARGO) test --quiet --locked --test integration generated_pages_are_those_of_the_code

.PHONY: help
help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r target text; do \
	  printf '  make %-12s %s\n' "$$target" "$$text"; \
	done
