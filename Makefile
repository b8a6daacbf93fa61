# Two commands: `make run` (the whole loop on this machine) and `make test`. They need Python 3.11 or newer.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

# Where a container forbids bytecode each process would compile its packages anew, which takes longer than its work.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run azure test test-exhaustive test-workflows infra-setup test-infra test-infra-engine infra-down lock clean
.DEFAULT_GOAL := run

run: $(VENV)/.local
	@$(BIN)/mlops run --yes

test: $(VENV)/.development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n 3 --dist loadfile -m "not exhaustive" -rs

test-exhaustive: $(VENV)/.development  ## what takes long: a release on Azure that dies after each write, a whole page
	$(BIN)/pytest -n 3 --dist loadfile -m exhaustive -rs

azure: $(VENV)/.azure  ## what `mlops … --platform azure` needs on this machine

$(VENV)/.local: environments/local/requirements.txt environments/install.sh
	@PYTHON=$(PYTHON) sh environments/install.sh local

$(VENV)/.azure: environments/azure/requirements.txt environments/install.sh
	@PYTHON=$(PYTHON) sh environments/install.sh azure

$(VENV)/.development: environments/development/requirements.txt environments/install.sh
	@PYTHON=$(PYTHON) sh environments/install.sh development

# Infrastructure: an environment of its own, as Pulumi wants other releases than MLflow.
INFRA_PYTHON := .venv-infra/bin/python

.venv-infra/.ready: environments/infrastructure/requirements.txt
	$(PYTHON) -m venv .venv-infra
	$(INFRA_PYTHON) -m pip install --quiet --require-hashes -r environments/infrastructure/requirements.txt
	$(INFRA_PYTHON) -m pip install --quiet --no-deps --no-build-isolation -e .
	touch $@

infra-setup: .venv-infra/.ready  ## what Pulumi and the tests of infra/ need

test-infra: infra-setup  ## the infrastructure under mocks: values, edges, roles, policies
	$(INFRA_PYTHON) -m mypy infra
	$(INFRA_PYTHON) -m pytest tests/infra -m "not engine"

test-infra-engine: infra-setup  ## the same through the real engine; wants `pulumi` on the PATH
	$(INFRA_PYTHON) -m pytest tests/infra -m engine -rs

infra-down: infra-setup  ## make infra-down STACK=dev: removes dev wholly; refuses prod
	$(INFRA_PYTHON) -m infra.teardown --stack $(STACK)

# The workflows, executed: actionlint reads them, act runs them. Both are Go modules, kept in the user's cache.
TOOLS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/mlops/bin
ACTIONLINT := v1.7.12
ACT := v0.2.89

$(TOOLS)/actionlint-$(ACTIONLINT):
	GOBIN=$(TOOLS) GOFLAGS=-mod=mod go install github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT)
	mv $(TOOLS)/actionlint $@

$(TOOLS)/act-$(ACT):
	GOBIN=$(TOOLS) GOFLAGS=-mod=mod go install github.com/nektos/act@$(ACT)
	mv $(TOOLS)/act $@

test-workflows: $(VENV)/.development $(TOOLS)/actionlint-$(ACTIONLINT) $(TOOLS)/act-$(ACT)
	MLOPS_ACTIONLINT=$(TOOLS)/actionlint-$(ACTIONLINT) MLOPS_ACT=$(TOOLS)/act-$(ACT) MLOPS_WORKFLOWS=run \
	  $(BIN)/pytest tests/workflows -rs

# Compiles the locks anew; needs uv and a network.
lock:
	sh environments/lock.sh

clean:
	-@$(BIN)/mlops down
	rm -rf $(VENV) .mlops
