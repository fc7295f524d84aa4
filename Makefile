# Everything happens inside this clone: environment in .venv, caches in .cache, results in runs.
# `make help` lists the targets.

VENV := .venv
BIN := $(VENV)/bin
PROFILE ?=
ARGS ?=
SETS := base dev ml dashboard serve postgres cluster search docs
# What has no wheel is built with the locked setuptools: nothing enters unchecked.
PIP_INSTALL := $(BIN)/python -m pip install -qq --no-input --disable-pip-version-check \
	--no-build-isolation --use-pep517

export MW_CACHE ?= $(CURDIR)/.cache
export PYTHONUTF8 := 1

.PHONY: clients help add backtest rehearse soak-sweep bench bench-peers bench-journal bench-latency faults soak-journal \
	soak soak-kill soak-guard soak-session validate test explore coverage mutate docs format lint type imports lock clean
.DEFAULT_GOAL := help

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

backtest: $(VENV)/base.stamp  ## five years, three bots, one report; PROFILE=spx, ARGS="--bots condor"
	@$(BIN)/mw backtest $(if $(PROFILE),--profile $(PROFILE)) $(ARGS)

rehearse: $(VENV)/base.stamp  ## a day at the simulated gateway, 60 times as fast; ARGS="--speed max"
	@$(BIN)/mw rehearse --days 1 $(ARGS)

SET ?=
add: $(if $(SET),$(VENV)/$(SET).stamp)  ## install an optional set: make add SET=dashboard (or serve, ml, postgres, cluster, search)
	@$(if $(SET),,echo 'make add: expected SET=dashboard, serve, ml, postgres, cluster or search' >&2; exit 1)

bench: $(VENV)/base.stamp  ## how fast it is, beside Backtrader's own loop (a few minutes)
	@$(BIN)/python -m scripts.bench $(ARGS)

bench-peers: $(VENV)/base.stamp  ## the simple share job beside other engines, each in its own environment
	@$(BIN)/python -m scripts.bench.peers $(ARGS)

faults: $(VENV)/dev.stamp  ## every fault of the simulated gateway in a rehearsed hour each (ten minutes)
	@$(BIN)/python -m tests.live.faults

bench-journal: $(VENV)/dev.stamp  ## a million decisions in SQLite and PostgreSQL: writing, every page's query
	@$(BIN)/python -m tests.journal.bench $(ARGS)

TIMES ?= 100
MINUTES ?= 60
soak-journal: $(VENV)/dev.stamp  ## kill -9 a writing process TIMES times; two processes on one file for MINUTES
	@$(BIN)/python -m tests.journal.soak kills --times $(TIMES)
	@$(BIN)/python -m tests.journal.soak kills --times $(TIMES) --postgres
	@$(BIN)/python -m tests.journal.soak shared --minutes $(MINUTES)

soak: $(VENV)/dev.stamp  ## the tests on the wall's clock: sessions killed, guarded, tended by hand
	@$(BIN)/python -m pytest -q -m wall $(ARGS)

soak-kill: $(VENV)/dev.stamp  ## kill -9 a rehearsed session N times, at random moments; N=200
	@$(BIN)/python -m tests.live.kills $(or $(N),200) $(ARGS)

soak-guard: $(VENV)/dev.stamp  ## kill -9 a guarded session N times: seconds until the account is flat; N=20
	@$(BIN)/python -m tests.live.guarded $(or $(N),20) $(ARGS)

soak-session: $(VENV)/dev.stamp  ## two hours of rehearsed sessions at 60 times: memory, tasks, message rate
	@$(BIN)/python -m tests.live.soak $(ARGS)

soak-sweep: $(VENV)/dev.stamp  ## a search killed half-way and gone on with, then on two Dask workers: equal; ARGS="--trials 200"
	@$(BIN)/python -m tests.research.soak config/searches/condor.yaml --out runs/soak-sweep $(ARGS)

bench-latency: $(VENV)/base.stamp  ## tick to order over a hundred streaming lines (under a minute)
	@$(BIN)/python -m scripts.bench_latency $(ARGS)

validate: $(VENV)/base.stamp  ## the model against recorded data in ../shared/data, into docs/validation.md
	@$(BIN)/mw validate --out docs/validation.md $(ARGS)

# Libraries that install the same packages as ours, or older ones: each in an environment of its own.
clients: $(MW_CACHE)/clients/ib_async.stamp $(MW_CACHE)/clients/ibapi.stamp  ## ib_async and the official ibapi, for the gateway's tests

