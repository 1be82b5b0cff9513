# Every command of the project. `make` alone lists them.
PORT ?= 8000
DATA ?= build/data
SEEDS ?= 200
FROM ?= 0
PY := .venv/bin/python
READY := .venv/setup.json

.DEFAULT_GOAL := help
.PHONY: help setup run dev site check unit e2e e2e-engines sim test soak bench breaks screenshots wheel lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

# Set-up runs again when a lock or set-up itself has changed; otherwise this costs nothing.
$(READY): requirements.txt requirements-node.txt browser.txt package-lock.json pyproject.toml tools/setup.py
	@python3 -m tools.setup
setup: $(READY) ## make the environment (.venv, node_modules, compiler, browser)

run: $(READY) ## build the site, serve it with the relay: PORT=8000 DATA=build/data
	@$(PY) -m tools.site
	@exec .venv/bin/carryon-relay --host 127.0.0.1 --port $(PORT) --data $(DATA) --site build/site

dev: $(READY) ## like run, but rebuild and reload the pages on every change: PORT=8000 DATA=build/data
	@$(PY) -m tools.dev --port $(PORT) --data $(DATA)

site: $(READY) ## build the site into build/site
	@$(PY) -m tools.site

wheel: $(READY) ## build the pycrdt wheel for Pyodide and run pycrdt's own tests on it
	@$(PY) -m tools.pycrdt_wheel

check: $(READY) ## formatting, lint, types, layers
	@$(PY) -m tools.check

unit: $(READY) ## tests without a relay, the slow ones left out
	@$(PY) -m tools.site
	@$(PY) -m pytest tests -q -x -n 2 -m "not slow"

e2e: $(READY) ## tests with a real browser and a real relay
	@$(PY) -m tools.site
	@$(PY) -m pytest e2e -q

e2e-engines: $(READY) ## the flight and two tabs in Firefox ESR and WebKitGTK, which it provides by itself (not in CI)
	@$(PY) -m tools.site
	@$(PY) -m e2e.engines

sim: $(READY) ## simulate devices, relay and faults: SEEDS=200 FROM=0
	@$(PY) -m tests.simulation --seeds $(SEEDS) --from $(FROM)

test: sim ## everything: sim, unit with the slow tests, e2e
	@$(PY) -m tools.site
	@$(PY) -m pytest tests -q -n 2
	@$(PY) -m pytest e2e -q

soak: $(READY) ## the large counts: fuzzing and simulation for an hour
	@$(PY) -m tests.simulation --from 100000 --minutes 60
	@CARRYON_SOAK=1 $(PY) -m pytest tests -q -n 2 --hypothesis-profile soak

bench: $(READY) ## measure speed and size beside baselines (a quarter of an hour, alone on the machine)
	@$(PY) -m tools.site
	@$(PY) -m tools.bench

breaks: $(READY) ## break the code on purpose, see the named tests fail
	@$(PY) -m tools.breaks

screenshots: $(READY) ## picture the main places, wide and narrow, light and dark
	@$(PY) -m tools.site
	@$(PY) -m tools.screenshots

lock: $(READY) ## resolve the locks again from *.in and package.json
	@$(PY) -m tools.relock

clean: ## remove what was built here (not the environment, not the user's cache)
	rm -rf build .mypy_cache .pytest_cache .ruff_cache .hypothesis
