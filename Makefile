# `make train` and `make test` do everything on a fresh machine with Python >= 3.11; the first makes .venv (about 6 GB).
PYTHON ?= python3
VENV := .venv
ARGS ?=
IMAGES ?=

.PHONY: help train predict test faults lint format lock tensorboard
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 14

train: $(VENV)/installed  ## train and test a network; overrides in ARGS: make train ARGS="data=chasedb1 upsampler=bilinear_conv"
	$(VENV)/bin/python scripts/train.py $(ARGS)

predict: $(VENV)/installed  ## vessel maps with the weights that come with the project: make predict IMAGES=photo.jpg
	$(VENV)/bin/python scripts/predict.py "images='$(IMAGES)'" $(ARGS)

# Files are handed out in order, so that attacks that fork come first in every worker (tests/conftest.py). Coverage is
# measured, and held to the floor in pyproject.toml, where all tests run: without ARGS.
test: $(VENV)/installed  ## run the tests; a quick check: make test ARGS="-m 'not slow'"; some: make test ARGS=tests/losses
	$(VENV)/bin/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder \
	    $(if $(ARGS),$(ARGS),--cov --cov-report=)

faults: $(VENV)/installed  ## kill, fill disks, damage files and misspell settings for an hour; a table at the end
	$(VENV)/bin/python -m pytest -m faults tests/faults $(ARGS)

lint: $(VENV)/installed  ## check style, types and layers
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache --no-logo

format: $(VENV)/installed  ## put the code in the project's style
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

tensorboard: $(VENV)/installed  ## watch all runs in the browser
	$(VENV)/bin/tensorboard --logdir runs

lock:  ## renew requirements.lock from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --upgrade \
	    --no-emit-index-url --no-emit-find-links --no-annotate --no-header -o requirements.lock

$(VENV)/installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "expected Python >= 3.11, got $$($(PYTHON) --version); set PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV): about 6 GB, some minutes"
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@
