# Every target works as the first command after a clone: what it needs is built on the way.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
DEMO_ARGS ?=
MATRIX_ARGS ?=
# Some machines forbid it everywhere; the tests start our package a thousand times.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: venv demo test test-fast baselines matrix check bench ipex-env screenshots clean

venv: $(STAMP)

$(STAMP): pyproject.toml constraints.txt setup.py $(wildcard kernels/src/*)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[train,dev]'
	touch $(STAMP)

demo: venv
	$(BIN)/profilednn-tui demo $(DEMO_ARGS)

test: venv
	$(BIN)/python -m pytest tests -n auto --dist worksteal

test-fast: venv
	$(BIN)/python -m pytest tests/unit tests/tui -m "unit and not pictures and not screens" -n auto --dist worksteal --hypothesis-profile fast

baselines: venv
	RENEW_BASELINES=1 $(BIN)/python -m pytest tests/tui/test_baselines.py

matrix: venv
	$(BIN)/python -m tests.matrix $(MATRIX_ARGS)

check: venv
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

bench: venv
	$(BIN)/python -m benchmarks $(PARTS)

ipex-env: .venv-ipex/.ready

.venv-ipex/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-ipex
	.venv-ipex/bin/python -m pip install --quiet --disable-pip-version-check torch==2.8.0 torchvision==0.23.0 intel-extension-for-pytorch==2.8.0
	touch $@

screenshots: venv
	$(BIN)/python -m screenshots.take

clean:
	rm -rf $(VENV) .venv-ipex build *.egg-info
