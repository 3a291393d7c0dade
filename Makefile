# Each line calls the press (lib/press) or a known tool. `make help` lists the targets.
PYTHON ?= python3
PORT ?= 8000
# A pip index for PyTorch, such as https://download.pytorch.org/whl/cpu for the small CPU build.
TORCH_INDEX ?=
# With any value, .venv gets the newest versions of the locked packages.
NEWEST ?=
# What `make grade` marks, and a teacher's own hidden tests (none by default).
SUBMISSIONS ?= classroom/submitted
OVERLAY ?=
# What `make sweep` runs: seeds (a number of them, or a list), chapters (all), parameters (the chapters' own).
SEEDS ?= 20
CHAPTERS ?=
GRID ?=
# Address of a Dask scheduler, tcp://host:port, whose workers share this folder; without, all runs here.
DASK ?=
# With any value, `make sweep` runs only the first stored seed again, and keeps the others if it gives equal values.
CONFIRM ?=
# Bounds the whole of `make experiments`; DEVICE names its records (by default the CUDA device's own name).
MINUTES ?=
DEVICE ?=
# With any value, `make mutants` runs only what survived its last run, against changed tests.
SURVIVORS ?=

export PYTHONPATH := lib
export TORCH_INDEX NEWEST
VENV := .venv/bin/python
PRESS := $(VENV) -m press
PEERS := .venv-peers/installed
SANITISERS := tests/nbval-sanitize.cfg
LIGHTHOUSE := tests/site/test_lighthouse.py
NODE_MODULES := tests/site/node_modules/.package-lock.json

.DEFAULT_GOAL := help
.PHONY: help environment book pdf links serve test chapter refresh drift trace sweep stamp assignments grade experiments bench mutants clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /  make \1|/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'

environment:
	@$(PYTHON) -m press.environment

book: environment ## install what is missing, execute what is stale, build the site
	@$(PRESS) book

pdf: book ## print the whole book into _build/pdf/samplebook.pdf (needs Chromium)
	@$(PRESS) pdf

links: book ## follow every link that leaves the book (needs a network)
	@$(PRESS) links

serve: environment ## show the built site on http://127.0.0.1:8000 (or PORT=...)
	@$(PRESS) serve --port $(PORT)

# axe-core and Lighthouse for the page tests; npm writes the target's file last.
$(NODE_MODULES): tests/site/package-lock.json
	@if command -v npm >/dev/null; then \
	  echo "Installing axe-core and Lighthouse, which test the pages:"; \
	  npm ci --prefix tests/site --ignore-scripts --no-audit --no-fund; \
	else \
	  echo "npm is missing: the tests that need axe-core or Lighthouse are skipped (Debian: apt-get install npm)."; \
	fi

# One chapter runs as a reader would run it with nbval, so that this keeps working. Lighthouse needs the machine alone;
# all else is shared by as many workers as there are cores, at most two, with a thread each.
test: book $(NODE_MODULES) ## build if need be, then check style, types, outputs and run all tests
	@echo "Style (ruff), types (mypy: half a minute the first time), stored outputs:"
	@$(VENV) -m ruff check .
	@$(VENV) -m ruff format --check --quiet .
	@$(VENV) -m mypy
	@$(PRESS) drift
	@$(PRESS) compare
	@OMP_NUM_THREADS=1 $(VENV) -m pytest -n auto tests --ignore $(LIGHTHOUSE) --nbval-lax --nbval-sanitize-with $(SANITISERS) chapters/drafts/spectr.ipynb
	@echo "Lighthouse, five runs; other work on this machine lowers its marks:"
	@$(VENV) -m pytest $(LIGHTHOUSE)

chapter: environment ## make the skeleton of a chapter: PART=drafts SLUG=mdsd
	@$(PRESS) chapter "$(PART)" "$(SLUG)"

refresh: environment ## execute a chapter and store its outputs: CHAPTER=spectr
	@$(PRESS) refresh "$(CHAPTER)"

drift: book ## show how far the claims moved since they were stored (NEWEST=1: with the newest packages)
	@$(PRESS) drift

trace: environment ## show where a number comes from, and how to run it again: CLAIM=spectr-c3
	@$(PRESS) trace "$(CLAIM)"

sweep: environment ## run chapters with many seeds: SEEDS=20 CHAPTERS="nbpo cet" GRID="num_draws=8,16"
	@$(PRESS) sweep "$(SEEDS)" --chapters "$(CHAPTERS)" --grid "$(GRID)" --dask "$(DASK)" $(if $(CONFIRM),--confirm)

stamp: environment ## write the copies of the repository's address, the bootstrap cell and the data lock
	@$(PRESS) stamp

assignments: environment ## write the assignments' releases for students, and the teacher's folder
	@$(PRESS) assignments

grade: environment ## mark submitted assignments, contained: SUBMISSIONS=dir (and OVERLAY=dir)
	@$(PRESS) grade "$(SUBMISSIONS)" $(if $(OVERLAY),--overlay "$(OVERLAY)")

experiments: environment ## run the large experiments that have no record of this code (CUDA, 80 GB): MINUTES=10 (DEVICE=name)
	@$(PRESS) experiments $(if $(MINUTES),--minutes "$(MINUTES)") $(if $(DEVICE),--device "$(DEVICE)")

# The peers of benchmarks/peers, in an environment of their own; the target's file comes last.
$(PEERS): requirements-peers.lock
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

# A benchmark that misses its limit still lets the others write their records; then all fails.
bench: environment $(PEERS) ## measure growth, peers and limits, write results/benchmarks (8 minutes, else idle)
	@missed=""; export PYTHONPATH=lib:benchmarks; \
	for file in benchmarks/*.py benchmarks/peers/*.py; do \
	  echo "$$file:"; \
	  case $$file in benchmarks/peers/*) run=$(dir $(PEERS))bin/python;; *) run=$(VENV);; esac; \
	  $$run $$file || missed="$$missed $$file"; \
	done; \
	if [ -n "$$missed" ]; then echo "Beyond a limit:$$missed"; exit 1; fi

# Ten minutes on two cores, so no part of `make test`.
mutants: environment ## see whether the tests notice small changes of the mathematics (SURVIVORS=1: only last time's survivors)
	@$(PRESS) mutants $(if $(SURVIVORS),--survivors)

clean: ## remove everything built (not .venv and .venv-peers)
	@rm -rf _build
