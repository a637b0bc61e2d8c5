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
HUMMINGBOT_VENV := .venv-hummingbot
HUMMINGBOT_VERSION := 20260922
# What its executors, controllers and recorder import, of all that it names.
HUMMINGBOT_NEEDS := aiohttp aiomqtt aioprocessing "async-timeout<5" base58 bidict cachetools cryptography eth-account \
	hexbytes "pandas<3" prompt_toolkit protobuf psutil pydantic pyyaml requests ruamel.yaml scipy sqlalchemy tabulate \
	tqdm typer ujson
REQUIREMENTS := pyproject.toml client/pyproject.toml constraints.txt
INSTALL := -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# More than the two cores of a small machine: many tests wait for processes that they have started.
TESTS_AT_ONCE ?= 4
SHORT_TESTS := -m pytest -n $(TESTS_AT_ONCE) --dist loadgroup -m "not long" -q

# Tests start hundreds of processes: none should compile again what another has compiled.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: install run site unit test bots hummingbot coverage faults check format docs benchmarks clean

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

# The same with hummingbot, which has no wheel: its extensions are built here, which takes minutes. No check needs it.
hummingbot: $(HUMMINGBOT_VENV)/installed
	$(HUMMINGBOT_VENV)/bin/python -m pytest -W default -q tests/bots/test_hummingbot_loop.py tests/client/test_hummingbot_part.py

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
	$(BIN)/python -m docs.generators.settings_page > docs/settings.md
	$(BIN)/python -m docs.generators.documented_queries < docs/sql.md > console/files/datasette.yml

# The documentation as a site, in build/site; a warning is an error.
site: $(STAMP)test
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

benchmarks: $(STAMP)benchmark
	$(BIN)/python -m benchmarks

$(BIN)/python $(CHECK_BIN)/python $(BOTS_BIN)/python $(HUMMINGBOT_VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv $(@D:/bin=)

$(CHECK_VENV)/installed: $(CHECK_BIN)/python $(REQUIREMENTS)
	$(CHECK_BIN)/python $(INSTALL) --editable ".[check]" --editable ./client
	touch $@

$(BOTS_VENV)/installed: $(BOTS_BIN)/python $(REQUIREMENTS) constraints-bots.txt
	$(BOTS_BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints-bots.txt \
		--editable ".[bots]" --editable ./client
	touch $@

$(HUMMINGBOT_VENV)/installed: $(HUMMINGBOT_VENV)/bin/python $(REQUIREMENTS)
	$(<D)/python -m pip install --quiet --disable-pip-version-check cython setuptools wheel hypothesis pytest $(HUMMINGBOT_NEEDS) \
		--editable . --editable ./client
	$(<D)/python -m pip download --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-binary hummingbot \
		--dest $(@D) hummingbot==$(HUMMINGBOT_VERSION)
	tar -xzf $(@D)/hummingbot-$(HUMMINGBOT_VERSION).tar.gz -C $(@D)
	cd $(@D)/hummingbot-$(HUMMINGBOT_VERSION) && WITHOUT_CYTHON_OPTIMIZATIONS=1 ../bin/python setup.py --quiet build_ext --inplace
	$(<D)/python -c 'import pathlib, sysconfig; pathlib.Path(sysconfig.get_path("purelib"), "hummingbot.pth").write_text("$(abspath $(@D))/hummingbot-$(HUMMINGBOT_VERSION)\n")'
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
	rm -rf $(VENV) $(CHECK_VENV) $(BOTS_VENV) $(HUMMINGBOT_VENV) build dist *.egg-info .coverage* .pytest_cache .mypy_cache .ruff_cache .hypothesis
