"""All rules in one place, for the pack and for the tests."""

from __future__ import annotations

from infra.policy.aks_rules import AKS
from infra.policy.compute_rules import COMPUTE, WORKSPACE
from infra.policy.data_rules import IMAGES, STORAGE, VAULT
from infra.policy.rule import Rule
from infra.policy.watch_rules import ACCESS, WATCH

RULES: tuple[Rule, ...] = STORAGE + VAULT + IMAGES + WORKSPACE + COMPUTE + AKS + WATCH + ACCESS
