# Everything a person types here is one of these. Each target says what it does: make help.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
LOCK = $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
       --no-emit-index-url --no-emit-find-links --no-header --quiet $(LOCKFLAGS)

.PHONY: help run demo tour test county province chaos drill fuzz advisories cluster contracts lint format types bench lock clean runtime dev

help:  ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: runtime  ## start the whole system in one process; needs only Python 3.11 or later
	@exec $(BIN)/dixian up $(ARGS)

demo: runtime  ## walk one household through the running system, step by step, over HTTP
	@exec $(BIN)/dixian demo $(ARGS)

tour: runtime  ## fill the running demo, so that everybody has something to do on the pages
	@exec $(BIN)/dixian tour $(ARGS)

cluster: runtime  ## the production shape without Docker: Kafka, PostgreSQL, every service its own processes
	@exec $(BIN)/dixian cluster up $(ARGS)

test: dev lint types  ## everything: lint, types, unit, integration, contract, end to end, both lanes
	@$(BIN)/pytest -n 2 --dist loadscope --no-loadscope-reorder $(ARGS)

county: dev  ## ten thousand households lived through two years and recounted (HOUSEHOLDS=10000)
	@DIXIAN_COUNTY_HOUSEHOLDS=$${HOUSEHOLDS:-10000} \
	    $(BIN)/pytest -q -s tests/integration/assistance/test_county_year.py $(ARGS)

province: dev  ## a province's year over HTTP on a whole cluster, a flood in it (SCALE=0.02 of a province)
	@$(BIN)/python -m bench.province --scale $${SCALE:-0.02} $(ARGS)

chaos: dev  ## a cluster under load while everything fails, then checked (DURATION=600 SEED=1 REPLICAS=2)
	@$(BIN)/python -m tests.chaos.run --seconds $${DURATION:-600} --replicas $${REPLICAS:-2} \
	    $${SEED:+--seed $$SEED} $(ARGS)
	@REQUIRE_KAFKA=1 $(BIN)/pytest -q tests/chaos

drill: dev  ## back a cluster up under load, destroy it, restore it elsewhere, verify all of it
	@$(BIN)/python -m tests.chaos.drill $(ARGS)

contracts: runtime  ## write what follows from the code: AsyncAPI 3, JSON Schema, the table of access
	@$(BIN)/dixian contracts $(ARGS)
	@$(BIN)/dixian access

fuzz: dev  ## every endpoint as every role, every aggregate and the bus, every file parser, the verifier: long
	@DIXIAN_FUZZ_CASES=$${DIXIAN_FUZZ_CASES:-60} $(BIN)/pytest tests/unit/tabular/test_mutated.py \
	    tests/unit/bus/test_sorting_machine.py tests/unit/aggregates \
	    tests/unit/identification/test_invariants.py tests/unit/identification/test_register_machine.py \
	    tests/unit/assistance/test_any_story.py \
	    tests/integration/audit/test_mutated_export.py tests/end_to_end/test_schema.py $(ARGS)

advisories: dev  ## ask the advisory services about every locked package
	@$(BIN)/python deploy/advisories.py

lint: dev  ## ruff, and the import rules
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/lint-imports --no-cache

format: dev  ## let ruff put the code into its form
	@$(BIN)/ruff check --fix-only . ; $(BIN)/ruff format .

types: dev  ## strict type checking
	@$(BIN)/mypy

bench: dev  ## the benchmarks, each beside what it is compared with (ARGS="profile command": where its time goes)
	@$(BIN)/python -m bench $(ARGS)

lock: dev  ## resolve the dependencies anew into both lock files (LOCKFLAGS=--upgrade for newer ones)
	@$(LOCK) --group build -o requirements.lock
	@$(LOCK) --group build --group dev -c requirements.lock -o requirements-dev.lock

clean:  ## remove the environment and caches; var/ (the data) stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

runtime:
	@deploy/prepare runtime

dev:
	@deploy/prepare dev
