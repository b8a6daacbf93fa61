"""Checks of this machine: the commands and the clock."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from deploy.doctor.finding import Finding, fault, ok, warning
from deploy.doctor.seam import Seam

ASK = {
    "az": ("az", "version"),
    "pulumi": ("pulumi", "version"),
    "git": ("git", "--version"),
    "gh": ("gh", "--version"),
    "kubelogin": ("kubelogin", "--version"),
}
WHERE = {
    "az": "learn.microsoft.com/cli/azure/install-azure-cli",
    "pulumi": "pulumi.com/docs/install",
    "git": "git-scm.com",
    "gh": "cli.github.com",
    "kubelogin": "az aks install-cli",
}


def version(text: str) -> tuple[int, ...]:
    """The first number of two or three parts in a text; empty where there is none."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in found.groups() if part) if found else ()


def check_tools(seam: Seam, wanted: Mapping[str, str]) -> list[Finding]:
    """Every command with its least version."""
    findings = []
    for tool, least in wanted.items():
        result = seam(*ASK[tool])
        found = version(result.out)
        if result.code:
            findings.append(fault("tools", f"`{tool}` is not on the PATH", f"install it: {WHERE[tool]}"))
        elif found < version(least):
            findings.append(
                fault(
                    "tools",
                    f"`{tool}` is {'.'.join(map(str, found))}, older than {least}",
                    f"upgrade it: {WHERE[tool]}",
                )
            )
        else:
            findings.append(ok("tools", f"{tool} {'.'.join(map(str, found))}"))
    return findings


def check_clock(server_date: str, now: dt.datetime) -> list[Finding]:
    """The clock against a server's: a token is refused where they differ by minutes."""
    if not server_date:
        return [warning("clock", "no server told the time", "check it by hand: a token wants it right")]
    apart = abs((parsedate_to_datetime(server_date) - now).total_seconds())
    if apart > 120:
        return [fault("clock", f"the clock is {apart:.0f} s off", "set it: timedatectl set-ntp true")]
    return [ok("clock", f"the clock is {apart:.0f} s off")]
