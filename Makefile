# Minutes on two cores; the first target also installs into .venv, 2.5 GB.
#
# make lab           install, check on a real file, open the notebooks
# make quick         unit tests and doctests, without notebooks and browser (2 minutes)
# make test          run every test (15 minutes)
# make lint          style and types (1 minute)
# make dist          wheel and sdist in build/dist, installed and tried outside the clone (5 minutes)
# make bench         timings (5 minutes)
# make paper         reproduce Table 1 of the paper: train, damage, classify (2 hours)
# make ship          put network and results of make paper into the package
# make supercells    accuracies on random supercells and orientations (about 20 minutes)
# make samples       accuracies on strained, hot, finite and disordered samples (30 minutes)
# make witnesses     when it says nothing; compounds; space groups of broken crystals (30 minutes)
# make maps          maps of polycrystals and half molten boxes, beside OVITO's templates (1 hour)
# make files         read 10,000 files that went wrong (5 minutes)
# make book          the site of the series in build/book/html (3 minutes)
# make student       copies of the notebooks with folded solutions, in crystutor-student
# make grading       a course of nbgrader in build/course, see docs/TEACHING.md
# make notebooks     execute the notebooks, save their figures
# make examples      write the example structures
# make prototypes    enumerate the hypothetical prototypes (long)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RESULTS := build/table1
TWO_AT_A_TIME := -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: lab quick test bench lint dist paper ship supercells samples witnesses maps files prototypes examples notebooks student grading book clean

lab: $(VENV)/installed
	$(BIN)/crystutor classify --spglib crystutor/data/examples/Cu_25_percent_vacancies.cif
	$(BIN)/crystutor lab

quick: $(VENV)/tested
	$(BIN)/python -m pytest $(TWO_AT_A_TIME) crystutor tests --ignore=tests/browser

test: $(VENV)/tested
	$(BIN)/python -m pytest $(TWO_AT_A_TIME)

bench: $(VENV)/tested
	$(BIN)/python -m pytest tests/benchmarks --benchmark-only --benchmark-sort=name \
	    --benchmark-columns=min,median,max,rounds -q

lint: $(VENV)/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

dist: $(VENV)/tested
	rm -rf build/dist
	$(BIN)/python -m build --outdir build/dist
	$(BIN)/python tools/check_dist.py build/dist

paper: $(VENV)/installed
	$(BIN)/crystutor reproduce table1 --out $(RESULTS)

ship: $(VENV)/installed
	$(BIN)/python tools/ship_results.py $(RESULTS)

supercells: $(VENV)/installed
	$(BIN)/python tools/measure_supercells.py --out build/supercells

samples: $(VENV)/installed
	$(BIN)/python tools/measure_samples.py all --n 98

witnesses: $(VENV)/installed
	$(BIN)/python tools/measure_witnesses.py all

maps: $(VENV)/installed
	$(BIN)/python tools/measure_maps.py polycrystals --out build/maps/polycrystals.csv
	$(BIN)/python tools/measure_maps.py liquid --out build/maps/liquid.csv
	$(BIN)/python tools/measure_maps.py times

files: $(VENV)/installed
	$(BIN)/python tools/measure_files.py

prototypes: $(VENV)/installed
	$(BIN)/python tools/enumerate_prototypes.py crystutor/data/hypothetical_prototypes.json

examples: $(VENV)/installed
	$(BIN)/python tools/make_examples.py crystutor/data/examples

notebooks: $(VENV)/installed
	$(BIN)/python tools/execute_notebooks.py notebooks/*.ipynb

student: $(VENV)/installed
	$(BIN)/crystutor lab --student --copy-only

grading: $(VENV)/installed
	$(BIN)/python -m pip install --editable ".[grading]"
	$(BIN)/python tools/course.py make build/course

book: $(VENV)/with_book
	$(BIN)/python tools/make_book.py build/book

clean:
	rm -rf $(VENV) build

$(VENV)/installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("crystutor needs Python 3.11 or newer") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --editable .
	touch $@

$(VENV)/with_book: $(VENV)/installed
	$(BIN)/python -m pip install --editable ".[book]"
	touch $@

$(VENV)/tested: $(VENV)/installed
	$(BIN)/python -m pip install --editable ".[test]"
	touch $@
