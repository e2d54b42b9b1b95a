# Needs Python 3.11 or later and make; `make setup` brings the rest into .venv.
.SUFFIXES:
.DEFAULT_GOAL := help
.PHONY: help setup run test check format bench bench-peers bench-growth bench-report bench-race bench-time bench-entrance lock dist clean

PYTHON ?=
WORKERS ?= auto
ARGS ?=
BIN = .venv/bin
READY = .venv/.ready
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## install everything into .venv (PYTHON=... chooses the interpreter)

$(READY): pyproject.toml requirements/dev.txt
	@set -e; \
	python=; \
	for candidate in $(if $(PYTHON),"$(PYTHON)",python3.11 python3.12 python3.13 python3); do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    python=$$candidate; break; \
	  fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "kalends needs Python 3.11 or later. Install it, or name it: make setup PYTHON=/path/to/python3" >&2; \
	  exit 1; \
	fi; \
	if $(BIN)/python -m pip --version >/dev/null 2>&1; then exit 0; fi; \
	echo "Creating .venv with $$("$$python" --version)"; \
	rm -rf .venv; \
	"$$python" -m venv .venv >/dev/null 2>&1 \
	|| { rm -rf .venv; "$$python" -m virtualenv --quiet .venv 2>/dev/null; } \
	|| { rm -rf .venv; "$$python" -m venv --without-pip .venv 2>/dev/null \
	     && "$$python" -m pip --python $(BIN)/python install --quiet pip; } \
	|| { rm -rf .venv; uv venv --quiet --seed --python "$$python" .venv 2>/dev/null; } \
	|| { rm -rf .venv; \
	     echo "$$python can make no virtual environment: install its venv and ensurepip" >&2; \
	     echo "(Debian and Ubuntu: apt-get install python3-venv), or pip, virtualenv or uv, and try again." >&2; \
	     exit 1; }
	@echo "Installing what requirements/dev.txt locks"
	@$(PIP) install --require-hashes --requirement requirements/dev.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $(READY)

run: setup ## start a service with sample data on this machine
	$(BIN)/kalends demo

test: setup ## run every test and hold the coverage floors (WORKERS=2 ARGS="-k word")
	@mkdir -p build
	@rm -f build/coverage.json .coverage .coverage.*
	$(BIN)/python -m pytest -n $(WORKERS) --cov --cov-report=term --cov-report=json:build/coverage.json $(ARGS)
	$(BIN)/python tests/coverage_floor.py build/coverage.json

check: setup ## lint, formatting, types and the import rules
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/basedpyright
	$(BIN)/lint-imports --no-logo

format: setup ## format the code and mend what can be mended
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

bench: setup ## what requests cost, against the floor (ARGS=--quick takes under 3 minutes)
	PYTHONPATH=. $(BIN)/python bench/run.py $(ARGS)

bench-peers: setup ## the same, beside other ways to answer the same requests (needs Node.js for two of them)
	PYTHONPATH=. $(BIN)/python bench/run.py --peers $(ARGS)

bench-growth: setup ## what reads cost at 100,000, a million and ten million events (ARGS=--help)
	PYTHONPATH=. $(BIN)/python bench/growth.py $(ARGS)

bench-report: setup ## write what was measured into docs/performance.md
	PYTHONPATH=. $(BIN)/python bench/report.py $(ARGS)

bench-race: setup ## race for the same slots over HTTP on both engines (ARGS=--help)
	PYTHONPATH=. $(BIN)/python bench/race.py $(ARGS)

bench-time: setup ## find-time, free/busy and the pool at a million events (ARGS=--help)
	PYTHONPATH=. $(BIN)/python bench/people_time.py $(ARGS)

bench-entrance: setup ## what it costs to know who asks, in the hot list (ARGS=--help)
	PYTHONPATH=. $(BIN)/python bench/entrance.py $(ARGS)

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-strip-extras \
	--no-emit-index-url --no-emit-find-links --no-emit-build-options $(ARGS) pyproject.toml

lock: setup ## lock the newest versions that keep the old ones where they are (ARGS=--upgrade renews all)
	@test -x $(BIN)/uv || $(PIP) install uv
	$(COMPILE) --output-file requirements/runtime.txt
	$(COMPILE) --group dev --constraint requirements/runtime.txt --output-file requirements/dev.txt
	@if grep -nE '://|^ *(-i|-f|--index|--extra-index|--find-links)' requirements/*.txt; then \
	  echo "A lock file names an address" >&2; exit 1; \
	fi

dist: ## pack the last commit as dist/kalends-<version>.zip
	@mkdir -p dist
	@version=$$(awk -F '"' '/^version = / { print $$2; exit }' pyproject.toml); \
	git archive --format=zip --prefix="kalends-$$version/" --output="dist/kalends-$$version.zip" HEAD \
	&& echo "dist/kalends-$$version.zip"

clean: ## remove everything that make has made
	rm -rf .venv build dist .coverage .coverage.* .hypothesis .import_linter_cache .pytest_cache .ruff_cache .schemathesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
