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
# Names the record of `make experiments`.
DEVICE ?= gpu

export PYTHONPATH := lib
export TORCH_INDEX NEWEST
VENV := .venv/bin/python
PRESS := $(VENV) -m press
PEERS := .venv-peers/installed
SANITISERS := tests/nbval-sanitize.cfg
LIGHTHOUSE := tests/site/test_lighthouse.py
NODE_MODULES := tests/site/node_modules/.package-lock.json

.DEFAULT_GOAL := help
.PHONY: help environment book pdf links serve test chapter refresh drift trace stamp assignments grade experiments bench clean

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

# One chapter runs as a reader would run it with nbval, so that this keeps working. Lighthouse needs the machine alone.
test: book $(NODE_MODULES) ## build if need be, then check style, types, outputs and run all tests
	@echo "Style (ruff), types (mypy: half a minute the first time), stored outputs:"
	@$(VENV) -m ruff check .
	@$(VENV) -m ruff format --check --quiet .
	@$(VENV) -m mypy
	@$(PRESS) drift
	@$(PRESS) compare
	@$(VENV) -m pytest tests --ignore $(LIGHTHOUSE) --nbval-lax --nbval-sanitize-with $(SANITISERS) chapters/drafts/spectr.ipynb
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

stamp: environment ## write the copies of the repository's address, the bootstrap cell and the data lock
	@$(PRESS) stamp

assignments: environment ## write the assignments' releases for students, and the teacher's folder
	@$(PRESS) assignments

grade: environment ## mark submitted assignments, contained: SUBMISSIONS=dir (and OVERLAY=dir)
	@$(PRESS) grade "$(SUBMISSIONS)" $(if $(OVERLAY),--overlay "$(OVERLAY)")

experiments: environment ## run the large experiments and keep their records (needs a GPU with 80 GB): DEVICE=h100
	@$(VENV) -m samplebook.experiments.spectr prepare --data _build/spectr.npz
	@$(VENV) -m samplebook.experiments.spectr run --data _build/spectr.npz --out results/experiments/spectr/$(DEVICE).json
	@$(VENV) -m samplebook.experiments.sensitivity run --out results/experiments/sensitivity/$(DEVICE).json
	@$(VENV) -m samplebook.experiments.nbpo prepare --data _build/nbpo.npz
	@$(VENV) -m samplebook.experiments.nbpo run --data _build/nbpo.npz --out results/experiments/nbpo/$(DEVICE).json
	@$(VENV) -m samplebook.experiments.cet prepare --data _build/cet.npz
	@$(VENV) -m samplebook.experiments.cet run --data _build/cet.npz --out results/experiments/cet/$(DEVICE).json
	@$(PRESS) stamp

# The peers of benchmarks/peers, in an environment of their own; the target's file comes last.
$(PEERS): requirements-peers.lock
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

bench: environment $(PEERS) ## measure the library against its peers and limits
	@for file in benchmarks/*.py; do $(VENV) $$file || exit 1; done
	@for file in benchmarks/peers/*.py; do $(dir $(PEERS))bin/python $$file || exit 1; done

clean: ## remove everything built (not .venv and .venv-peers)
	@rm -rf _build
