# Everything a person or continuous integration does here. "make" alone lists the targets.
#
# Needs git, make and Python 3.11 or newer with venv; the rest goes into .venv.
#   make PYTHON=python3.12 setup     another interpreter
#   make TORCH=torch==2.12.1 setup   another build of torch; give pip an index for CPU-only or other CUDA builds
#   make JOBS=4 test                 so many test files at a time
#   make ARGS="--seconds 5" demo     words for the command behind demo, test or bench

SHELL  := /bin/bash
PYTHON ?= python3
VENV   ?= .venv
EXTRAS ?= people,desktop,learned,openvino,export,formats,test,dev
TORCH  ?= torch==2.13.0
ARGS   ?=
JOBS   ?= 2
SECONDS ?= 300
RUNS   ?= 25
MINUTES ?= 30

BIN := $(VENV)/bin

# What Qt, OpenCV and Open3D load from the system: first line for every machine, second for X11 and Wayland.
LIBRARIES := libgl1 libegl1 libglib2.0-0 libfontconfig1 libdbus-1-3 libxkbcommon0 libusb-1.0-0 \
             libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0 libwayland-cursor0
LOADS := QT_QPA_PLATFORM=offscreen XDG_RUNTIME_DIR=$${XDG_RUNTIME_DIR:-/tmp} $(BIN)/python -c \
         'import cv2, open3d, PyQt6.QtOpenGL, PyQt6.QtWidgets as widgets; widgets.QApplication([])'

# Of the walk through the desktop, those that docs/desktop.md shows.
PICTURES := first_start wizard_show_the_board wizard_result live player

.PHONY: help setup demo test lint types soak fuzz bench screenshots docs clean
.DEFAULT_GOAL := help

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(VENV)/.packages $(VENV)/.libraries  ## install everything into .venv

demo: setup  ## the simulated studio, or a progress bar where there is no display
	@$(BIN)/python launch.py demo $(ARGS)

test: setup  ## run the tests
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest --durations=10 -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS) || \
	{ [ $$? = 1 ] && echo && echo "Live tests can miss their deadlines beside others: what failed once more, alone." && \
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -rA --show-capture=no --last-failed --last-failed-no-failures none $(ARGS); }

lint: setup  ## check style and formatting
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup  ## check types
	$(BIN)/mypy

fuzz: setup  ## damage every file and message for a while: make SECONDS=1200 fuzz
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

soak: setup  ## break recordings on purpose, many times, then record for long: make RUNS=25 MINUTES=30 soak
	$(BIN)/python -m tests.faults.series --runs $(RUNS) --how kill,stop --out build/faults $(ARGS)
	$(BIN)/python -m tests.faults.camera_events
	$(BIN)/python -m tests.faults.soak --minutes $(MINUTES)

bench: setup  ## measure how fast the parts run on this machine
	$(BIN)/python launch.py benchmark triangulation $(ARGS)
	$(BIN)/python launch.py benchmark pipeline $(ARGS)

screenshots: setup  ## walk through the desktop and renew the pictures in docs/images/desktop
	rm -rf build/screenshots
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest tests/app/test_walkthrough.py --screenshots build/screenshots
	mkdir -p docs/images/desktop
	for name in $(PICTURES); do $(BIN)/python -c 'import sys; from PIL import Image; \
	    Image.open(sys.argv[1]).convert("RGB").save(sys.argv[2], quality=82, optimize=True)' \
	    build/screenshots/*_$$name.png docs/images/desktop/$$name.jpg; done

docs: $(VENV)/.docs  ## write the reference of all modules to build/docs
	QT_QPA_PLATFORM=offscreen $(BIN)/pdoc --docformat google --mermaid --output-directory build/docs \
	    app calibration configs models pipeline
	@echo "open build/docs/index.html"

clean:  ## remove caches, build results and .venv
	rm -rf build .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info $(VENV)
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamp files make a second run start at once.

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not installed; Posestage needs Python 3.11 or newer"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Posestage needs Python 3.11 or newer; choose one with: make PYTHON=python3.12 setup"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	    { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment; on Debian run: apt-get install python3-venv"; exit 1; }

$(VENV)/.packages: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[$(EXTRAS)]" $(TORCH)
	@touch $@

$(VENV)/.libraries: | $(VENV)/.packages
	@if $(LOADS) 2>/dev/null; then :; \
	elif command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	    echo "installing system libraries: $(LIBRARIES)"; \
	    { apt-get -qq update && DEBIAN_FRONTEND=noninteractive \
	      apt-get -qq install --yes --no-install-recommends $(LIBRARIES) >/dev/null && $(LOADS); } || exit 1; \
	elif command -v apt-get >/dev/null; then \
	    echo "system libraries are missing; run this once, then make again:"; \
	    echo "  sudo apt-get install --yes --no-install-recommends $(LIBRARIES)"; exit 1; \
	else \
	    echo "system libraries are missing; install what this message asks for, then make again:"; $(LOADS); \
	fi
	@touch $@

$(VENV)/.docs: $(VENV)/.packages $(VENV)/.libraries
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[docs]"
	@touch $@