$(MW_CACHE)/clients/ib_async.stamp: CLIENT := ib_async==2.1.0
$(MW_CACHE)/clients/ibapi.stamp: CLIENT := ibapi==9.81.1.post1
$(MW_CACHE)/clients/%.stamp: Makefile | $(VENV)/made.stamp
	@$(BIN)/python -m venv --clear $(MW_CACHE)/clients/$*
	@$(MW_CACHE)/clients/$*/bin/python -m pip install -qq --no-input --disable-pip-version-check $(CLIENT)
	@touch $@

test: $(VENV)/dev.stamp clients  ## linters, types, arrows between the rooms, tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --config setup.cfg
	@$(BIN)/python -m pytest -n 2 -q $(ARGS) || { \
	  echo 'what failed, once more and one after another: some tests run on the clock of the wall' >&2; \
	  $(BIN)/python -m pytest -q --last-failed --last-failed-no-failures none $(ARGS); }

explore: $(VENV)/dev.stamp  ## the laws on a thousand newly drawn examples each; ARGS=tests/options
	@$(BIN)/python -m pytest -n 2 -q --hypothesis-profile explore $(ARGS)

coverage: $(VENV)/dev.stamp  ## branch coverage of engine/, with its floor
	@$(BIN)/python -m pytest -n 2 -q --cov --cov-report=term:skip-covered $(ARGS)

mutate: $(VENV)/dev.stamp  ## mutation score of risk/, broker/ and execution/ (hours); SAMPLE=150 of each by lot
	@$(BIN)/python -m tests.mutants $(if $(SAMPLE),--sample $(SAMPLE)) $(ARGS)

docs: $(VENV)/dev.stamp  ## the documentation as a site, into .cache/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

format: $(VENV)/dev.stamp  ## lay the code out, sort the imports
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lint: $(VENV)/dev.stamp  ## ruff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

type: $(VENV)/dev.stamp  ## mypy --strict on all but scripts
	@$(BIN)/mypy

imports: $(VENV)/dev.stamp  ## the arrows between the rooms
	@$(BIN)/lint-imports --config setup.cfg

# The sets share base.txt's versions. uv itself comes from requirements/uv.txt, into a place of its own.
UV := .cache/uv/bin/uv
COMPILE := $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	--no-header --annotation-style line --no-emit-index-url --no-emit-find-links

lock: $(UV)  ## make requirements/*.txt anew from setup.cfg, newest versions
	@$(COMPILE) setup.cfg requirements/build.in -o requirements/base.txt
	@for set in $(filter-out base,$(SETS)); do \
	  echo "locking $$set"; \
	  $(COMPILE) setup.cfg requirements/build.in --extra $$set -c requirements/base.txt \
	    -o requirements/$$set.txt || exit 1; \
	done
	@$(COMPILE) requirements/build.in -o requirements/build.txt
	@$(COMPILE) requirements/uv.in -o requirements/uv.txt

clean:  ## remove environment and caches; runs/ stays
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info

# The first Python 3.11 to 3.13 that can make an environment.
FIND_PYTHON = for python in $(PYTHON) python3 python3.13 python3.12 python3.11; do \
	  if $$python -c 'import ensurepip, sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
	    >/dev/null 2>&1; then break; fi; python=; \
	done; \
	if [ -z "$$python" ]; then \
	  echo 'no Python 3.11, 3.12 or 3.13 with the module venv found (on Debian: python3-venv)' >&2; exit 1; \
	fi

$(VENV)/made.stamp:
	@$(FIND_PYTHON); echo "making $(VENV) with $$($$python --version)"; $$python -m venv --clear $(VENV)
	@$(PIP_INSTALL) --require-hashes -r requirements/build.txt
	@touch $@

# A set is installed exactly as locked, then the project itself, editable and without its dependencies.
$(VENV)/%.stamp: requirements/%.txt setup.cfg pyproject.toml | $(VENV)/made.stamp
	@echo "installing requirements/$*.txt"
	@$(PIP_INSTALL) --require-hashes -r requirements/$*.txt
	@$(PIP_INSTALL) --no-deps -e .
	@touch $@
	@if [ $* != base ]; then touch $(VENV)/base.stamp; fi

$(UV): requirements/uv.txt
	@$(FIND_PYTHON); $$python -m venv --clear .cache/uv
	@.cache/uv/bin/python -m pip install -qq --no-input --disable-pip-version-check --require-hashes -r $<
	@touch $@
