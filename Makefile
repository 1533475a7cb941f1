# Shortcuts only: each is one command that works without make too.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test setup lint format bench tables pages site clean

demo:
	$(PYTHON) -m tests.demo

test:
	$(PYTHON) -m tests

setup:
	$(PYTHON) -m tests.environment

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: setup
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: setup
	$(BIN)/pytest -m bench

tables: setup
	$(BIN)/python -m laurel_mp.records.tables.generate

pages: setup
	$(BIN)/python -m laurel_mp.config.reference
	$(BIN)/python -m laurel_mp.observe.reference
	$(BIN)/python -m laurel_mp.manual
	$(BIN)/python -m tests.picture
	$(BIN)/python -m tests.differential.migration

site: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf .venv .venv.lock build site dist .coverage .coverage.* htmlcov
	rm -rf .fuzz .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
