# Each target sets up what it needs, from an empty clone on. `make help` lists them.
#   ARGS   arguments of the launch file (sim-train) or of pytest (test)
#   SUITE  suite of the benchmark, all without it; PART: one task of it; JSON: file for its figures; QUICK=1: the short version;
#          WORK: where its runs and plots go, from which it also goes on

VENV := .venv
# One environment for each ROS 2: a sourced one, or the wheels.
READY := $(VENV)/ready-$(or $(ROS_DISTRO),wheels)
ENTER := . ./$(VENV)/setup.sh &&
INPUTS := $(wildcard constraints/*.txt launch/*.launch.py launch/config/*.xml launch/config/*.yaml launch/config/*/* tools/ros2lite/pyproject.toml)

.DEFAULT_GOAL := help
.PHONY: help setup sim-train test check bench clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

setup: $(READY) ## make the environment .venv with everything in it

$(READY): tools/setup_venv.py setup.py setup.cfg pyproject.toml package.xml $(INPUTS)
	@python3 tools/setup_venv.py $(VENV)
	@touch $@

sim-train: $(READY) ## teach a simulated arm by takeovers (ARGS="task:=reach seed:=1")
	@$(ENTER) exec ros2 launch vlmrl_ros sim_train.launch.py $(ARGS)

test: $(READY) ## run the tests (ARGS="-k takeover")
	@$(ENTER) exec python -m pytest -q -n 2 --no-loadscope-reorder $(ARGS)

check: $(READY) ## format, lint, types, import rules, and whether what is made from options and results is current
	@$(ENTER) ruff format --check .
	@$(ENTER) ruff check .
	@$(ENTER) mypy
	@$(ENTER) lint-imports
	@$(ENTER) python tools/reference.py --check
	@$(ENTER) python tools/text_options.py --check
	@$(ENTER) python tools/figures.py --check

# What the suite "learner" compares with is installed when it is first asked for, at pinned versions beside all else.
$(VENV)/ready-bench: $(READY) constraints/bench.txt
	@echo "setup: installing what the suite 'learner' compares with; the first time this takes a minute or two"
	@$(ENTER) python -m pip install -qq --disable-pip-version-check --no-build-isolation -c constraints/bench.txt -e '.[bench]'
	@touch $@

bench: $(READY) $(if $(filter-out all learner,$(SUITE)),,$(VENV)/ready-bench) ## measure (SUITE=peg JSON=peg.json QUICK=1)
	@$(ENTER) exec ros2 run vlmrl_ros benchmark $(SUITE) $(if $(PART),--part $(PART)) $(if $(JSON),--json $(JSON)) $(if $(WORK),--work $(WORK)) $(if $(filter-out 0,$(QUICK)),--quick)

clean: ## remove everything that these targets made, except runs/
	rm -rf $(VENV) build install log *.egg-info tools/ros2lite/src/*.egg-info tools/ros2lite/build
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
