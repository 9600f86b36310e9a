# Everything runs from .venv, which is built from the hashed lock.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: serve test model check format docs fuzz lock kills soak outage bench conformance clean

.venv: .venv/.built

.venv/.locked: requirements.lock
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	touch $@

.venv/.built: .venv/.locked pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index --editable .
	touch $@

serve: .venv
	$(BIN)/chatgateway serve --dev --host 127.0.0.1 --port 8080

# What starts whole programs, or gives a server long work and wants its answer in time, has the machine to itself. All else runs
# two at a time, for a test waits for its servers half of the time; each of the two starts its own.
ALONE := tests/conformance tests/gateway tests/survival tests/test_readme.py tests/test_servers.py \
	tests/adapters/ozeki/test_program.py tests/core/store tests/core/test_bounds.py tests/core/test_concurrency.py \
	tests/core/test_erase.py tests/core/test_reclaim.py tests/core/test_retention.py

test: .venv
	$(BIN)/pytest --numprocesses 2 --dist worksteal $(addprefix --ignore=,$(ALONE))
	$(BIN)/pytest $(ALONE)

# The store beside a plain model on every engine, longer than the tests walk: make model STEPS=1000000 SEED=7
model: .venv
	MODEL_STEPS=$(or $(STEPS),100000) MODEL_SEED=$(or $(SEED),1) \
		$(BIN)/pytest tests/core/test_model.py

check: .venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: .venv
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The pages that are made from the wire tables and the translations; a test says when one is stale.
docs: .venv
	$(BIN)/python -m tests.documents

# Every decoder and every endpoint with whatever can be sent, longer than the tests do: make fuzz CASES=10000 SEED=1
fuzz: .venv
	FUZZ_CASES=$(or $(CASES),10000) FUZZ_SEED=$(or $(SEED),1) $(BIN)/pytest tests/fuzz

# SIGKILL in mid-load, and everything acknowledged read back (docs/survival.md): make kills ROUNDS=20 ACKNOWLEDGED=100000 SEED=1
kills: .venv
	$(BIN)/python -m tests.survival kills --rounds $(or $(ROUNDS),20) --acknowledged $(or $(ACKNOWLEDGED),100000) \
		--seed $(or $(SEED),1)

# A mixed load for so many minutes; memory, open files and tasks must stay flat: make soak MINUTES=10
soak: .venv
	$(BIN)/python -m tests.survival soak --minutes $(or $(MINUTES),10) --seed $(or $(SEED),1)

# The store gone for so many seconds under load, and slow for a while: make outage SECONDS=60
outage: .venv
	OUTAGE_SECONDS=$(or $(SECONDS),60) $(BIN)/pytest -s tests/gateway/test_outage.py

bench: .venv
	$(BIN)/python -m tests.bench

# Vendors' published clients against a gateway (docs/conformance.md); needs node, npm and openssl. Those in Python run with the tests.
conformance: .venv
	$(BIN)/python -m tests.conformance

# One file for every supported Python: markers decide what each installs.
lock:
	rm -rf .lock-venv
	$(PYTHON) -m venv .lock-venv
	.lock-venv/bin/pip install --quiet --disable-pip-version-check uv
	.lock-venv/bin/uv pip compile pyproject.toml --group test --group build --universal --python-version 3.11 \
		--generate-hashes --no-annotate --no-header --no-emit-index-url --no-emit-find-links --upgrade --quiet \
		--output-file requirements.lock
	rm -rf .lock-venv

clean:
	rm -rf .venv .lock-venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
