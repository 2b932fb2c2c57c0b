# Everything a developer runs; `make demo` and `make test` need nothing but python3 with venv.

PYTHON ?= python3
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
READY := $(VENV)/.ready

# The lowest version of everything that pyproject.toml names, in an environment of its own.
LOWEST := .nox/lowest

.PHONY: demo test compiled test-lowest coverage lint types bench trust mutants

demo: $(READY)
	@echo "== A healthy deployment: the quickstart, three tests and no declared expectation =="
	cd examples/quickstart && $(BIN)/pytest --deploy-env=sandbox
	@echo "== A healthy deployment: the checklist of the incident, declared and as tests =="
	cd examples/incident && $(BIN)/pytest --deploy-env=sandbox
	@echo "== The incident itself: the image was pushed, and no task was restarted. This run has to fail. =="
	cd examples/incident && { $(BIN)/pytest --deploy-env=sandbox --deploy-sandbox not-restarted --tb=no; test $$? -eq 1; }
	@echo "== It failed as it should: REFUTED, exit status 1. =="

# Much of what the tests do is wait, so more of them run than there are cores. The processes that they start need the
# package compiled: where Python is told to keep no bytecode, each of them would compile it again.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(READY) compiled
	$(BIN)/pytest --numprocesses 5 --dist worksteal

# pytest compiles the tests when it collects them. Where nothing is compiled yet, each worker would do all of that again.
compiled: $(READY)
	$(BIN)/pytest --collect-only --quiet tests/unit > /dev/null & \
	$(BIN)/pytest --collect-only --quiet --ignore tests/unit > /dev/null; wait

# What depends most on the versions of pytest and boto3: outcomes, settings, calls. docs/compatibility.md has the rest.
test-lowest: export PYTHONDONTWRITEBYTECODE :=
test-lowest: $(LOWEST)/.ready
	$(LOWEST)/bin/pytest -c tests/pytest8.ini --rootdir . --numprocesses 4 --dist worksteal tests/plugin/test_exit_status.py \
		tests/plugin/test_results.py tests/plugin/test_overrides.py tests/plugin/test_redaction.py tests/verification/test_session.py \
		tests/unit/config tests/unit/handles

coverage: $(READY)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell

types: $(READY)
	$(BIN)/mypy

# Files of unit tests whose promises are tried on as many more examples.
PROMISES := tests/unit/oci/test_reference.py tests/unit/config/test_filter_patterns.py tests/unit/facts/test_codec.py \
	tests/unit/report/test_document.py

# Thousands of histories of deployments and of logs, of layers and of faults; a short part of them is in `make test`.
trust: $(READY)
	TRUST_EXAMPLES=33 $(BIN)/pytest tests/properties $(PROMISES) --numprocesses 2 --override-ini timeout=1800
	TRUST_HISTORIES=5000 $(BIN)/pytest tests/trust/test_histories.py --numprocesses 2
	TRUST_SCHEDULES=1000 $(BIN)/pytest tests/trust/test_faults.py --numprocesses 8

# A sample of small changes to the code that judges, each of which a unit test has to notice.
mutants: $(READY)
	$(BIN)/python tests/trust/mutants.py

bench: $(READY)
	$(BIN)/python benchmarks/run.py

$(LOWEST)/.ready: pyproject.toml
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet uv
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct \
		--editable '.[html,sandbox]' --group lowest
	touch $(LOWEST)/.ready

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[html,sandbox]' --group dev
	touch $(READY)
