# Every target works as the first command after a clone: what it needs is built on the way.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
DEMO_ARGS ?=
MATRIX_ARGS ?=
# Some machines forbid it everywhere; the tests start our package a thousand times.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: venv demo test test-fast baselines matrix check bench ipex-env screenshots docs docs-commands reference dist \
	try-dist clean

venv: $(STAMP)

$(STAMP): pyproject.toml constraints.txt setup.py $(wildcard kernels/src/*)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[train,dev,docs,release]'
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

# Files that are generated from the command line and the schemas; tests compare them.
reference: venv
	$(BIN)/python -m docs.tools.reference

docs: venv
	$(BIN)/python -m sphinx --builder html --fail-on-warning --nitpicky --keep-going --quiet docs build/docs
	@echo "build/docs/index.html"

# Every command of README and docs, run as it stands there: some minutes.
docs-commands: venv
	$(BIN)/python -m docs.tools.commands

dist: venv
	rm -rf build/dist dist
	$(BIN)/python -m build --quiet --outdir build/dist
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m auditwheel repair --wheel-dir dist build/dist/*.whl
	mv build/dist/*.tar.gz dist
	$(BIN)/python -m twine check --strict dist/*
	$(BIN)/python -m release.contents dist/*

try-dist: dist
	$(BIN)/python -m release.try_wheel dist/*.whl

clean:
	rm -rf $(VENV) .venv-ipex build dist *.egg-info
