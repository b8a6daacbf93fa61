"""`python -m infra.sleep down|up --stack dev`: AKS user pools to zero and compute instances stopped, or back."""

from __future__ import annotations

import argparse
import sys

from infra.az import AzFault, Run, ask, run
from infra.configuration import read_stack
from infra.faults import ConfigurationFault
from infra.names import Names, names, suffix
from infra.profiles import PROFILES, Profile
from infra.settings import StackSettings

POOL = "models"


def down(made: Names, settings: StackSettings, profile: Profile) -> list[tuple[str, ...]]:
    """The commands that put a stack to sleep: the cluster itself stays, as stopping one in a network breaks the attach."""
    commands: list[tuple[str, ...]] = []
    if settings.aks:
        pool = ("--cluster-name", made.kubernetes, "--resource-group", made.group, "--name", POOL)
        commands.append(("aks", "nodepool", "update", *pool, "--disable-cluster-autoscaler"))
        commands.append(("aks", "nodepool", "scale", *pool, "--node-count", "0"))
    for user in settings.users if profile.instances else ():
        where = (
            "--name",
            made.instance(user),
            "--workspace-name",
            made.workspace,
            "--resource-group",
            made.group,
        )
        commands.append(("ml", "compute", "stop", *where))
    return commands


def up(made: Names, settings: StackSettings, profile: Profile) -> list[tuple[str, ...]]:
    """The commands that wake it: the autoscaler is as the program sends it, so that no drift is left."""
    if not settings.aks:
        return []
    pool = ("--cluster-name", made.kubernetes, "--resource-group", made.group, "--name", POOL)
    least, most = str(profile.user_pool.least), str(profile.user_pool.most)
    return [
        (
            "aks",
            "nodepool",
            "update",
            *pool,
            "--enable-cluster-autoscaler",
            "--min-count",
            least,
            "--max-count",
            most,
        )
    ]


def already(error: str) -> bool:
    """Whether a refusal only says that it is so already; that something else is under way already is no such word."""
    return "progress" not in error and any(
        word in error for word in ("autoscaler is not enabled", "already", "Autoscaler is not enabled")
    )


def main(arguments: list[str] | None = None, az: Run = run) -> int:
    """Puts dev to sleep or wakes it; prod answers requests and is refused."""
    parser = argparse.ArgumentParser(prog="python -m infra.sleep", description=__doc__)
    parser.add_argument("way", choices=("down", "up"))
    parser.add_argument("--stack", default="dev")
    given = parser.parse_args(arguments)
    if given.stack != "dev":
        print(f"{given.stack} answers requests: only dev sleeps", file=sys.stderr)
        return 2
    try:
        settings = read_stack(given.stack)
        made = names(settings.prefix, given.stack, settings.suffix or suffix(settings.repository))
        for command in (down if given.way == "down" else up)(made, settings, PROFILES[given.stack]):
            _do(az, command)
    except (AzFault, ConfigurationFault) as fault:
        print(fault, file=sys.stderr)
        return 2
    return 0


def _do(az: Run, command: tuple[str, ...]) -> None:
    try:
        ask(az, *command)
        print(f"az {' '.join(command)}")
    except AzFault as fault:
        if not already(str(fault)):
            raise


if __name__ == "__main__":
    sys.exit(main())
