"""What bootstrap writes into the stacks' files: what was typed, the state, the keys, the budget's first month."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from pathlib import Path

from infra.settings import STACKS
from infra.state import CONTAINER

# The four values that a person types, and what each is.
TYPED = {
    "location": "the region of dev and prod, like westeurope",
    "budget": "what a month of each stack may cost, in the billing currency",
    "alert": "the address that alerts and budget warnings go to",
    "reviewer": "the number of the GitHub user who approves prod: gh api users/NAME --jq .id",
}
_WHERE = {
    "location": ("shared",),
    "reviewer": ("shared",),
    "budget": ("dev", "prod"),
    "alert": ("dev", "prod"),
}
_KEY = {"reviewer": "reviewers"}


def put(file: Path, key: str, value: str) -> None:
    """Sets one key of a stack's configuration and leaves every other line as it is."""
    text, line = file.read_text(encoding="utf-8"), f'  mlops:{key}: "{value}"'
    if re.search(rf"^  mlops:{key}:", text, re.M):
        text = re.sub(rf"^  mlops:{key}:.*$", line, text, flags=re.M)
    else:
        text = re.sub(r"^config:.*$", f"config:\n{line}", text, count=1, flags=re.M)
    file.write_text(text, encoding="utf-8")


def write_typed(root: Path, typed: Mapping[str, str]) -> None:
    """Writes the typed values where they belong; a second run with the same values changes nothing."""
    for name, value in typed.items():
        for stack in _WHERE[name]:
            put(root / f"Pulumi.{stack}.yaml", _KEY.get(name, name), value)


def write_budget_start(root: Path, today: dt.date) -> None:
    """Writes the first of this month once into dev and prod: a budget's start never moves (B1)."""
    for stack in ("dev", "prod"):
        file = root / f"Pulumi.{stack}.yaml"
        if "mlops:budgetStart" not in file.read_text(encoding="utf-8"):
            put(file, "budgetStart", today.replace(day=1).isoformat())


def write_secrets_provider(root: Path, vault: str) -> None:
    """Names each stack's own key in its file, where none is named yet."""
    for stack in STACKS:
        file = root / f"Pulumi.{stack}.yaml"
        text = file.read_text(encoding="utf-8")
        if "secretsprovider:" not in text:
            key = f"secretsprovider: azurekeyvault://{vault}.vault.azure.net/keys/{stack}\n"
            file.write_text(key + text, encoding="utf-8")


def write_backend(root: Path, account: str) -> None:
    """Names the state's container in Pulumi.yaml."""
    file = root / "Pulumi.yaml"
    text = file.read_text(encoding="utf-8")
    if "backend:" not in text:
        backend = f"backend:\n  url: azblob://{CONTAINER}?storage_account={account}\n"
        file.write_text(f"{text.rstrip()}\n{backend}", encoding="utf-8")
