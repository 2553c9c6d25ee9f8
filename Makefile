# Sen. `make` or `make help` lists what can be done; it needs Python 3.11, make and, for the tests, apt.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,$(shell command -v $(name) 2>/dev/null)))
VENV := .venv
BIN := $(VENV)/bin
RUNS := $(VENV)/.runs
READY := $(VENV)/.ready
FOREIGN := tests/interop/node/node_modules/.ready examples/node_modules/.ready $(VENV)/interop/.ready
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --no-compile --require-hashes

export PIP_REQUIRE_VIRTUALENV := 1
# A test starts processes by the dozen: each would compile everything that it imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run test check interop ready tools fix bench spec lock

help: ## Say what can be done
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-7s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUNS) ## Start Sen and the demo portal on this machine
	@exec $(BIN)/sen demo --end-with-parent

test: $(READY) chromium nginx ## Run every test, in a real browser too
	$(BIN)/python -m pytest -n 3

check: $(READY) ## Check style, types, the import contracts and the size limits
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/architecture/test_sizes.py

interop: $(READY) chromium nginx apache $(FOREIGN) ## Point clients that others wrote at Sen (installs them; needs Node 20)
	$(BIN)/python -m pytest tests/interop

ready: $(READY)

tools: $(READY) chromium nginx apache $(FOREIGN) ## Install what the tests need of others (apt, npm)

fix: $(READY) ## Put the code into its usual form
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(READY) ## Measure Sen beside a peer (takes minutes; needs npm)
	$(BIN)/python bench/run.py
	$(BIN)/python -m bench.intake

spec: $(READY) ## List the requirements and the tests that hold them
	@$(BIN)/python -m tests.support.project.spec

# Each lock names every package with its hashes; the project itself is added without asking anybody.
# requirements-run.lock is the part of requirements.lock that Sen needs to run: `make run` waits for no test tools.
$(RUNS): requirements-run.lock pyproject.toml | $(BIN)/python
	$(INSTALL) -r requirements-run.lock
	$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(READY): requirements.lock $(RUNS)
	$(INSTALL) -r requirements.lock
	@touch $@

$(BIN)/python:
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Sen needs Python 3.11 or newer. On Debian 12: apt-get install python3.11 python3.11-venv" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); \
		echo "Python has no venv module. On Debian 12: apt-get install python3.11-venv" >&2; exit 1; }

lock: $(READY) ## Bring the locked packages up to date (asks the package index)
	$(BIN)/uv export --quiet --upgrade --no-header --no-annotate --no-emit-project --all-groups -o requirements.lock
	rm -f uv.lock
	$(INSTALL) -r requirements.lock
	$(BIN)/python -m tests.support.project.locks > requirements-run.lock

# Debian's packages: installed where we may, and otherwise named.
MAY := command -v apt-get >/dev/null && { [ "$$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }
apt = { $(MAY) || { echo "$@ is missing. Type: sudo apt-get install $(1)" >&2; exit 1; }; \
	as=; [ "$$(id -u)" = 0 ] || as=sudo; $$as apt-get update -qq; \
	$$as env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(1); }

.PHONY: chromium nginx apache
chromium:
	@command -v chromium-headless-shell >/dev/null || { command -v chromium >/dev/null && ! { $(MAY); }; } || \
		$(call apt,chromium-headless-shell)

nginx:
	@PATH="$$PATH:/usr/sbin" command -v nginx >/dev/null || $(call apt,nginx-light)

apache:
	@test -e /usr/lib/apache2/modules/mod_auth_openidc.so || $(call apt,apache2 libapache2-mod-auth-openidc)

# What others wrote, as locked beside the programs that use it; scripts of packages are not run.
%/node_modules/.ready: %/package-lock.json
	@node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 20 || (a == 20 && b >= 19) ? 0 : 1)' || \
		{ echo "make interop needs Node 20.19 or newer, with npm (nodejs.org)." >&2; exit 1; }
	cd $* && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(VENV)/interop/.ready: tests/interop/python/requirements.txt | $(BIN)/python
	$(BIN)/python -m venv --clear $(VENV)/interop
	$(VENV)/interop/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r $<
	@touch $@
