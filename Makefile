# Each target does its own set-up: a virtual environment from constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help verify test test-slow test-frameworks lint types benchmarks mutants clean

help:
	@echo "make verify   install, run the ledger of claims, print the verdict table"
	@echo "make test     install, lint, type-check, run the tests"
	@echo "make test-slow   the statistical checks that take minutes"
	@echo "make test-frameworks   initialisers against torch, jax, flax and keras themselves"
	@echo "make mutants  wrong code that the tests have to notice; resumable, SAMPLE=1000 for a part"
	@echo "make benchmarks  print the timings"

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "actlen needs Python 3.11 or newer; call make PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@

verify: $(VENV)/.ready
	$(BIN)/actlen verify

lint: $(VENV)/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.ready
	$(BIN)/mypy

test: lint types
	$(BIN)/pytest -m "not slow"

test-slow: $(VENV)/.ready
	$(BIN)/pytest -m slow

# Resumable: Ctrl-C, and the next call goes on. SAMPLE=1000 tries a random sample that stays the same; ONLY=theory.b
# modules of that name; AGAIN=1 the survivors once more. The session is the file .mutants/session.sqlite.
mutants: $(VENV)/.ready
	$(BIN)/python -m mutation $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(ONLY),--only $(ONLY)) $(if $(AGAIN),--again)

benchmarks: $(VENV)/.ready
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis

# Every initialiser against draws of the framework itself; installs torch, jax, flax and keras.
test-frameworks: $(VENV)/.ready
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,frameworks]'
	KERAS_BACKEND=jax $(BIN)/pytest tests/test_initialisers.py tests/test_initialisers_sampled.py
