# The commands of this project; `make` alone lists them. CI runs `make test` and nothing else.
#
# Everything is installed into .venv from hash-pinned locks, once: a stamp file remembers it until a lock or
# pyproject.toml changes. Nothing outside this folder is written.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --no-input --disable-pip-version-check -qq

# How long `make demo` streams, and what else to tell it or pytest: make test PYTEST_ARGS="-k policy -x"
DEMO_SECONDS ?= 20
DEMO_ARGS ?=
PYTEST_ARGS ?=

# gpu where an NVIDIA driver is found (its wheels exist for x86_64 only), else cpu. Never both: the two onnxruntime
# packages overwrite each other.
ACCELERATOR ?= $(shell if [ "$$(uname -m)" = x86_64 ] && { nvidia-smi -L || [ -e /proc/driver/nvidia/version ]; } \
	>/dev/null 2>&1; then echo gpu; else echo cpu; fi)
RUNTIME := $(VENV)/.installed-$(ACCELERATOR)
OTHER := $(VENV)/.installed-$(if $(filter gpu,$(ACCELERATOR)),cpu,gpu)
DEV := $(VENV)/.installed-dev

# The first Python that runs and is new enough; `make PYTHON=/path/to/python` overrules.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$python; break; }; done)

.PHONY: help demo test check format lock proto proto-code wheel-test wheelhouse clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(RUNTIME) ## stream simulated factory cameras through a server for DEMO_SECONDS (20)
	@$(BIN)/framebatch demo --seconds $(DEMO_SECONDS) $(DEMO_ARGS)

test: check ## everything that CI runs
	@echo "tests"
	@$(BIN)/python -m pytest -q -n 2 --dist loadgroup $(PYTEST_ARGS)

check: $(DEV) ## style, types and layering, without the tests
	@echo "style"
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "not formatted as agreed: run make format" >&2; exit 1; }
	@echo "types"
	@$(BIN)/mypy --no-error-summary
	@echo "layering"
	@$(BIN)/lint-imports >$(VENV)/layering.txt 2>&1 || { cat $(VENV)/layering.txt >&2; exit 1; }

format: $(DEV) ## rewrite the sources in the agreed style
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

wheel-test: $(DEV) ## build the wheel and try it without the sources
	@$(BIN)/python -m pytest -q tests/test_wheel.py $(PYTEST_ARGS)

# What is in the wheelhouse fits this Python version and kind of machine. The wheel is built with the wheelhouse's own hatchling, and
# joins the lock with its hash, so that one command installs everything by hash.
WHEELHOUSE := dist/wheelhouse
wheelhouse: requirements/$(ACCELERATOR).txt | $(BIN)/python ## all wheels of the ACCELERATOR, for machines without a network
	@rm -rf $(WHEELHOUSE) && mkdir -p $(WHEELHOUSE)
	@$(PIP) download --require-hashes --no-deps --only-binary :all: -r $< -d $(WHEELHOUSE)
	@$(PIP) wheel --no-deps --no-index --find-links $(WHEELHOUSE) -w $(WHEELHOUSE) .
	@cp $< $(WHEELHOUSE)/requirements.txt
	@cd $(WHEELHOUSE) && for wheel in framebatch-*.whl; do \
		echo "framebatch==$$(echo $$wheel | cut -d - -f 2) --hash=sha256:$$(sha256sum $$wheel | cut -d ' ' -f 1)" >>requirements.txt; done
	@cd $(WHEELHOUSE) && sha256sum requirements.txt *.whl >SHA256SUMS
	@echo "$(WHEELHOUSE): $$(ls $(WHEELHOUSE)/*.whl | wc -l) wheels for the $(ACCELERATOR), $$(du -sm $(WHEELHOUSE) | cut -f 1) MB," \
		"for $$($(BIN)/python -c 'import platform as p; print("Python", ".".join(p.python_version_tuple()[:2]), "on", p.machine())')"

# --- generated files -------------------------------------------------------------------------------------------------

UV ?= $(BIN)/uv
COMPILE = $(UV) pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes $(if $(UPGRADE),--upgrade) \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

lock: | $(UV) ## write requirements/*.txt anew; UPGRADE=1 takes the newest versions
	@$(COMPILE) pyproject.toml --extra cpu --group build -o requirements/cpu.txt
	@$(COMPILE) pyproject.toml --extra gpu --group build -c requirements/cpu.txt -o requirements/gpu.txt
	@$(COMPILE) --group dev -c requirements/cpu.txt -o requirements/dev.txt

$(BIN)/uv:
	@$(MAKE) --no-print-directory $(DEV)

PROTO_OUT ?= proto
OIP := $(wildcard proto/inference/*.proto)
# Virtual paths, so that generated imports read `from framebatch_proto.v1 import ...` wherever the package lies.
proto: $(DEV) ## generate the Python code of proto/**/*.proto
	@$(MAKE) --no-print-directory proto-code PYTHON=$(BIN)/python

proto-code:
	@$(PYTHON) -m grpc_tools.protoc $(foreach name,mypy mypy_grpc,--plugin=protoc-gen-$(name)=$(dir $(PYTHON))protoc-gen-$(name)) \
		-Iframebatch_proto/v1=proto/framebatch/v1 $(if $(OIP),-Iframebatch_proto/inference=proto/inference) \
		--python_out=$(PROTO_OUT) --grpc_python_out=$(PROTO_OUT) \
		--mypy_out=quiet:$(PROTO_OUT) --mypy_grpc_out=quiet:$(PROTO_OUT) \
		$(patsubst proto/framebatch/%,framebatch_proto/%,$(wildcard proto/framebatch/v1/*.proto)) $(OIP:proto/%=framebatch_proto/%)
	@touch $(PROTO_OUT)/framebatch_proto/py.typed

# --- set-up, once ----------------------------------------------------------------------------------------------------

$(BIN)/python:
	@[ -n "$(PYTHON)" ] || { echo "framebatch needs Python 3.11 or newer; found: $$(python3 --version 2>/dev/null || echo none)." \
		"Install one, or name it: make PYTHON=/path/to/python3.12" >&2; exit 1; }
	@"$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) cannot make virtual environments. On Debian" \
		"or Ubuntu: apt install python$$("$(PYTHON)" -c 'import sys; print("%d.%d" % sys.version_info[:2])')-venv" >&2; exit 1; }
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# The project is built without isolation: hatchling is in the lock, so nothing is fetched that has no hash.
$(RUNTIME): requirements/$(ACCELERATOR).txt pyproject.toml | $(BIN)/python
	@echo "installing framebatch for the $(ACCELERATOR) into $(VENV), once; this takes a while"
	@if [ -e $(OTHER) ]; then $(PIP) uninstall -y onnxruntime onnxruntime-gpu; rm -f $(OTHER); fi
	@$(PIP) install --require-hashes --only-binary :all: -r requirements/$(ACCELERATOR).txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): requirements/dev.txt $(RUNTIME)
	@echo "installing the developers' tools into $(VENV), once"
	@$(PIP) install --require-hashes --only-binary :all: -r requirements/dev.txt
	@touch $@

clean: ## remove what these commands made
	@rm -rf $(VENV) dist build demo-output demo-summary.json .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
