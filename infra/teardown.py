"""`python -m infra.teardown --stack dev`: removes dev wholly, what Azure only hides included; refuses prod."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable

from infra.az import AzFault, Run, ask, run
from infra.configuration import read_stack
from infra.faults import ConfigurationFault
from infra.names import Names, names, suffix

Command = Callable[[list[str]], int]


def purges(made: Names, location: str, subscription: str) -> tuple[tuple[str, ...], ...]:
    """What takes the names back: a deleted workspace and vault keep theirs for days (P8)."""
    workspace = (
        f"/subscriptions/{subscription}/resourceGroups/{made.group}"
        f"/providers/Microsoft.MachineLearningServices/workspaces/{made.workspace}"
    )
    url = f"https://management.azure.com{workspace}?api-version=2024-10-01&forceToPurge=true"
    return (
        ("rest", "--method", "delete", "--url", url),
        ("keyvault", "purge", "--name", made.vault, "--location", location),
    )


def protected(state: str) -> list[str]:
    """Every protected resource of an exported state: the engine itself names only the first it meets."""
    try:
        resources = json.loads(state)["deployment"]["resources"]
    except (ValueError, KeyError, TypeError):
        return []
    return [resource["urn"] for resource in resources if resource.get("protect")]


def exported(stack: str) -> str:
    """The stack's state as Pulumi exports it; nothing where Pulumi cannot."""
    try:
        command = ["pulumi", "stack", "export", "--stack", stack]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""


def main(
    arguments: list[str] | None = None,
    az: Run = run,
    call: Command = lambda command: subprocess.call(command),
    export: Callable[[str], str] = exported,
) -> int:
    """Destroys dev and purges; 2 where it must not."""
    parser = argparse.ArgumentParser(prog="python -m infra.teardown", description=__doc__)
    parser.add_argument("--stack", required=True)
    parser.add_argument("--yes", action="store_true")
    given = parser.parse_args(arguments)
    if given.stack != "dev":
        print(f"{given.stack} is never torn down here: only dev is disposable", file=sys.stderr)
        print("\n".join(f"  protected: {urn}" for urn in protected(export(given.stack))), file=sys.stderr)
        return 2
    try:
        settings = read_stack("dev")
        account = ask(az, "account", "show")
        made = names(settings.prefix, "dev", settings.suffix or suffix(settings.repository))
        location = ask(az, "group", "show", "--name", made.group)
        code = call(["pulumi", "destroy", "--stack", "dev", *(["--yes", "--skip-preview"] if given.yes else [])])
        if code or not location:
            return code
        for purge in purges(made, location["location"], account["id"]):
            _purge(az, purge)
    except (AzFault, ConfigurationFault) as fault:
        print(fault, file=sys.stderr)
        return 2
    print("dev is gone, its soft-deleted workspace and vault with it")
    return 0


def _purge(az: Run, purge: tuple[str, ...]) -> None:
    """What is already purged is as good as purged."""
    result = az(list(purge))
    gone = ("NotFound", "not found", "DeletedVaultNotFound")
    if result.code and not any(word in result.error for word in gone):
        raise AzFault(f"az {' '.join(purge)}: {result.error}")


if __name__ == "__main__":
    sys.exit(main())
