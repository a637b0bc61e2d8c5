# Two commands do everything on a machine with Python 3.11+, make and git:
#   make run    the demo: a simulated bot, its policies, and a schedule that keeps them fresh
#   make test   every test, on SQLite and on a real Postgres
# While writing code, two more that need a small environment only, installed in under a minute:
#   make unit   the tests of pure code, in seconds
#   make check  style, types and imports

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed-
CHECK_VENV := .venv-check
CHECK_BIN := $(CHECK_VENV)/bin
BOTS_VENV := .venv-bots
BOTS_BIN := $(BOTS_VENV)/bin
REQUIREMENTS := pyproject.toml client/pyproject.toml constraints.txt
INSTALL := -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# More than the two cores of a small machine: many tests wait for processes that they have started.
TESTS_AT_ONCE ?= 4
SHORT_TESTS := -m pytest -n $(TESTS_AT_ONCE) --dist loadgroup -m "not long" -q

# Tests start hundreds of processes: none should compile again what another has compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install run unit test bots coverage faults check format docs benchmarks clean

# All that tests need, in .venv.
install: $(STAMP)test

run: $(STAMP)run
	$(BIN)/router-policy demo

unit: $(CHECK_VENV)/installed
	$(CHECK_BIN)/python -m pytest -q tests/unit

test: $(STAMP)test
	$(BIN)/python $(SHORT_TESTS)

# `make test`, with a measure of which branches of the code are run; some slower, so not the default.
coverage: $(STAMP)test
	$(BIN)/coverage erase
	$(BIN)/coverage run $(SHORT_TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# Closed loops with the programs of the bots that people run: freqtrade, NautilusTrader, ccxt.
bots: $(BOTS_VENV)/installed
	$(BOTS_BIN)/python -m pytest -n 2 --dist loadscope -q tests/bots

# Every long form, wherever it stands, and the short forms of the fault catalogue.
faults: $(STAMP)test
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "long" -q
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not long" -q tests/faults

check: $(CHECK_VENV)/installed
	$(CHECK_BIN)/ruff check .
	$(CHECK_BIN)/ruff format --check .
	$(CHECK_BIN)/mypy
	$(CHECK_BIN)/lint-imports

format: $(CHECK_VENV)/installed
	$(CHECK_BIN)/ruff format .
	$(CHECK_BIN)/ruff check --fix .

# Write the documents again that are made from the code.
docs: $(STAMP)test
	$(BIN)/python -m docs.generators.schema_page > docs/schema.md
	$(BIN)/python -m docs.generators.api_page > docs/api.md
	$(BIN)/python -m docs.generators.documented_queries < docs/sql.md > docs/datasette.yml

benchmarks: $(STAMP)benchmark
	$(BIN)/python -m benchmarks

$(BIN)/python $(CHECK_BIN)/python $(BOTS_BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(@D:/bin=)

$(CHECK_VENV)/installed: $(CHECK_BIN)/python $(REQUIREMENTS)
	$(CHECK_BIN)/python $(INSTALL) --editable ".[check]" --editable ./client
	touch $@

$(BOTS_VENV)/installed: $(BOTS_BIN)/python $(REQUIREMENTS) constraints-bots.txt
	$(BOTS_BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints-bots.txt \
		--editable ".[bots]" --editable ./client
	touch $@

$(STAMP)run: $(BIN)/python $(REQUIREMENTS)
	$(BIN)/python $(INSTALL) --editable ".[web]" --editable ./client
	touch $@

$(STAMP)test: $(BIN)/python $(REQUIREMENTS)
	$(BIN)/python $(INSTALL) --editable ".[test]" --editable ./client
	touch $@ $(STAMP)run

$(STAMP)benchmark: $(STAMP)test
	$(BIN)/python $(INSTALL) --editable ".[benchmark]"
	touch $@

clean:
	rm -rf $(VENV) $(CHECK_VENV) $(BOTS_VENV) build dist *.egg-info .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis
