# Every recipe runs modules with .venv/bin/python: the scripts in .venv/bin name their interpreter
# in the first line, which may be no longer than 127 bytes, and the checkout's path may be.

PY := .venv/bin/python
SOURCES := manage.py marketingsuite api esp staff feedbackloops tracking profiles access rig bench chaos screens tests

.PHONY: help demo run test check bench chaos screenshots format clean

.DEFAULT_GOAL := help

help:
	@echo "make demo    install, start everything, and show a hit on its way to a customer's script"
	@echo "make run     start every process of the Procfile"
	@echo "make test    run the tests"
	@echo "make check   lint, types, imports, migrations, deployment settings"
	@echo "make bench   measure, print the table and write bench/results.json (BENCH_QUICK=1: in under three minutes)"
	@echo "make chaos   break everything under load, compare the ledgers, write chaos/results.json (CHAOS_QUICK=1: in under two minutes, into var)"
	@echo "make screenshots  take pictures of every screen, with the demo's data, into docs/screenshots"
	@echo "make format  let ruff format the code"
	@echo "make clean   remove .venv and the data in var (stop what runs first)"

demo: .venv/installed
	@exec env DEVELOPMENT=$${DEVELOPMENT:-true} $(PY) manage.py demo

# What development needs and a deployment must not have: links to this machine, and calls to scripts on it.
run: .venv/installed
	@port=$${PORT:-8000}; exec env PORT=$$port DEVELOPMENT=$${DEVELOPMENT:-true} \
	TRACKING_URL=$${TRACKING_URL:-http://localhost:$$port} \
	OUTBOUND_ALLOWED_NETWORKS=$${OUTBOUND_ALLOWED_NETWORKS:-127.0.0.0/8,::1/128} $(PY) -m marketingsuite.devstack.run

# In two processes at once, each with servers of its own: much of a test's time goes by in waiting.
test: .venv/installed-dev
	@$(PY) -m pytest $(if $(DATABASE_URL)$(REDIS_URL),,--numprocesses 2)

# A deployment's environment, as far as checking needs one: nothing is connected to.
check: export DEVELOPMENT :=
check: export DATABASE_URL := postgresql://checker@127.0.0.1:1/checked
check: export REDIS_URL := redis://127.0.0.1:1/0
check: export SECRET_KEY := a-key-that-only-the-checks-use-and-that-is-long-enough-0123456789
check: export TRACKING_KEYS := 1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=
check: export ENCRYPTION_KEYS := MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=
check: export ALLOWED_HOSTS := example.com
check: export TRACKING_URL := https://click.example.com
check: export DASHBOARD_URL := https://suite.example.com
check: export STAFF_EMAILS := staff@example.com
check: export EMAIL_URL := smtp://127.0.0.1:1
check: .venv/installed-dev
	$(PY) -m ruff check $(SOURCES)
	$(PY) -m ruff format --check $(SOURCES)
	$(PY) -m mypy $(SOURCES)
	$(PY) .venv/bin/lint-imports
	DEVELOPMENT=true DATABASE_URL= REDIS_URL= $(PY) manage.py makemigrations --check --dry-run
	$(PY) manage.py check --deploy --fail-level WARNING

bench: .venv/installed
	@$(PY) -m bench $(ROWS)

chaos: .venv/installed-dev
	@$(PY) -m chaos

# With new data each time: pictures of one day.
screenshots: .venv/installed-dev
	@rm -rf var/screenshots
	@DEVELOPMENT=true MARKETINGSUITE_VAR=$(CURDIR)/var/screenshots PORT=$${PORT:-8100} DJANGO_ALLOW_ASYNC_UNSAFE=true \
	DJANGO_SETTINGS_MODULE=marketingsuite.settings $(PY) -m marketingsuite.devstack python -m screens

format: .venv/installed-dev
	@$(PY) -m ruff check --fix $(SOURCES)
	@$(PY) -m ruff format $(SOURCES)

clean:
	rm -rf .venv var .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find $(SOURCES) -name __pycache__ -type d -prune -exec rm -rf {} +

# PYTHON=/path/to/python chooses the interpreter by hand. Each candidate is run, not just looked up:
# version managers put names in the PATH that lead nowhere.
$(PY):
	@for candidate in $${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do \
		if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$candidate; break; fi; \
	done; \
	if [ -z "$$found" ]; then echo "Python 3.11 or newer is needed and was not found; install it, or name it: make PYTHON=/path/to/python" >&2; exit 1; fi; \
	if ! $$found -c 'import venv, ensurepip' 2>/dev/null; then \
		echo "$$found lacks venv or ensurepip; install them (Debian and Ubuntu: the package python3-venv)" >&2; exit 1; fi; \
	echo "making .venv with $$($$found --version)"; \
	$$found -m venv .venv || { rm -rf .venv; exit 1; }

.venv/installed: requirements.txt | $(PY)
	@$(PY) marketingsuite/devstack/install.py requirements.txt
	@touch $@

.venv/installed-dev: requirements-dev.txt requirements.txt | $(PY)
	@$(PY) marketingsuite/devstack/install.py requirements-dev.txt
	@touch .venv/installed $@
