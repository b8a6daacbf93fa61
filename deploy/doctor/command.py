"""`mlops doctor`: every check, in the order in which a first `up` would meet them."""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from deploy import infra_facts
from deploy.doctor import delivery, local, names, repository, runner, stack, subscription, tools
from deploy.doctor.finding import Finding, fault, ok
from deploy.doctor.seam import Refused, Seam, process
from ml.fault import Fault

FAULT = 1
MARKS = {"ok": "ok     ", "warning": "warning", "fault": "FAULT  "}


def run(
    arguments: argparse.Namespace,
    seam: Seam = process,
    now: dt.datetime | None = None,
    platforms: stack.Platforms | None = None,
) -> tuple[int, dict[str, Any], str]:
    """Exit code (1 where something would fail), JSON and text."""
    if arguments.platform == "local":
        findings = on_this_machine(Path.cwd())
    else:
        findings = on_azure(arguments.stack, seam, now or dt.datetime.now(dt.UTC))
        if platforms and _logged_in(findings):
            findings += stack.check_stacks(platforms, arguments.stack)
    failed = any(finding.level == "fault" for finding in findings)
    found = {
        "version": 1,
        "platform": arguments.platform,
        "findings": [asdict(finding) for finding in findings],
    }
    return FAULT if failed else 0, found, "\n".join(told(finding) for finding in findings)


def told(finding: Finding) -> str:
    """One line: the level, the check, what was found, the remedy."""
    remedy = f" → {finding.remedy}" if finding.remedy else ""
    return f"{MARKS[finding.level]} {finding.check}: {finding.message}{remedy}"


def on_this_machine(folder: Path) -> list[Finding]:
    """What the local loop needs."""
    return [
        *local.check_python(),
        *local.check_packages(),
        *local.check_openmp(),
        *local.check_writable(folder),
        *local.check_disk(folder),
    ]


def on_azure(name: str, seam: Seam, now: dt.datetime) -> list[Finding]:
    """What a first `up` of the stack needs; without a login only this machine is checked."""
    try:
        facts = infra_facts.facts(name)
    except Fault as wrong:
        return [fault("configuration", wrong.message, wrong.remedy or "mend it")]
    findings = [
        ok("configuration", f"Pulumi.{name}.yaml is right"),
        *tools.check_tools(seam, facts["tools"]),
    ]
    findings += tools.check_clock(_server_date(seam), now)
    login = _guarded(("login", lambda: subscription.check_login(seam)))
    findings += login
    if login[0].level == "ok":
        for check in _checks(seam, facts, now.date()):
            findings += _guarded(check)
    return findings


def _logged_in(findings: list[Finding]) -> bool:
    return any(one.check == "login" and one.level == "ok" for one in findings)


def _checks(seam: Seam, facts: dict[str, Any], today: dt.date) -> Iterator[tuple[str, Callable[[], list[Finding]]]]:
    yield "providers", lambda: subscription.check_providers(seam, facts)
    yield "region", lambda: subscription.check_region(seam, facts)
    yield "roles", lambda: subscription.check_roles(seam, facts)
    yield "sizes", lambda: subscription.check_sizes(seam, facts)
    yield "quota", lambda: subscription.check_quota(seam, facts)
    yield "names", lambda: names.check_global_names(seam, facts)
    yield "leftovers", lambda: names.check_leftovers(seam, facts)
    yield "subject", lambda: delivery.check_subject(seam, facts)
    yield "credentials", lambda: delivery.check_credentials(seam, facts)
    yield "environments", lambda: delivery.check_environments(seam, facts)
    yield "approvals", lambda: repository.check_approvals(seam, facts)
    yield "variables", lambda: repository.check_variables(seam, facts)
    yield "main", lambda: repository.check_main(seam, facts)
    yield "runner", lambda: runner.check_runner(seam, facts)
    yield "budget", lambda: delivery.check_budget_start(seam, facts, today)


def _guarded(check: tuple[str, Callable[[], list[Finding]]]) -> list[Finding]:
    """A question that Azure refuses is a finding of its own, and the others are still asked."""
    word, ask = check
    try:
        return ask()
    except Refused as refused:
        return [fault(word, f"Azure does not answer: {refused}", "ask for the role Reader on the subscription")]
    except (KeyError, TypeError, ValueError) as strange:
        says = f"the answer is of a form that is not known: {type(strange).__name__} {strange}"
        return [fault(word, says, "upgrade `az` and `gh`, or mend the check in deploy/doctor/")]


def _server_date(seam: Seam) -> str:
    """The time of Azure's own front door, from the header of its answer."""
    answer = seam("curl", "--silent", "--head", "--max-time", "10", "https://management.azure.com")
    dates = [line.partition(":")[2].strip() for line in answer.out.splitlines() if line.lower().startswith("date:")]
    return dates[0] if dates else ""
