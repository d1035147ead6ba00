# diabolo: `make` lists the verbs. Each works on a fresh clone and costs little the second time.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.stamp

.DEFAULT_GOAL := help
.PHONY: help demo test check bench docs

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(STAMP) ## train a few autoencoders, print a table, write demo.html
	@$(BIN)/python demo.py

test: $(STAMP) ## run all tests, doctests included
	@OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 -q

check: $(STAMP) ## lint, format, types and the rules of the house
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/pyright
	@$(BIN)/pytest -q tests/test_house.py

bench: $(STAMP) ## measure the code, and every named recipe
	@$(BIN)/python -m benchmarks.house
	@$(BIN)/python -m benchmarks.types

docs: $(STAMP) ## write the pages of the parts, build the site into site/
	@$(BIN)/python docs/build.py
	@$(BIN)/mkdocs build --strict

$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet -c constraints.txt -e ".[dev]"
	@touch $@
