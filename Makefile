# deepdesign: `make` alone explains the doors.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
LOCK   := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes

# Firms re-sign TLS with a CA of their own; uv looks into the system's store only when it is told to.
export UV_SYSTEM_CERTS := 1
export UV_CUSTOM_COMPILE_COMMAND := make lock

.DEFAULT_GOAL := help
.PHONY: help demo test lint lock image notebook clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/demo.stamp ## the main job on real photographs, without Docker and without a GPU (first time: about 3 GB of download)
	@$(BIN)/python examples/demo.py $(DEMO)

test: $(VENV)/dev.stamp ## every check that this machine allows; what was skipped is listed with the reason
	$(MAKE) --no-print-directory lint
	$(BIN)/pytest --numprocesses 2 --dist loadgroup

lint: $(VENV)/dev.stamp ## ruff and mypy --strict
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --python-version 3.10 --package bootstrap

image: $(VENV)/dev.stamp ## build the default container image (needs Docker; about 3 GB of download)
	$(BIN)/deepdesign-images build

notebook: image ## start JupyterLab in that image, the way the platform does
	$(BIN)/deepdesign-images notebook

lock: $(VENV)/uv.stamp ## resolve the lock files anew
	$(LOCK) requirements/uv.in -o requirements/uv.txt
	$(LOCK) requirements/build.in -o requirements/build.txt
	$(LOCK) -c requirements/constraints.in --extra techniques --extra samples pyproject.toml -o requirements/demo.txt
	$(LOCK) -c requirements/constraints.in --extra dev pyproject.toml -o requirements/dev.txt

clean: ## remove the virtual environment and caches; results stay
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache

$(VENV)/uv.stamp: requirements/uv.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	@touch $@

$(VENV)/%.stamp: requirements/%.txt requirements/build.txt pyproject.toml $(VENV)/uv.stamp
	$(UV) pip install --python $(BIN)/python --require-hashes -r requirements/build.txt -r requirements/$*.txt
	$(UV) pip install --python $(BIN)/python --quiet --no-deps --no-build-isolation --editable .
	@touch $@
