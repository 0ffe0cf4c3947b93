# `make demo` and `make test` are a newcomer's two commands. Both install what is missing first, into .venv.

# PYTHON: any Python >= 3.11; .venv keeps the one it was made with. WORKERS: test processes, one thread each; with 0 the
# tests run in pytest's own process, without xdist.
# LATELIER_TORCH=system: use the torch that PYTHON already has. INSTALLER=pip: do not try uv.
PYTHON ?= python3
WORKERS ?= 2
LATELIER_TORCH ?= locked
INSTALLER ?= uv
export LATELIER_TORCH INSTALLER

# The stamp's name is a hash of all that decides what .venv holds, so that a check costs milliseconds.
DECIDES := constraints.txt constraints-uv.txt pyproject.toml tools/install.py
STAMP := .venv/.ok-$(shell { cat $(DECIDES); echo "$(CURDIR)" $(LATELIER_TORCH); } | git hash-object --stdin)
COMPILE := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

.PHONY: help install demo test slow mutants docs wheel check lock
.DEFAULT_GOAL := help

help:  ## say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

install: $(STAMP)  ## put latelier and all it needs into .venv

demo: $(STAMP)  ## the main job, on embedded data: runs/demo/report.html
	@.venv/bin/latelier demo

# Bytecode is kept, whatever the environment says: making that of the tests anew takes each worker eight seconds.
test: $(STAMP)  ## the default tests
	@PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 .venv/bin/pytest -n $(WORKERS) -m "not slow"

slow: $(STAMP)  ## the slow tests: hours
	@OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 .venv/bin/pytest -n $(WORKERS) -m slow

mutants: $(STAMP)  ## which faults in objectives, loop and data the tests would miss: an hour or two
	@OMP_NUM_THREADS=1 .venv/bin/python tools/mutants.py --seconds 6

docs: $(STAMP)  ## the API as HTML: dist/api/index.html
	@.venv/bin/python -W error tools/api.py

wheel: $(STAMP)  ## a wheel in dist/, checked, and the demo from it in a bare environment
	@.venv/bin/python tools/wheel.py

check: $(STAMP)  ## linter, formatter, types, prose
	@failed=; for tool in "ruff check" "ruff format --check" mypy "python tools/prose.py"; do \
		.venv/bin/$$tool || failed=yes; done; test -z "$$failed"

lock: $(STAMP)  ## pin the versions anew (UPGRADE=--upgrade for the newest)
	@$(COMPILE) $(UPGRADE) pyproject.toml --extra dev --output-file constraints.txt
	@echo uv | $(COMPILE) $(UPGRADE) - --output-file constraints-uv.txt

$(STAMP):
	@$(PYTHON) tools/install.py $@

ifneq (,$(shell test -x .venv/bin/python || echo gone))
.PHONY: $(STAMP)
endif
