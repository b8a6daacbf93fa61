"""`python -m infra.bootstrap`: says what it will do, does what is missing, applies shared the first time."""

from __future__ import annotations

import argparse
import datetime as dt
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from infra.az import AzFault, Run, ask, run
from infra.bootstrap.files import (
    TYPED,
    put,
    write_backend,
    write_budget_start,
    write_secrets_provider,
    write_typed,
)
from infra.bootstrap.steps import Step, Target, identity_steps, steps
from infra.configuration import ROOT, read_shared, read_stack
from infra.facts import facts
from infra.faults import ConfigurationFault
from infra.gh import Ids, repository_ids
from infra.names import suffix
from infra.offer import offer_faults
from infra.state import state_names

NOT_YET = {"budgetStart": "2026-01-01"}  # bootstrap writes it at its end


def missing(az: Run, wanted: Iterable[Step]) -> list[Step]:
    """The steps whose thing is not there yet; a group that is missing hides what would be in it."""
    return [step for step in wanted if not _there(_look(az, step), step)]


def _look(az: Run, step: Step) -> Any:
    try:
        return ask(az, *step.look)
    except AzFault as fault:
        if "NotFound" in str(fault) or "Forbidden" in str(fault):  # made, but not yet ours to look into
            return None
        raise


def _there(answer: Any, step: Step) -> bool:
    def at(path: str) -> Any:
        value = answer
        for part in path.split("."):
            value = (value or {}).get(part)
        return value

    return bool(answer) and all(at(path) == value for path, value in step.found)


def write_ids(root: Path, ids: Ids) -> None:
    """The repository's ids, where GitHub tells them: a repository made since 15 July 2026 is trusted by them only."""
    settings = read_shared(root)
    found = "" if settings.repository_ids else ids(settings.repository)
    if found:
        put(root / "Pulumi.shared.yaml", "repositoryIds", found)
    elif not settings.repository_ids:
        print(f"GitHub does not tell the ids of {settings.repository}: gh auth login, then run this again")


def wanting(az: Run, root: Path) -> None:
    """Refuses a region that lacks what dev or prod are made of.

    Raises:
        ConfigurationFault: with everything that their regions lack.
    """
    lacking: list[str] = []
    for stack in ("dev", "prod"):
        found = facts(stack, read_stack(stack, root, NOT_YET), read_shared(root))
        faults = offer_faults(az, found["location"], found["sizes"], found["services"])
        lacking += [f"{stack}: {fault}" for fault in faults]
    if lacking:
        raise ConfigurationFault("Pulumi.shared.yaml", lacking)


def target(az: Run, root: Path) -> Target:
    """Where to work: the subscription of the login, the rest from Pulumi.shared.yaml."""
    settings = read_shared(root)
    for stack in ("dev", "prod"):  # what lacks is told now, and not after shared is made
        read_stack(stack, root, NOT_YET)
    account, person = ask(az, "account", "show"), ask(az, "ad", "signed-in-user", "show")
    owner, name = settings.repository.split("/")
    forms = [f"repo:{owner}/{name}"]
    if settings.repository_ids:
        owner_id, repository_id = settings.repository_ids.split("/")
        forms.append(f"repo:{owner}@{owner_id}/{name}@{repository_id}")
    return Target(
        account["id"],
        settings.location,
        settings.repository,
        state_names(settings.prefix, settings.suffix or suffix(settings.repository)),
        person["id"],
        tuple(f"{form}:environment:shared" for form in forms),
    )


def carry_out(az: Run, wanted: Iterable[Step], say: Callable[[str], None]) -> int:
    """Makes what is missing, one after another, and returns how many were made."""
    made = 0
    for step in missing(az, wanted):
        say(f"making {step.says}")
        ask(az, *step.make)
        made += 1
    return made


def main(
    arguments: list[str] | None = None,
    az: Run = run,
    root: Path = ROOT,
    today: dt.date | None = None,
    question: Callable[[str], str] = input,
    up: Callable[[list[str]], int] = lambda command: subprocess.call(command),
    ids: Ids = repository_ids,
) -> int:
    """Runs bootstrap; a second run finds everything there and changes nothing."""
    parser = argparse.ArgumentParser(prog="python -m infra.bootstrap", description=__doc__)
    for name, meaning in TYPED.items():
        parser.add_argument(f"--{name}", help=meaning)
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--no-up", action="store_true", help="leave the first `pulumi up` of shared to you")
    given = parser.parse_args(arguments)
    write_typed(root, {name: value for name in TYPED if (value := getattr(given, name))})
    try:
        write_ids(root, ids)
        where = target(az, root)
        wanting(az, root)
        wanted = steps(where)
        todo = missing(az, wanted)
        print(f"subscription {where.subscription}, repository {where.repository}, region {where.location}")
        print("\n".join(f"  will make {step.says}" for step in todo) or "  everything is there")
        if todo and not given.yes and question("go on? [y/N] ").strip().lower() not in ("y", "yes"):
            return 1
        made = carry_out(az, wanted, print)
        identity = ask(az, "identity", "show", "--name", where.state.identity, "--resource-group", where.state.group)
        made += carry_out(az, identity_steps(where, identity["principalId"]), print)
    except (AzFault, ConfigurationFault) as fault:
        print(fault, file=sys.stderr)
        return 2
    write_backend(root, where.state.account)
    write_secrets_provider(root, where.state.vault)
    write_budget_start(root, today or dt.datetime.now(dt.UTC).date())
    put(root / "Pulumi.shared.yaml", "clientId", identity["clientId"])
    print(f"made {made}; the client id of `shared` is {identity['clientId']}")
    if given.no_up:
        return 0
    return up(["pulumi", "stack", "select", "--create", "shared"]) or up(["pulumi", "up", "--stack", "shared"])


if __name__ == "__main__":
    sys.exit(main())
