# Each target does its own set-up: a virtual environment from constraints.txt.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Processes that run tests; each compiles the kernels that it finds in no cache.
WORKERS ?= 2
PYTEST := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

.PHONY: help verify test test-full test-slow test-frameworks soundness coverage mutants lint types benchmarks clean

help:
	@echo "make verify   install, run the ledger of claims, print the verdict table"
	@echo "make test     install, lint, type-check, run the fast tests (under 3 minutes on 2 cores once the kernels are compiled)"
	@echo "make test-full   the same with all tests but the slow ones; WORKERS=8 for 8 processes"
	@echo "make test-slow   the statistical checks that take minutes"
	@echo "make soundness   p-values and power of every statistical test; writes docs/soundness.md"
	@echo "make coverage    branch coverage of theory, simulate and proofs_check; at least 97 %"
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
	$(PYTEST) -m "not full and not slow"

test-full: lint types
	$(PYTEST) -m "not slow"

test-slow: $(VENV)/.ready
	$(BIN)/pytest -m slow

# Through a file, so that a run that fails or is broken off leaves the page as it was.
soundness: $(VENV)/.ready
	$(BIN)/pytest -m slow -k soundness -s -v | $(BIN)/python tests/helpers/soundness_page.py > soundness.md.new
	mv soundness.md.new docs/soundness.md

# Without the wrong formulas, which run changed code under the names of real files, and what the clock judges.
ROOMS := theory simulate proofs_check
coverage: $(VENV)/.ready
	$(PYTEST) -m "not slow and not timed" --ignore=tests/tests_of_tests --cov --cov-report=
	for room in $(ROOMS); do $(BIN)/coverage report --include="$$room/*" || exit 1; done

# Resumable: Ctrl-C, and the next call goes on. SAMPLE=1000 tries a random sample that stays the same; ONLY=theory.b
# modules of that name; AGAIN=1 the survivors once more, with TESTS=bounds,test_store on those test files only;
# KNOWN=1 goes on from the record docs/mutants.txt, RECORD=1 writes it. The session is .mutants/session.sqlite.
mutants: $(VENV)/.ready
	$(BIN)/python -m mutation $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(ONLY),--only $(ONLY)) $(if $(AGAIN),--again) \
	  $(if $(TESTS),--tests $(TESTS)) \
	  $(if $(SECONDS),--seconds $(SECONDS)) $(if $(KNOWN),--known) $(if $(RECORD),--record)

benchmarks: $(VENV)/.ready
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage

# Every initialiser against draws of the framework itself; installs torch, jax, flax and keras.
test-frameworks: $(VENV)/.ready
	PIP_CONSTRAINT=constraints.txt $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,frameworks]'
	KERAS_BACKEND=jax $(BIN)/pytest tests/specs/test_initialisers.py tests/specs/test_initialisers_sampled.py
