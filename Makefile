# Two commands do everything on a fresh machine with python3.11 or newer:
#   make demo   sets up .venv, then goes the whole way on open stand-ins
#   make test   sets up .venv, then runs the tests
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed

.PHONY: demo test setup lint format types contracts docs wheel check clean

demo: setup
	$(BIN)/fertools demo

test: setup
	$(BIN)/pytest

setup: $(STAMP)

$(STAMP): pyproject.toml scripts/make_venv.sh
	PYTHON="$(PYTHON)" scripts/make_venv.sh
	@touch $@

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: setup
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: setup
	$(BIN)/mypy

contracts: setup
	$(BIN)/lint-imports

docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

wheel: setup
	PYTHON="$(PYTHON)" scripts/check_wheel.sh

check: lint types contracts docs wheel test

clean:
	rm -rf .venv build dist site demo .pytest_cache .mypy_cache .ruff_cache
