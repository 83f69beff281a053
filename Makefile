# Everything a person runs here. Needs python3 (3.11 to 3.14) and make; `make` alone lists the targets.

PYTHON  ?= python3
ARGS    ?=
SCALE   ?= quick
FIGURES ?=
EXTRAS  := networks data ray postgres mlflow tensorboard page altair test lint docs

VENV := .venv
BIN  := $(VENV)/bin
LOCK := requirements.lock
PIP  := $(BIN)/python -m pip --disable-pip-version-check

MAKEFLAGS += --no-print-directory

# Tests and benchmarks give each process one thread: numbers are then the same whatever the machine, and the
# processes do not fight for its cores.
ONE_THREAD := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 VECLIB_MAXIMUM_THREADS=1 NUMBA_NUM_THREADS=1

.DEFAULT_GOAL := help
.PHONY: help demo test lint docs bench figures lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.installed-demo ## the quickest look: two figures and their report (the last line says where)
	@$(BIN)/benign demo

test: $(VENV)/.installed-test ## run the tests (more arguments for pytest: ARGS="-k prefix")
	@$(ONE_THREAD) $(BIN)/python -m pytest -n auto --dist loadfile $(ARGS)

lint: $(VENV)/.installed-lint ## check style, types and the floors of the house
	@echo "ruff check"         && $(BIN)/ruff check
	@echo "ruff format"        && $(BIN)/ruff format --check
	@echo "mypy"               && $(BIN)/mypy
	@echo "lint-imports"       && $(BIN)/lint-imports

docs: $(VENV)/.installed-docs ## build docs/_build/html, running the code in its pages
	@$(BIN)/python -m sphinx -W --keep-going -n -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

bench: $(VENV)/.installed-test ## run the benchmarks one by one
	@for script in benchmarks/*.py; do \
		echo "$$script" && $(ONE_THREAD) $(BIN)/python "$$script" || exit 1; \
	done

figures: $(VENV)/.installed-figures ## remake the committed figures (SCALE=quick, FIGURES="one another")
	@for name in $(or $(FIGURES),$$($(BIN)/benign figures --names)); do \
		$(BIN)/benign figure "$$name" --scale $(SCALE) --out "figures/$$name" || exit 1; \
	done

lock: $(VENV)/.installed-uv ## remake requirements.lock from pyproject.toml
	@echo "Resolving for Python 3.11 to 3.14, Linux and macOS..."
	@rm -f $(LOCK).new
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --fork-strategy fewest --upgrade \
		$(EXTRAS:%=--extra %) --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
		--output-file $(LOCK).new pyproject.toml
	@{ \
		echo "# The versions that benign is tested with, for Python 3.11 to 3.14 on Linux and on macOS with Apple silicon (torch aside)."; \
		echo "# A constraints file: pip install -c $(LOCK) -e \".[data]\""; \
		echo "# Remake it with: make lock"; \
		sed "s/ ; python_full_version < '3.15' and (sys_platform == 'darwin' or sys_platform == 'linux')$$//" $(LOCK).new; \
	} > $(LOCK)
	@rm -f $(LOCK).new
	@echo "$(LOCK): $$(grep -c == $(LOCK)) packages"

clean: ## remove what the targets above made (.venv stays)
	@rm -rf build dist docs/_build docs/jupyter_execute benign-report
	@rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find src tests benchmarks examples docs -name __pycache__ -type d -prune -exec rm -rf {} +

# What is installed, one stamp for each purpose; a change of the project file or of the lock installs anew.
$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' || { \
		echo "benign needs Python 3.11, 3.12, 3.13 or 3.14; $(PYTHON) is another. Try: make PYTHON=python3.12" >&2; exit 1; }
	@echo "Creating .venv (once)..."
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed-demo: WHAT := data
$(VENV)/.installed-figures: WHAT := data,networks
$(VENV)/.installed-test: WHAT := data,networks,altair,test
$(VENV)/.installed-lint: WHAT := data,networks,altair,test,lint
$(VENV)/.installed-docs: WHAT := data,networks,altair,docs
# What the tests of optional parts need; without them those tests say that they were skipped.
$(VENV)/.installed-optional: WHAT := mlflow,postgres,ray,tensorboard

$(VENV)/.installed-demo $(VENV)/.installed-figures $(VENV)/.installed-test $(VENV)/.installed-lint \
$(VENV)/.installed-docs $(VENV)/.installed-optional: \
		$(VENV)/.created pyproject.toml $(LOCK)
	@echo "Installing benign[$(WHAT)] into .venv (a minute or two, once)..."
	@$(PIP) install -qq -c $(LOCK) -e ".[$(WHAT)]"
	@touch $@

$(VENV)/.installed-uv: $(VENV)/.created
	@echo "Installing uv into .venv (once)..."
	@$(PIP) install -qq uv
	@touch $@
