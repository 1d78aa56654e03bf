# `make train` and `make test` do everything on a fresh machine with Python >= 3.11; the first makes .venv.
#   TORCH=cpu     without the libraries for GPUs: 1.9 GB in place of 6.4 on Linux
#   VENV=FOLDER   another environment; into one that has torch, only what is missing is added
PYTHON ?= python3
VENV := .venv
TORCH ?= default
ARGS ?=
IMAGES ?=
SET ?=
export IMAGES
LOCK := $(if $(filter cpu,$(TORCH)),requirements-cpu.lock,requirements.lock)
READY := $(VENV)/.fundus-unet
# A training takes five minutes, unless ARGS say how long it is.
LENGTHS := budget data.steps_per_epoch data.epochs trainer.max_epochs trainer.max_steps trainer.max_time \
    trainer.limit_train_batches trainer.overfit_batches trainer.fast_dev_run resume experiment debug
BUDGET = $(if $(filter $(addsuffix =%,$(LENGTHS)) trainer=smoke,$(patsubst +%,%,$(patsubst ++%,%,$(subst ',,$(subst ",,$(ARGS)))))),,budget=5min)

.PHONY: help train predict data test faults lint format lock tensorboard
.DEFAULT_GOAL := help

help:  ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 14

train: $(READY)  ## train and test a network; overrides in ARGS: make train ARGS="data=chasedb1 upsampler=bilinear_conv"
	$(VENV)/bin/python scripts/train.py $(ARGS) $(BUDGET)

predict: $(READY)  ## vessel maps with the weights that come with the project: make predict IMAGES="a.jpg b.jpg"
	$(VENV)/bin/python scripts/predict.py "$$IMAGES" $(ARGS)

data: $(READY)  ## get a public set of images: make data SET=chasedb1; without SET: which there are
	$(VENV)/bin/python scripts/prepare_data.py $(SET) $(ARGS)

# Files are handed out in order, so that attacks that fork come first in every worker (tests/conftest.py). Coverage is
# measured, and held to the floor in pyproject.toml, where all tests run: without ARGS.
test: $(READY)  ## run the tests; a quick check: make test ARGS="-m 'not slow'"; some: make test ARGS=tests/losses
	$(VENV)/bin/python -m pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder \
	    $(if $(ARGS),$(ARGS),--cov --cov-report=)

faults: $(READY)  ## kill, fill disks, damage files and misspell settings for an hour; a table at the end
	$(VENV)/bin/python -m pytest -m faults tests/faults $(ARGS)

lint: $(READY)  ## check style, types, layers and the Dockerfile
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-cache --no-logo
	$(VENV)/bin/hadolint Dockerfile

format: $(READY)  ## put the code in the project's style
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

tensorboard: $(READY)  ## watch all runs in the browser
	$(VENV)/bin/tensorboard --logdir runs

lock:  ## renew both locks from pyproject.toml (needs uv)
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --upgrade \
	    --no-emit-index-url --no-emit-find-links --no-annotate --no-header -o requirements.lock
	sed -i '1i # Exact versions of everything (dev tools included), for any platform. Made by `make lock`.' requirements.lock
	sed -E '/^(cuda|nvidia|triton)/d; 1s/everything/everything but the libraries for GPUs/' requirements.lock > requirements-cpu.lock

$(READY): $(LOCK) pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "expected Python >= 3.11, got $$($(PYTHON) --version); set PYTHON=/path/to/python3.11" >&2; exit 2; }
	@PYTHON="$(PYTHON)" sh scripts/install.sh "$(VENV)" "$(TORCH)" $(LOCK)
	@touch $@
