# One environment, $(VENV), made on first use from pyproject.toml and constraints.txt.
VENV ?= .venv
EXTRAS = dev,train,foreign
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& command -v $$python && break; done)

BIN = $(VENV)/bin
INSTALLED = $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test lint install python clean

help:  ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## */\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: $(INSTALLED)  ## restore a noisy raw made from the picture in the package, into demo/
	$(BIN)/pellucid demo -o demo

test: $(INSTALLED)  ## run the tests; ARGS="-k demosaic" picks some
	$(BIN)/python -m pytest $(ARGS)

lint: $(INSTALLED)  ## check style and types
	$(BIN)/ruff check .
	$(BIN)/basedpyright --project . --pythonpath $(BIN)/python

install: $(INSTALLED)  ## make or renew the environment

clean:  ## remove what the other targets made, but not the environment
	rm -rf demo build dist .pytest_cache .ruff_cache .hypothesis .benchmarks
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

python:
	@echo "$(PYTHON)"

$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" \
	|| { echo "Pellucid needs Python 3.11 or newer; no python3 here is (set PYTHON=)" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	|| { echo "$(PYTHON) cannot make environments: ensurepip is missing (Debian: python3-venv)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -c constraints.txt -e '.[$(EXTRAS)]'
	@touch $@
