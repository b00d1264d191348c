# What people call; every recipe is one command that can be run by hand.
PYTHON ?= python3
STAGE  ?= dev
SHELL  := /bin/sh
.DEFAULT_GOAL := help
# Hundreds of short commands run here: each would compile what it imports anew where this is set.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help setup demo up down test unit faults guards storm lint lock schemas reference e2e clean

help:  ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup:  ## install every tool into this tree (.venv, .tools, node_modules); a second call skips what is there
	@$(PYTHON) scripts/setup.py

demo: setup  ## run the main job on the local AWS, from a push and a drop to trained, recorded, announced models
	@.venv/bin/python -m demo

up: setup  ## start the local AWS, deploy the stacks to it and keep it for play
	@.venv/bin/python -m demo up

down:  ## stop the local AWS; what it holds is kept for the next `make up`
	@test ! -x .venv/bin/python || .venv/bin/python -m demo down

test: setup lint  ## lint, types and all tests: the product, its stacks, every fault schedule, the whole path on the local AWS
	@.venv/bin/python -m pytest -m "not e2e and not slow" -n 4 --dist loadgroup

unit: setup  ## the tests that need neither synthesis nor the local AWS: seconds
	@.venv/bin/python -m pytest tests/unit

faults: setup  ## a million seeded schedules of everything that can go wrong, over all cores, and one history whole: an hour or two
	@.venv/bin/python -m tests.faults.figures --whole two-versions-of-an-object-at-once
	@.venv/bin/python -m tests.faults
	@.venv/bin/python -m tests.faults.burst

guards: setup  ## take each guard away in turn, see which test fails, and write the table of docs/guarantees.md: minutes
	@.venv/bin/python -m tests.faults.remove_guards

storm: setup  ## drop 500 objects at once on the local AWS, each to be trained on by itself: ten minutes
	@.venv/bin/python -m pytest -m slow tests/local/test_storm.py

lint: setup
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

lock: setup  ## compile requirements/*.in anew
	@scripts/lock.sh

schemas: setup  ## write the JSON Schemas of dropforge.yaml and config/<stage>.yaml anew
	@.venv/bin/python -m dropforge.documents schemas

reference: setup  ## write docs/command-line.md anew from the commands' own help
	@.venv/bin/python -m dropforge.cli.reference

e2e: setup  ## run the main job on a real AWS account: make e2e STAGE=dev (says first what it costs)
	@.venv/bin/python -m pytest -m e2e --stage=$(STAGE) -s

clean:  ## remove what set-up and runs left in this tree; stop the local AWS first (make down)
	rm -rf .venv .tools node_modules .localaws cdk.out build .mypy_cache .ruff_cache .pytest_cache .hypothesis
