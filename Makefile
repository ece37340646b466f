# Everything a newcomer needs: `make run`, then `make test`. Each sets up what it needs.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?= data
.DEFAULT_GOAL := help
# Hundreds of processes that tests start would each compile all of it anew.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: run test test-fast check bench attacks lint help debian witness clean

run: $(VENV)/run.stamp ## an office of sample people: drives requests through every step, then opens its pages
	test -e $(DATA)/sample-passwords.json || $(BIN)/paraaf demo --data $(DATA) --requests 10 --waiting 3 --history 3 --out out
	@echo 'To have paraaf in reach: export PATH="$$PWD/$(BIN):$$PATH"'
	$(BIN)/paraaf serve --data $(DATA)

test: $(VENV)/test.stamp debian witness ## every test, including what it needs from Debian
	$(BIN)/python -m pytest -n 3 --dist worksteal

test-fast: $(VENV)/test.stamp ## the unit tests, under a minute
	$(BIN)/python -m pytest -n 2 -q -m "not slow and not witness" tests/unit

check: lint test ## what CI runs

lint: $(VENV)/test.stamp ## style, types, definitions
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/paraaf definitions check

bench: $(VENV)/test.stamp ## time signing, rendering, verifying, the engine; the table is kept in benchmarks/
	$(BIN)/python -m benchmarks

attacks: $(VENV)/test.stamp ## change every byte of signed files, read hostile ones; the table is kept in benchmarks/
	$(BIN)/python -m benchmarks attacks

debian:
	@tests/debian-packages

witness: $(VENV)/test.stamp
	@tests/witness/build
	@tests/witness/bpmn/build

$(VENV)/python.stamp:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Paraaf needs Python 3.11 or later; set PYTHON=…")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/run.stamp: $(VENV)/python.stamp pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[test]'
	@touch $@

clean: ## remove the environment and what the sample run made
	rm -rf $(VENV) $(DATA) out

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12
