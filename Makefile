# make train    sets everything up, trains lattice2d on the bundled slabs and draws what it generates
# make discover sets everything up, draws slabs with the bundled model and writes a report of them
# make test     sets everything up, all backends included, and runs the tests
# make test-tfio    the same in an environment of its own, on TensorFlow 2.17 and tensorflow-io
# make docs     sets everything up and builds the documentation, notebooks run: site/index.html
#                (without running the notebooks: make docs NOTEBOOKS=skip)
# make test-newest  the same with the newest versions that setup.cfg allows
# make constraints  writes the versions of make test's environment into constraints.txt
# make test CONSTRAINTS=constraints.txt  tests with exactly those (after rm -r .venv)
# make lint     sets everything up and checks the code's form and its types (make test does the latter too)
# A GPU machine: make train TENSORFLOW=gpu

VENV = .venv
TENSORFLOW = cpu
FOR_TRAINING = $(VENV)/.ready-$(TENSORFLOW)
EXTRAS = jax,torch,energies,sevennet,screen,discover,scale,remote,docs,test
FOR_DISCOVERY = $(VENV)/.ready-$(TENSORFLOW),energies,screen,discover
FOUND = runs/discover
FOR_TESTS = $(VENV)/.ready-$(TENSORFLOW),$(EXTRAS)
NOTEBOOKS = run
RUN = runs/lattice2d
FITS = import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))
PYTHON = $(shell for name in python3.11 python3.12 python3; do \
	$$name -c '$(FITS)' 2>/dev/null && echo $$name && break; done)

FOR_DOCS = $(VENV)/.ready-$(TENSORFLOW),screen,docs
# Versions to install, e.g. constraints.txt; by default what setup.cfg allows.
CONSTRAINTS =
.PHONY: train discover test test-tfio test-newest constraints docs lint

train: $(FOR_TRAINING)
	$(VENV)/bin/python -m keras_ruo2 train --variant=lattice2d --run=$(RUN) --minutes=9 --resume \
		--cheaper_if_slow
	$(VENV)/bin/python -m keras_ruo2 generate --run=$(RUN) --out=$(RUN)/samples.npz

discover: $(FOR_DISCOVERY)
	$(VENV)/bin/python -m keras_ruo2 discover --out=$(FOUND) --count=60 --relaxations=4 \
		--steps=100 --baselines=none

test: $(FOR_TESTS)
	$(VENV)/bin/python -m pytest -n 2 --dist loadfile

# An environment of its own: the last tensorflow-io works beside TensorFlow 2.16 and 2.17 only.
test-tfio:
	$(MAKE) test VENV=.venv-tfio TENSORFLOW=tfio EXTRAS=screen,discover,scale,remote,test

docs: $(FOR_DOCS)
	NO_MKDOCS_2_WARNING=1 NOTEBOOKS=$(NOTEBOOKS) $(VENV)/bin/python -m mkdocs build --strict --quiet
	@echo "Open site/index.html"

test-newest:
	rm -rf .venv-newest
	PIP_NO_CACHE_DIR=1 $(MAKE) test VENV=.venv-newest CONSTRAINTS= UPGRADE='--upgrade --upgrade-strategy eager'

constraints: $(FOR_TESTS)
	$(VENV)/bin/python -m pip freeze --exclude-editable | sed -n 's|^\([^ @+]*==[^ +]*\).*|\1|p' > constraints.txt

lint: $(FOR_TESTS)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy

$(VENV)/.ready-%: $(VENV)/.made
	$(VENV)/bin/python -m pip install --quiet $(UPGRADE) \
		$(addprefix --constraint ,$(CONSTRAINTS)) --editable '.[$*]'
	@touch '$@'

$(VENV)/.made: setup.cfg setup.py pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or 3.12 is needed, none was found."; exit 1; }
	$(PYTHON) -m venv --clear $(VENV)
	@touch '$@'
