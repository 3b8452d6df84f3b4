# One command for each thing that is done here; `make help` lists them.
# Everything is installed into .venv, with the versions that constraints/ pins.

.DEFAULT_GOAL := help
SHELL := /bin/sh

BIN := .venv/bin
JOBS ?= 2

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# The pin decides pyright's version; that there is a newer one is no news for a user of make.
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

# --- which Python -------------------------------------------------------------------------------
GOALS_WITHOUT_PYTHON := help clean
ifneq ($(filter-out $(GOALS_WITHOUT_PYTHON),$(MAKECMDGOALS)),)
VENV_BASE := $(shell $(BIN)/python -c 'import sys; print(sys._base_executable)' 2>/dev/null)
ifneq ($(and $(VENV_BASE),$(if $(PYTHON),,yes)),)
FOUND_PYTHON := $(VENV_BASE)
else
FOUND_PYTHON := $(shell sh scripts/find-python '$(PYTHON)')
ifeq ($(FOUND_PYTHON),)
# find-python has said why. A failing recipe or $(error) would add make's own lines and exit 2;
# a make that is only asked whether its goals are made says nothing and exits 1.
MAKEFLAGS += --question
.PHONY: $(MAKECMDGOALS)
endif
endif
ifeq ($(VENV_BASE),)
# Missing, or its Python is gone.
.venv/.created: FORCE
endif
endif

# Newer Djangos than the one with long-term support need Python 3.12.
DJANGO := $(if $(FOUND_PYTHON),$(shell '$(FOUND_PYTHON)' -c 'import sys; print("latest" if sys.version_info >= (3, 12) else "lts")'),latest)
CONSTRAINTS := constraints/tools.txt constraints/mypy-latest.txt constraints/django-$(DJANGO).txt

.PHONY: help demo demo-django test unit packaging typecheck check bench fuzz soak clean FORCE

help:
	@echo 'make demo       check the example with mypy and pyright, show what they infer, run it'
	@echo 'make demo-django  a Django site with asgiref, beside it and in its place: requests a second'
	@echo 'make test       all the tests: make unit, packaging, typecheck and check'
	@echo 'make unit       the unit tests, with coverage            (ARGS="-k name")'
	@echo 'make packaging  build, install and use the package       (ARGS="-k name")'
	@echo 'make typecheck  what each type checker must say          (ARGS="-k pyright")'
	@echo 'make check      ruff, import-linter, mypy both ways, pyright, stubtest, verifytypes'
	@echo 'make bench      measure the hops                         (ARGS="--list")'
	@echo 'make fuzz       20,000 generated programs through both libraries (minutes)'
	@echo 'make soak       a million calls in all styles, what the process holds meanwhile (minutes)'
	@echo 'make clean      remove .venv, .nox, builds and caches'
	@echo
	@echo 'PYTHON=/path/to/python makes .venv with that Python (3.11 or newer).'

# --- the environment ----------------------------------------------------------------------------
# New pins: a new environment. A changed pyproject.toml: only what it added is installed.
.venv/.created: $(CONSTRAINTS)
	@echo 'Making .venv with $(FOUND_PYTHON)'
	@'$(FOUND_PYTHON)' -m venv --clear .venv
	@$(BIN)/python -m pip install -qq -c constraints/tools.txt pip
	@touch $@

.venv/.installed: .venv/.created pyproject.toml
	@echo 'Installing the development tools into .venv (a minute the first time)'
	@$(BIN)/python -m pip install -qq $(CONSTRAINTS:%=-c %) --group dev
	@$(BIN)/python -m pip install -qq --no-build-isolation --no-deps -e .
	@touch $@

# --- what it is for -----------------------------------------------------------------------------
demo: .venv/.installed
	@$(BIN)/python -m examples.code_index.demo $(ARGS)

demo-django: .venv/.installed
	@cd examples/library_site && '$(CURDIR)/$(BIN)/python' demo.py

test: unit packaging typecheck check

# worksteal keeps neighbouring tests, and so what they share, in one worker. loadfile and loadgroup
# would do that better, but stop with an internal error when a hanging test ends its worker.
unit: .venv/.installed
	$(BIN)/python -m pytest tests -m 'not packaging' -n $(JOBS) --dist worksteal --cov --cov-report=term $(ARGS)

# In one process: the tests share what was built and installed.
packaging: .venv/.installed
	$(BIN)/python -m pytest tests/test_packaging.py $(ARGS)

typecheck: .venv/.installed
	$(BIN)/python -m pytest typecheck_tests -n $(JOBS) --dist worksteal $(ARGS)

# With a stub beside it, mypy reads a module's stub and skips its source: the second run leaves the
# stubs out. It has a cache of its own, or each run would throw away the other's.
# verifytypes asks the first python on PATH where packages are, whatever --pythonpath says.
check: .venv/.installed
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy typedbridge
	$(BIN)/mypy --cache-dir .mypy_cache/sources --exclude '\.pyi$$' typedbridge
	$(BIN)/mypy tests
	$(BIN)/mypy examples bench typecheck_tests noxfile.py scripts/*.py
	cd examples/library_site && '$(CURDIR)/$(BIN)/mypy' --cache-dir '$(CURDIR)/.mypy_cache/library_site' .
	$(BIN)/python -m mypy.stubtest typedbridge --allowlist scripts/stubtest-allowlist.txt --ignore-unused-allowlist
	$(BIN)/pyright --pythonpath $(BIN)/python
	PATH='$(CURDIR)/$(BIN)':"$$PATH" pyright --verifytypes typedbridge --ignoreexternal

bench: .venv/.installed
	@$(BIN)/python -m bench $(ARGS)

# Too long for every day; `make unit` makes short runs of both.
fuzz: .venv/.installed
	@PYTHONPATH=tests $(BIN)/python -m fuzz $(ARGS)

soak: .venv/.installed
	@PYTHONPATH=tests $(BIN)/python -m soak --plot .build/soak.svg $(ARGS)

clean:
	rm -rf .venv .nox .build dist .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .dmypy.json
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
