"""What `pulumi up` runs: reads the configuration, refuses what is wrong, makes the stack."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.runtime.sync_await import _sync_await

from infra.configuration import defaults
from infra.faults import ConfigurationFault
from infra.names import name_faults, names, suffix
from infra.place import Place, tag_everything
from infra.profiles import PROFILES, profile_faults
from infra.regions import REGIONS, region_faults
from infra.runner import runner_faults
from infra.settings import SharedSettings, StackSettings, parse


@dataclass(frozen=True)
class Typed:
    """What a person typed for a stack, and where Pulumi runs it."""

    stack: str
    values: Mapping[str, str]
    defaults: Mapping[str, str]


def typed() -> Typed:
    """The configuration of the stack that Pulumi is running."""
    project = pulumi.get_project()
    own = {
        key.removeprefix(f"{project}:"): value
        for key, value in pulumi.runtime.config.CONFIG.get().items()
        if key.startswith(f"{project}:")
    }
    return Typed(pulumi.get_stack(), own, defaults(pulumi.get_stack()))


def make(
    given: Typed, shared_outputs: Callable[[], Mapping[str, Any]], referred: Sequence[pulumi.Resource] = ()
) -> dict[str, Any]:
    """Makes a stack's resources and returns its outputs.

    Args:
        given: what was typed.
        shared_outputs: asks for the outputs of shared.
        referred: the references that this has made, for the latch.

    Raises:
        ConfigurationFault: before the first resource, with every fault.
    """
    settings = parse(given.stack, given.values, given.defaults)
    found = names(settings.prefix, given.stack, settings.suffix or suffix(settings.repository))
    if isinstance(settings, SharedSettings):
        from infra.stacks import shared

        refuse(given.stack, name_faults(found) + shared.faults(settings))
        made = tag_everything(tags(given.stack, settings))
        return latched(made, shared.build(settings, found))
    from infra.stacks import dev_and_prod

    outputs = shared_outputs()
    location, profile = outputs["locations"][given.stack], PROFILES[given.stack]
    zones = REGIONS[location].zones if location in REGIONS else True
    faults = name_faults(found) + region_faults("location", location) + profile_faults(profile, zones)
    if profile.private:
        faults += runner_faults(settings.network == "private", outputs["runnerLabel"])
    refuse(given.stack, faults)
    made = tag_everything(tags(given.stack, settings))
    place = Place(given.stack, outputs["groups"][given.stack], location, found, profile.keeps_data)
    built = dev_and_prod.build(place, profile, settings, outputs)
    return latched([*referred, *made], built) if profile.keeps_data else built


def latched(made: Sequence[pulumi.Resource], outputs: dict[str, Any]) -> dict[str, Any]:
    """The outputs of a stack that keeps data, after its latch."""
    from infra.components.latch import Latch

    Latch(list(made))  # as they are now: the latch is one of those that are made
    return outputs


def refuse(stack: str, faults: list[str]) -> None:
    """Raises all faults of a stack at once, or does nothing."""
    if faults:
        raise ConfigurationFault(f"Pulumi.{stack}.yaml", faults)


def tags(stack: str, settings: SharedSettings | StackSettings) -> dict[str, str]:
    """What every resource says of itself; the cost centre is the owner where none is named."""
    owner = settings.repository.split("/")[0]
    return {
        "env": stack,
        "owner": owner,
        "cost_center": settings.cost_center or owner,
        "repo": settings.repository,
        "managed_by": "pulumi",
        "data_class": "confidential" if stack == "prod" else "internal",
    }


def read_shared(referred: list[pulumi.Resource]) -> Mapping[str, Any]:
    """The outputs of the stack `shared`; the reference to it is added to `referred`.

    Raises:
        ConfigurationFault: it has not been made.
    """
    name = f"{pulumi.get_organization()}/{pulumi.get_project()}/shared"
    remedy = "make it first: pulumi up --stack shared (bootstrap does it the first time)"
    try:
        # Asked for first: a reference to a stack that is not there ends the program with the engine's own words.
        pulumi.runtime.invoke("pulumi:pulumi:readStackOutputs", {"name": name})
    except Exception as fault:
        raise ConfigurationFault(f"stack `{name}`", [f"the shared stack is missing; {remedy}"]) from fault
    reference = pulumi.StackReference(name)
    referred.append(reference)
    outputs = _sync_await(reference.outputs.future())
    if not outputs or "version" not in outputs:
        raise ConfigurationFault(f"stack `{name}`", [f"the shared stack has no outputs; {remedy}"])
    return dict(outputs)


def main() -> None:
    """Runs under Pulumi: a fault is one message, never a traceback."""
    try:
        referred: list[pulumi.Resource] = []
        outputs = make(typed(), lambda: read_shared(referred), referred)
    except ConfigurationFault as fault:
        raise pulumi.RunError(str(fault)) from None
    for name, value in outputs.items():
        pulumi.export(name, value)


if __name__ == "__main__":
    main()
