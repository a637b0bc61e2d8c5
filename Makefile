# Two commands do everything on a machine with Python 3.11+, make and git:
#   make run    the demo: a simulated bot, its policies, and a schedule that keeps them fresh
#   make test   every test, on SQLite and on a real Postgres

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/installed-
# More than the two cores of a small machine: many tests wait for processes that they have started.
TESTS_AT_ONCE ?= 4

.PHONY: run test faults check format docs benchmarks clean

run: $(STAMP)run
	$(BIN)/router-policy demo

test: $(STAMP)test
	$(BIN)/python -m pytest -n $(TESTS_AT_ONCE) --dist loadgroup -m "not long" -q

faults: $(STAMP)test
	$(BIN)/python -m pytest -n 2 --dist loadgroup tests/faults tests/web/test_schemathesis.py -q

check: $(STAMP)test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Write the documents again that are made from the code.
docs: $(STAMP)test
	$(BIN)/python -m docs.generators.schema_page > docs/schema.md
	$(BIN)/python -m docs.generators.api_page > docs/api.md
	$(BIN)/python -m docs.generators.documented_queries < docs/sql.md > docs/datasette.yml

benchmarks: $(STAMP)benchmark
	$(BIN)/python -m benchmarks

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(VENV)

$(STAMP)run: $(BIN)/python pyproject.toml client/pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[web]" --editable ./client
	touch $@

$(STAMP)test: $(BIN)/python pyproject.toml client/pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[test,check,spark]" --editable ./client
	touch $@ $(STAMP)run

$(STAMP)benchmark: $(STAMP)test
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[benchmark]"
	touch $@

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
