"""The policy pack: every rule as a policy of its own."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    PolicyPack,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from infra.policy.all_rules import RULES
from infra.policy.rule import Rule, judge
from infra.policy.state import network_state
from infra.policy.waivers import expired, load, standing

WAIVERS, TODAY = load(), dt.datetime.now(dt.UTC).date()
STATE = network_state(json.loads(os.environ.get("PULUMI_CONFIG") or "{}"))


def stack_of(urn: str) -> str:
    """The stack in a resource's URN; a state that is looked at offline has one too."""
    return urn.split("::")[0].rsplit(":", 1)[-1]


def plain(value: Any) -> Any:
    """What Pulumi hands over as dicts and lists; what a preview cannot know yet stays a word that is true."""
    if isinstance(value, Mapping):
        return {key: _known(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_known(value, number) for number in range(len(value))]
    return value


def _known(value: Any, key: Any) -> Any:
    try:
        return plain(value[key])
    except UnknownValueError:
        return "not known yet"


def policy(rule: Rule) -> ResourceValidationPolicy:
    """A rule as Pulumi asks it."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if not args.resource_type.endswith(rule.kinds):
            return
        stack = stack_of(args.urn)
        found = judge((rule,), args.resource_type, plain(args.props), stack)
        for violation in standing(found, WAIVERS, stack, STATE, TODAY):
            report(violation.sentence, None)

    return ResourceValidationPolicy(
        name=rule.name,
        description=rule.right,
        validate=validate,
        enforcement_level=EnforcementLevel.MANDATORY,
    )


def no_expired_waiver() -> ResourceValidationPolicy:
    """An expired waiver fails every stack, once, at its root."""

    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type == "pulumi:pulumi:Stack":
            for sentence in expired(WAIVERS, TODAY):
                report(sentence, None)

    return ResourceValidationPolicy(name="no-expired-waiver", description="A waiver has an end.", validate=validate)


PolicyPack(
    name="mlops",
    enforcement_level=EnforcementLevel.MANDATORY,
    policies=[*(policy(rule) for rule in RULES), no_expired_waiver()],
)
