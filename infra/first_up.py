"""`python -m infra.first_up`: the first `up` of a private prod, open to the caller's address, closed at its end."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable

from infra.az import AzFault, Run, ask, run
from infra.components.aks_extension import host_name
from infra.configuration import read_shared, read_stack
from infra.faults import ConfigurationFault
from infra.names import Names, names, suffix

CALLER, AKS = "mlops:callerAddress", "mlops:aks"
CERTIFICATE = "endpoint"


def own_address() -> str:
    """The address from which this machine is seen.

    Raises:
        ConfigurationFault: nobody tells it.
    """
    try:
        with urllib.request.urlopen("https://api.ipify.org", timeout=10) as answer:
            return str(answer.read().decode())
    except OSError as error:
        raise ConfigurationFault(
            "this machine", [f"nobody tells its address ({error}): give it with --address"]
        ) from None


def policy(host: str) -> str:
    """A certificate of its own signature for the endpoints' name, renewed by the vault."""
    return json.dumps(
        {
            "issuerParameters": {"name": "Self"},
            "keyProperties": {"exportable": True, "keyType": "RSA", "keySize": 3072, "reuseKey": False},
            "secretProperties": {"contentType": "application/x-pem-file"},
            "x509CertificateProperties": {
                "subject": f"CN={host}",
                "subjectAlternativeNames": {"dnsNames": [host]},
                "validityInMonths": 12,
            },
            "lifetimeActions": [{"action": {"actionType": "AutoRenew"}, "trigger": {"daysBeforeExpiry": 30}}],
        }
    )


def main(
    arguments: list[str] | None = None,
    az: Run = run,
    call: Callable[[list[str]], int] = lambda command: subprocess.call(command),
    address: Callable[[], str] = own_address,
    pause: Callable[[float], None] = time.sleep,
) -> int:
    """Opens, applies, makes the certificate where it is self-signed, and closes whatever happened between."""
    parser = argparse.ArgumentParser(prog="python -m infra.first_up", description=__doc__)
    parser.add_argument("--yes", action="store_true", help="do not ask; for a workflow that was approved")
    parser.add_argument("--address", help="the address that is let in; asked for where it is not given")
    given = parser.parse_args(arguments)
    up = ["pulumi", "up", "--stack", "prod", *(["--yes"] if given.yes else [])]
    try:
        settings, shared = read_stack("prod"), read_shared()
        made = names(settings.prefix, "prod", settings.suffix or suffix(settings.repository))
        location = shared.prod_location or shared.location
    except ConfigurationFault as fault:
        print(fault, file=sys.stderr)
        return 2
    if settings.network == "public":
        return call(up)
    try:
        own = given.address or address()
    except ConfigurationFault as fault:
        print(fault, file=sys.stderr)
        return 2
    config = ["pulumi", "config"]
    without_aks = settings.aks and settings.certificate == "self-signed"
    try:
        code = call([*config, "set", CALLER, own, "--stack", "prod"])
        if not code and without_aks:
            # The cluster waits for the certificate: everything else is made first, then what the vault shall hold.
            code = call([*config, "set", AKS, "off", "--stack", "prod"]) or call(up)
            if not code:
                make_certificate(az, made, host_name(made.kubernetes, location), pause)
                without_aks = bool(call([*config, "rm", AKS, "--stack", "prod"]))
        code = code or call(up)
    except AzFault as fault:
        print(fault, file=sys.stderr)
        code = 2
    finally:
        closed = [call([*config, "rm", CALLER, "--stack", "prod"])]
        closed.append(call(["pulumi", "up", "--stack", "prod", "--yes"]))
        if without_aks:  # it failed before the cluster: the door is closed without one, and the next run goes on
            closed.append(call([*config, "rm", AKS, "--stack", "prod"]))
    return code or max(closed)


def make_certificate(az: Run, made: Names, host: str, pause: Callable[[float], None]) -> None:
    """The certificate. A workflow has the role from the stack; a person has it only meanwhile."""
    if ask(az, "account", "show").get("user", {}).get("type") == "servicePrincipal":
        _certificate(az, made.vault, host, pause)
        return
    vault = ask(az, "keyvault", "show", "--name", made.vault, "--resource-group", made.group)
    person = ask(az, "ad", "signed-in-user", "show")["id"]
    role = ("--assignee", person, "--role", "Key Vault Certificates Officer", "--scope", vault["id"])
    ask(az, "role", "assignment", "create", *role)
    try:
        _certificate(az, made.vault, host, pause)
    finally:
        ask(az, "role", "assignment", "delete", *role)


def _certificate(az: Run, vault: str, host: str, pause: Callable[[float], None]) -> None:
    """Makes it where it is missing; a role takes minutes to be known, so a refusal is asked again (3.7)."""
    where = ("--vault-name", vault, "--name", CERTIFICATE)
    for left in reversed(range(10)):
        try:
            if not ask(az, "keyvault", "certificate", "show", *where):
                ask(az, "keyvault", "certificate", "create", *where, "--policy", policy(host))
            return
        except AzFault:
            if not left:
                raise
            pause(30)


if __name__ == "__main__":
    sys.exit(main())
