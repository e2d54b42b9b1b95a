# Needs Python 3.11 or later and make; `make setup` brings the rest into .venv.
.SUFFIXES:
.DEFAULT_GOAL := help
.PHONY: ANEW help install setup run test check format bench bench-peers bench-growth bench-report bench-race bench-time bench-entrance bench-attacks bench-recurrence lock dist clean

PYTHON ?=
PORT ?=
WORKERS ?= auto
ARGS ?=
BIN = .venv/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCKED = install --require-hashes --requirement

# Each mark is as new as what it stands for: the environment with a pip of a known version, what serving needs, all.
ENVIRONMENT = .venv/.environment
RUNTIME = .venv/.runtime
READY = .venv/.ready

# PYTHON names another interpreter than .venv has: make it anew.
ifneq ($(PYTHON),)
WHICH = -c 'import sys; print(sys.base_prefix, sys.version)'
ifneq ($(shell { "$(PYTHON)" $(WHICH) || echo none; } 2>/dev/null),$(shell { $(BIN)/python $(WHICH); } 2>/dev/null))
$(ENVIRONMENT): ANEW
endif
endif

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

install: $(RUNTIME) ## install kalends into .venv, without what only tests need (PYTHON=... chooses the interpreter)

setup: $(READY) ## install everything into .venv

$(ENVIRONMENT): requirements/build.txt
	@sh requirements/environment.sh "$(PYTHON)"
	@$(PIP) $(LOCKED) requirements/build.txt
	@touch $@

$(RUNTIME): $(ENVIRONMENT) requirements/runtime.txt pyproject.toml
	@echo "Installing what requirements/runtime.txt locks"
	@$(PIP) $(LOCKED) requirements/runtime.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(READY): $(RUNTIME) requirements/dev.txt
	@echo "Installing what requirements/dev.txt locks"
	@$(PIP) $(LOCKED) requirements/dev.txt
	@touch $@

run: install ## start a service with sample data on this machine (PORT=8080)
	$(BIN)/kalends demo $(if $(PORT),--port $(PORT))

test: setup ## run every test and hold the coverage floors (WORKERS=2 ARGS="-k word")
	@mkdir -p build
	@rm -f build/coverage.json .coverage .coverage.*
	$(BIN)/python -m pytest -n $(WORKERS) --cov --cov-report=term --cov-report=json:build/coverage.json $(ARGS)
	$(BIN)/python tests/coverage_floor.py build/coverage.json

test-quick: setup ## run what takes no time, on SQLite alone and without coverage: for daily work
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow and not postgresql" \
	  --ignore=tests/house/test_schemathesis.py $(ARGS)

test test-quick: export PYTHONDONTWRITEBYTECODE = # what is compiled for a run is there for its processes, and for the next one

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

bench-attacks: setup ## attack a server, and see how long others wait (ARGS=--help)
	PYTHONPATH=. $(BIN)/python bench/attacks.py $(ARGS)

bench-recurrence: setup ## what recurrence rules cost to expand, hostile ones as well
	PYTHONPATH=. $(BIN)/python bench/recurrence.py $(ARGS)

COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-strip-extras \
	--no-emit-index-url --no-emit-find-links --no-emit-build-options $(ARGS)

lock: setup ## lock the newest versions that keep the old ones where they are (ARGS=--upgrade renews all)
	@test -x $(BIN)/uv || $(PIP) install uv
	$(COMPILE) pyproject.toml --output-file requirements/runtime.txt
	$(COMPILE) --group build --constraint requirements/runtime.txt --output-file requirements/build.txt
	$(COMPILE) pyproject.toml --group dev --constraint requirements/runtime.txt --constraint requirements/build.txt \
		--output-file requirements/dev.txt
	@if grep -nE '://|^ *(-i|-f|--index|--extra-index|--find-links)' requirements/*.txt; then \
	  echo "A lock file names an address" >&2; exit 1; \
	fi

dist: $(ENVIRONMENT) ## pack the last commit into dist: a zip, a source distribution and a wheel
	@rm -rf build/dist
	@mkdir -p build/dist dist
	@set -e; \
	version=$$(git show HEAD:pyproject.toml | awk -F '"' '/^version = / { print $$2; exit }'); \
	git archive --format=zip --prefix="kalends-$$version/" --output="dist/kalends-$$version.zip" HEAD; \
	git archive --format=tar HEAD | tar -x -C build/dist; \
	(cd build/dist && ../../$(BIN)/python -m hatchling build --directory ../../dist >/dev/null); \
	ls "dist/kalends-$$version.zip" "dist/kalends-$$version.tar.gz" "dist/kalends-$$version-py3-none-any.whl"
	@rm -rf build/dist

clean: ## remove everything that make has made
	rm -rf .venv build dist .coverage .coverage.* .hypothesis .import_linter_cache .pytest_cache .ruff_cache .schemathesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
