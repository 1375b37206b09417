# Two commands are enough: `make demo` and `make test`. Nothing is installed outside this folder.
PYTHON ?= python3
BIN := .venv/bin
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])')
STAMP := .venv/.installed-$(VERSION)

.PHONY: setup demo results test test-all test-pythons lint types docs bench mutations lock clean

setup: $(STAMP)

# uv is quick; where it cannot be had, pip installs the same hashed versions; a .venv of another Python is made again
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "$(PYTHON) is Python $(VERSION). Expected 3.11 or later. Say which with PYTHON=python3.13.")'
	@found=$$($(BIN)/python -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null); \
	if [ "$$found" != "$(VERSION)" ]; then \
	  test ! -e .venv || echo "The .venv is of Python $${found:-that is gone}; it is made again with $(VERSION)."; \
	  rm -rf .venv && $(PYTHON) -m venv .venv; \
	fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv hatchling editables || true
	if $(BIN)/python -m uv --version >/dev/null 2>&1; then \
	  $(BIN)/python -m uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock; \
	else \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; \
	fi
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	$(BIN)/python -m compileall -q src
	rm -f .venv/.installed* && touch $(STAMP)

demo: setup
	$(BIN)/wwm demo

# what the repository keeps of the demo's results: everything but the long tables, Word files and posteriors (.gitignore)
results: demo
	git ls-files --cached --others --exclude-standard results | xargs du --bytes --total | tail -1

# in two processes, as this suite is written for two cores; a test that takes long is marked slow and waits for test-all
test: setup
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not slow"

test-all: setup
	$(BIN)/python -m pytest -n 2 --dist worksteal

# the built wheel with the newest releases on every Python here (3.11 to 3.14), in a folder of its own; a missing one is said.
# Numbers only of the others: make test-pythons PYTHONS=3.13
test-pythons:
	$(PYTHON) tests/pythons/run.py $(PYTHONS)

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: setup
	$(BIN)/basedpyright

bench: setup
	$(BIN)/python -m benchmarks

mutations: setup
	$(BIN)/python -m benchmarks mutations

# warnings are errors; the examples in the pages and docstrings run too
docs: setup
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	$(BIN)/python -m pytest -q tests/test_docs.py src

lock:
	$(BIN)/python -m uv pip compile --quiet --universal --generate-hashes --extra dev --python-version 3.11 \
	  --no-header --no-emit-index-url --upgrade pyproject.toml --output-file requirements.lock

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
