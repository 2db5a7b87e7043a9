# Two commands matter: `make run` and `make test`. Both install what is missing (Debian packages; root or sudo).
SWIFT_FLAGS := --explicit-target-dependency-import-check error
HUB := .build/release/hub

.DEFAULT_GOAL := help
.PHONY: help run test conformance fuzz sanitize soak bench build debug dependencies test-dependencies bench-dependencies dev-cert check format clean

help:
	@echo "make run          install what is missing, build, serve the demo and say which pages to open"
	@echo "make test         install what is missing and pass every test"
	@echo "make conformance  the whole Autobahn test suite against a release build, in clear and under TLS"
	@echo "make fuzz         feed every parser of outside bytes what libFuzzer makes up, 60 s each (SECONDS=, TARGET=)"
	@echo "make sanitize     the tests under ThreadSanitizer and AddressSanitizer"
	@echo "make soak         half an hour of faults on three hubs, and not one event lost, repeated or swapped (FOR=, SEED=)"
	@echo "make bench        print cost and latency beside a floor and other servers, measured in the same run"
	@echo "make dev-cert     make certificates for trying TLS on this machine, and say how to use them"
	@echo "make check        the rules that run: layout, file budget, formatting"
	@echo "make clean        remove what was built (not ./var)"

run: dependencies build
	$(HUB) serve --demo

test: test-dependencies
	@scripts/test

dev-cert:
	@scripts/dependencies dev-cert
	@scripts/dev-cert

conformance: test-dependencies build
	@Tests/Conformance/run whole

bench: bench-dependencies build
	@Tests/Bench/run

fuzz: test-dependencies
	@Tests/Fuzz/run $(or $(SECONDS),60) $(TARGET)

sanitize: test-dependencies
	@scripts/sanitize

soak: test-dependencies build
	@Tests/Faults/run soak --hub $(HUB) $(if $(FOR),--for $(FOR)) $(if $(SEED),--seed $(SEED))

build:
	swift build -c release $(SWIFT_FLAGS)

debug:
	swift build --build-tests $(SWIFT_FLAGS)

dependencies:
	@scripts/dependencies run

test-dependencies:
	@scripts/dependencies run test

bench-dependencies:
	@scripts/dependencies run bench

check:
	@scripts/check

format:
	swift format --in-place --recursive --parallel Sources Tests Package.swift

clean:
	rm -rf .build Tests/Bench/bin
