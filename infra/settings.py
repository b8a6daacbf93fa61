"""What a person types for a stack, read once, with every fault told at once."""

from __future__ import annotations

import datetime as dt
import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from infra.faults import ConfigurationFault, did_you_mean

STACKS = ("shared", "dev", "prod")
CLUSTERS = ("gpu", "memory", "low-priority")


@dataclass(frozen=True)
class SharedSettings:
    """The configuration of the stack `shared`."""

    location: str
    reviewers: tuple[str, ...]
    repository: str
    prod_location: str = ""
    repository_ids: str = ""
    github: bool = True
    runners: str = "self-hosted"
    network: str = "private"
    client_id: str = ""
    cost_center: str = ""
    prefix: str = "mlops"
    suffix: str = ""
    team: str = ""
    required_checks: tuple[str, ...] = ()


@dataclass(frozen=True)
class StackSettings:
    """The configuration of the stack `dev` or `prod`."""

    budget: int
    alert: str
    budget_start: dt.date
    repository: str
    aks: bool = True
    network: str = "private"
    clusters: tuple[str, ...] = ()
    spark: bool = False
    users: tuple[str, ...] = ()
    cluster_nodes: int = 0
    addresses: tuple[str, ...] = ()
    caller_address: str = ""
    certificate: str = "self-signed"
    runner_app: str = ""
    runner_image: str = ""
    runner_network: str = ""
    cost_center: str = ""
    prefix: str = "mlops"
    suffix: str = ""
    team: str = ""


def _text(form: str, meaning: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if not re.fullmatch(form, value):
            raise ValueError(meaning)
        return value

    return parse


def _word(*words: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in words:
            raise ValueError(" or ".join(words) + did_you_mean(value, list(words)))
        return value

    return parse


def _switch(value: str) -> bool:
    if value not in ("on", "off", "true", "false"):
        raise ValueError("on or off")
    return value in ("on", "true")


def _whole(value: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]*", value):
        raise ValueError("a whole number above 0")
    return int(value)


def _first_of_month(value: str) -> dt.date:
    try:
        day = dt.date.fromisoformat(value)
    except ValueError:
        raise ValueError("a date like 2026-11-01") from None
    if day.day != 1:
        raise ValueError(f"the first of a month: {day.replace(day=1)}")
    return day


def _many(one: Callable[[str], str]) -> Callable[[str], tuple[str, ...]]:
    def parse(value: str) -> tuple[str, ...]:
        try:
            items = json.loads(value) if value.startswith("[") else [value]
        except ValueError:
            raise ValueError("a list") from None
        return tuple(one(str(item)) for item in items)

    return parse


def _address(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        raise ValueError("an address like 203.0.113.7 or a range like 203.0.113.0/24") from None


_GUID = _text(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", "an Entra object id (a GUID)")
_EMAIL = _text(r"[^@\s]+@[^@\s]+\.[^@\s]+", "an e-mail address")
_REPOSITORY = _text(r"[\w.-]+/[\w.-]+", "owner/name")
PARSERS: dict[str, Callable[[str], Any]] = {
    "location": _text(r"[a-z0-9]+", "a region like westeurope"),
    "prod_location": _text(r"[a-z0-9]+", "a region like northeurope"),
    "reviewers": _many(_text(r"[1-9][0-9]*|team:[1-9][0-9]*", "a GitHub user's number, or team:number")),
    "repository": _REPOSITORY,
    "repository_ids": _text(r"[0-9]+/[0-9]+", "owner's id/repository's id, from `gh api repos/OWNER/NAME`"),
    "github": _switch,
    "runners": _word("self-hosted", "hosted"),
    "cost_center": _text(r"\S.{0,99}", "up to 100 characters"),
    "prefix": _text(r"[a-z][a-z0-9-]*", "lower-case letters, digits and hyphens, a letter first"),
    "suffix": _text(r"[a-z][a-z0-9]{4}", "five lower-case letters or digits, a letter first"),
    "team": _GUID,
    "client_id": _GUID,
    "required_checks": _many(_text(r"\S.*", "the name of a check")),
    "budget": _whole,
    "alert": _EMAIL,
    "budget_start": _first_of_month,
    "aks": _switch,
    "network": _word("private", "public"),
    "clusters": _many(_word(*CLUSTERS)),
    "spark": _switch,
    "users": _many(_GUID),
    "cluster_nodes": _whole,
    "addresses": _many(_address),
    "caller_address": _address,
    "certificate": _text(r"self-signed|[0-9A-Za-z-]{1,127}", "self-signed, or a certificate's name in the vault"),
    "runner_image": _text(r"\S+@sha256:[0-9a-f]{64}", "an image with its digest, name@sha256:…"),
    "runner_app": _text(r"[0-9]+/[0-9]+", "the GitHub App's id/its installation's id"),
    "runner_network": _text(r"[0-9]+", "the business id of the GitHub organisation"),
}


def camel(name: str) -> str:
    """A field's name as Pulumi's configuration writes it: budget_start is budgetStart."""
    head, *rest = name.split("_")
    return head + "".join(part.title() for part in rest)


def parse(
    stack: str, values: Mapping[str, str], defaults: Mapping[str, str] | None = None
) -> SharedSettings | StackSettings:
    """The settings of a stack.

    Args:
        stack: shared, dev or prod.
        values: the configuration as text, keys without the namespace (`budgetStart`).
        defaults: what was found elsewhere (the repository from the git remote), by the same keys.

    Raises:
        ConfigurationFault: with every fault of the configuration.
    """
    if stack not in STACKS:
        raise ConfigurationFault(
            f"stack `{stack}`", [f"stacks are {', '.join(STACKS)}" + did_you_mean(stack, list(STACKS))]
        )
    kind: type[Any] = SharedSettings if stack == "shared" else StackSettings
    known = {camel(field.name): field.name for field in fields(kind)}
    faults = [f"unknown key `{key}`" + did_you_mean(key, list(known)) for key in values if key not in known]
    parsed: dict[str, Any] = {}
    for key, value in {**(defaults or {}), **values}.items():
        if key not in known:
            continue
        try:
            parsed[known[key]] = PARSERS[known[key]](value)
        except ValueError as fault:
            faults.append(f"`{key}`: must be {fault}, not `{value}`")
    required = [camel(field.name) for field in fields(kind) if field.default is field.default_factory]
    faults += [
        f"`{key}` is missing: pulumi config set {key} … --stack {stack}"
        for key in required
        if known[key] not in parsed and key not in values
    ]
    if faults:
        raise ConfigurationFault(f"Pulumi.{stack}.yaml", faults)
    settings: SharedSettings | StackSettings = kind(**parsed)
    return settings
