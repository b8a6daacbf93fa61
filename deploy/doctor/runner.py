"""Checks of the machine on which prod's jobs run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from deploy.doctor.finding import Finding, fault, ok, warning
from deploy.doctor.seam import Refused, Seam, az

Facts = Mapping[str, Any]
EVERYBODYS = "ubuntu-latest"


def check_runner(seam: Seam, facts: Facts) -> list[Finding]:
    """The variable PROD_RUNNER names a runner that answers; asked of prod alone."""
    if facts["stack"] != "prod":
        return []
    runner = facts["runner"]
    told = _variable(seam, facts["repository"])
    if told is not None and told != runner["label"]:
        says = f"the variable PROD_RUNNER is `{told}`, not `{runner['label']}`"
        return [fault("runner", says, "pulumi up --stack shared")]
    if runner["label"] == EVERYBODYS:
        return [ok("runner", "GitHub's own, as prod's network is public")]
    if _online(seam, facts["repository"], runner["label"]):
        return [ok("runner", f"{runner['label']} is online")]
    return _hosted(seam, facts) if runner["hosted"] else _started(seam, facts)


def _variable(seam: Seam, repository: str) -> str | None:
    """The variable as GitHub has it; None where GitHub does not tell, empty where there is none."""
    found = seam("gh", "api", f"repos/{repository}/actions/variables/PROD_RUNNER")
    if found.code:
        return "" if "404" in found.error else None
    return str(json.loads(found.out)["value"])


def _online(seam: Seam, repository: str, label: str) -> bool:
    found = seam("gh", "api", f"repos/{repository}/actions/runners")
    runners = json.loads(found.out)["runners"] if not found.code else []
    return any(r["status"] == "online" and label in {one["name"] for one in r["labels"]} for r in runners)


def _hosted(seam: Seam, facts: Facts) -> list[Finding]:
    """GitHub's hosted runners are the organisation's."""
    owner, label = facts["repository"].split("/")[0], facts["runner"]["label"]
    found = seam("gh", "api", f"orgs/{owner}/actions/hosted-runners")
    if found.code:
        return [warning("runner", f"GitHub does not tell of {owner}'s hosted runners", "ask an owner of it")]
    status = {one["name"]: one["status"] for one in json.loads(found.out)["runners"]}.get(label)
    if status == "Ready":
        return [ok("runner", f"{label} is ready")]
    says = f"{owner} has no hosted runner `{label}`" if status is None else f"{label} is {status}"
    return [fault("runner", says, "make it in the organisation's settings, in prod's network")]


def _started(seam: Seam, facts: Facts) -> list[Finding]:
    """A runner of our own lives for one job: whether one would answer is told by its last start."""
    job, group = facts["runner"]["job"], facts["names"]["group"]
    if not facts["runner"]["app"]:
        remedy = "docs/infrastructure.md, Runners inside prod's network"
        return [fault("runner", "no GitHub App starts it: `mlops:runnerApp` is not set", remedy)]
    start = f"az containerapp job start --name {job} --resource-group {group}"
    try:
        runs = az(seam, "containerapp", "job", "execution", "list", "--name", job, "--resource-group", group) or []
    except Refused:
        return [warning("runner", f"the job {job} is not made yet", "pulumi up --stack prod")]
    if not runs:
        return [warning("runner", f"the job {job} has never run", f"try it: {start}")]
    last = max((run["properties"] for run in runs), key=lambda run: str(run.get("startTime") or ""))
    if last["status"] in ("Running", "Succeeded"):
        return [ok("runner", f"{job} {last['status'].lower()}, started {last['startTime']}")]
    return [fault("runner", f"the last start of {job} {last['status'].lower()}", f"read its log, then: {start}")]
