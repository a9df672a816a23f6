# Everything from a fresh clone: `make help` lists the targets.
export ROS_DISTRO ?= jazzy
PYTHON ?= python3
# `builtin`, a camera (/dev/video0), a video, a GIF, a picture, a folder of pictures, topic:/camera/image_raw
SOURCE ?= builtin
# Seconds; 0 until Ctrl-C. Unless it is given, the command's own: 10, or as long as a file lasts.
DURATION ?=

ifneq ($(filter-out help lock clean,$(or $(MAKECMDGOALS),help)),)
ifeq ($(wildcard requirements/$(ROS_DISTRO).in),)
$(error ROS_DISTRO=$(ROS_DISTRO) is not packaged here; there are: jazzy kilted. On a robot use colcon, as the README says)
endif
endif

# A ROS 2 that was sourced would mix with the one made here.
unexport AMENT_PREFIX_PATH CMAKE_PREFIX_PATH PYTHONPATH LD_LIBRARY_PATH _ROS_WHEELS_BOOTSTRAP_COMPLETE

venv := .venv-$(ROS_DISTRO)
bin := $(venv)/bin
interfaces := CMakeLists.txt package.xml setup.py setup.cfg $(wildcard cmake/* msg/*.msg srv/*.srv)
# What is copied to the environment's share folder, which ros2 launch reads.
shared := $(wildcard config/* launch/*.py rviz/* models/*/* models/*/*/*)

.DELETE_ON_ERROR:
.PHONY: help run bench soak fuzz test lint types unit format docs lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*  ## ' $(MAKEFILE_LIST) | awk -F ':.*  ## ' '{ printf "make %-8s %s\n", $$1, $$2 }'

run: $(venv)/package  ## all nodes on SOURCE for DURATION seconds (0: until Ctrl-C)
	@$(bin)/rtcnn_perception run --source '$(SOURCE)' $(if $(DURATION),--duration '$(DURATION)')

bench: $(venv)/package  ## measure the pipeline beside the original implementation
	@$(bin)/rtcnn_perception bench

test: lint types unit  ## everything that checks the project

lint: $(venv)/dev  ## style, format and spelling
	$(bin)/ruff check .
	$(bin)/ruff format --check .
	$(bin)/codespell

types: $(venv)/dev $(venv)/package  ## mypy, strict
	$(bin)/python -m mypy

format: $(venv)/dev  ## put the code into the project's format
	$(bin)/ruff check --fix .
	$(bin)/ruff format .

docs: $(venv)/package  ## write the parameters into config/perception.yaml, docs/parameters.md and the README
	$(bin)/python docs/parameter_pages.py

# Training needs PyTorch, which is as large as all the rest: TRAINING=no leaves out what needs it to be tested.
TRAINING ?= yes
ifeq ($(TRAINING),no)
unit_needs :=
unit_options := --ignore=test/training
coverage_options := --omit='rtcnn_perception/training/*,rtcnn_perception/saliency/*'
else
unit_needs := $(venv)/training
endif

# Files or folders, which are then run without coverage; it is asked of all tests together.
TESTS ?=

unit: $(venv)/dev $(venv)/package $(unit_needs)  ## the tests, with coverage, or TESTS of them
ifneq ($(TESTS),)
	$(bin)/python -m pytest -rs --durations=10 $(unit_options) $(TESTS)
else
	$(bin)/coverage erase
	$(bin)/coverage run -m pytest -rs --durations=10 $(unit_options)
	$(bin)/coverage combine --quiet
	@echo "coverage of core, at least 95 %:"
	$(bin)/coverage report --include='rtcnn_perception/core/*' --skip-covered --fail-under=95
	@echo "coverage of the whole, at least 85 %:"
	$(bin)/coverage report $(coverage_options) --skip-covered --fail-under=85
endif

# A run that is stopped goes on where it was: its parts are in benchmarks/soak/parts.json.
FRAMES ?= 1000000
soak: $(venv)/package  ## run the nodes over FRAMES frames with all kinds of faults; tables to docs/reliability.md
	$(bin)/python benchmarks/soak/soak.py --frames $(FRAMES) --page docs/reliability.md

TARGETS ?=
fuzz: $(venv)/package $(venv)/dev $(venv)/training $(venv)/fuzz  ## fuzz the readers of bytes, or TARGETS of them, 60 s or DURATION each
	$(bin)/python test/fuzz/run_fuzz.py --seconds '$(or $(DURATION),60)' --page docs/reliability.md $(TARGETS)

# Stamps: each is made again when what it stands on changes.
$(venv)/ros: requirements/$(ROS_DISTRO).txt requirements/environment.py
	@$(PYTHON) requirements/environment.py $(venv) $<
	@touch $@

$(venv)/dev: requirements/dev.txt $(venv)/ros
	@$(PYTHON) requirements/environment.py $(venv) $<
	@touch $@

$(venv)/training: requirements/training.txt $(venv)/ros
	@$(PYTHON) requirements/environment.py $(venv) $<
	@touch $@

$(venv)/fuzz: requirements/fuzz.txt $(venv)/ros
	@$(PYTHON) requirements/environment.py $(venv) $<
	@touch $@

$(venv)/package: $(interfaces) $(shared) $(venv)/ros
	@echo "$(venv): the messages of this package (about 20 s)"
	@$(bin)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

lock:  ## write requirements/*.txt from requirements/*.in (needs uv)
	requirements/lock

clean:  ## remove what building and running leave, the environments too
	rm -rf .venv-* build install log dist out *.egg-info .coverage* htmlcov .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
