# `make demo` and `make test` do all of their own set-up: system packages where this machine allows it, a virtual
# environment in .venv, Python packages pinned by constraints.txt, and a Chromium.
VENV ?= .venv
PYTHON ?= python3
JOBS ?= 2
RUN := $(VENV)/bin

.PHONY: demo test setup eval bench soak lint docs clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt .ci/setup
	PYTHON="$(PYTHON)" VENV="$(VENV)" sh .ci/setup
	touch $@

demo: setup
	$(RUN)/agent demo

test: setup
	$(RUN)/ruff check .
	$(RUN)/lint-imports
	$(RUN)/mypy
	$(RUN)/pytest -m "not slow" -n $(JOBS)

lint: setup
	$(RUN)/ruff check . && $(RUN)/ruff format --check . && $(RUN)/lint-imports && $(RUN)/mypy

eval: setup
	$(RUN)/agent eval bookings --n 20

bench: setup
	$(RUN)/agent bench step --surface browser
	$(RUN)/agent bench policy
	$(RUN)/agent bench model

soak: setup
	$(RUN)/pytest -m slow

docs: setup
	$(RUN)/python -m agent.reference docs/reference

clean:
	rm -rf $(VENV) runs build dist *.egg-info
