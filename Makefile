# Two commands do everything: make demo, make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help venv demo test coverage lint bench soak translations clean

help:  ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

venv: $(STAMP)  ## Make .venv with everything the demo and the tests need

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, this is %d.%d. Name another one: make PYTHON=python3.12 ..." % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(STAMP)  ## Run the whole product on this machine (ONCE=1: play one round and end)
	@$(BIN)/python -m host_app.demo $(if $(ONCE),--once)

test: $(STAMP) lint  ## Lint, types and all tests; those in a browser where a Chromium is (CHROMIUM=path)
	$(BIN)/python -m pytest -n 2 $(PYTEST_ARGS)

coverage: $(STAMP)  ## All tests again, with what they cover (half as long again)
	$(BIN)/python -m pytest -n 2 --cov --cov-report=term $(PYTEST_ARGS)

lint: $(STAMP)  ## ruff, ruff format and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP)  ## Measure the figures of benchmarks/README.md
	$(BIN)/python -m benchmarks

soak: $(STAMP)  ## Inject 10,000 faults and count what is lost or doubled (SOAK_ARGS="--seed 1")
	$(BIN)/python -m tests.soak $(SOAK_ARGS)

TRANSLATIONS := sms_plugin/translations
translations: $(STAMP)  ## Renew the catalogues after sentences were changed
	@mkdir -p build
	$(BIN)/pybabel -q extract -F pyproject.toml --no-default-keywords --sort-output --no-location --omit-header \
		-k say -k say_count:1,2 -k mark -k lazy -k sms_ -k sms_count:1,2 -k say_html -k sms_html -o build/sms_plugin.pot .
	$(BIN)/pybabel -q update -D sms_plugin -i build/sms_plugin.pot -d $(TRANSLATIONS) --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --no-wrap
	$(BIN)/pybabel -q compile -D sms_plugin -d $(TRANSLATIONS)

clean:  ## Remove the virtual environment and all that was made
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .coverage* instance artefacts
