"""Runs the program against Pulumi's mock monitor and keeps everything it would have sent to the engine."""

from __future__ import annotations

import asyncio
import functools
import gc
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pulumi
from google.protobuf import json_format
from pulumi.runtime import mocks, settings
from pulumi.runtime import stack as stack_runtime
from stand_in import SUBSCRIPTION, TENANT, answer, guid, made

from infra import program
from infra.runner import EVERYBODYS

TYPED: dict[str, dict[str, str]] = {
    "shared": {
        "location": "westeurope",
        "reviewers": '["1234567", "team:42"]',
        "repositoryIds": "11/22",
        "clientId": "aaaaaaaa-0000-0000-0000-0000000000cc",
    },
    "dev": {
        "budget": "300",
        "alert": "models@example.com",
        "budgetStart": "2026-11-01",
        "users": '["aaaaaaaa-0000-0000-0000-000000000001"]',
        "team": "aaaaaaaa-0000-0000-0000-00000000000f",
    },
    "prod": {
        "budget": "1500",
        "alert": "models@example.com",
        "budgetStart": "2026-11-01",
        "team": "aaaaaaaa-0000-0000-0000-00000000000f",
        "runnerApp": "123/456",
    },
}
REPOSITORY = "contoso/models"


def shared_outputs(network: str = "private") -> dict[str, Any]:
    """What the stack shared answers to dev and prod."""
    words = [f"{p}-{s}" for s in ("dev", "prod") for p in ("preview", "watch", "infrastructure", "ml")]
    return {
        "version": 1,
        "tenantId": TENANT,
        "subscriptionId": SUBSCRIPTION,
        "repository": REPOSITORY,
        "registryName": "mlr-mlops-x",
        "registryId": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-mlops-shared/providers/Microsoft.MachineLearningServices/registries/mlr",
        "groups": {s: f"rg-mlops-{s}" for s in ("shared", "dev", "prod")},
        "groupIds": {
            s: f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg-mlops-{s}" for s in ("shared", "dev", "prod")
        },
        "locations": {"dev": "westeurope", "prod": "westeurope"},
        "clientIds": {word: guid(word + "c") for word in words},
        "principalIds": {word: guid(word + "p") for word in words},
        "runnerLabel": "mlops-prod" if network == "private" else EVERYBODYS,
    }


@dataclass(frozen=True)
class Resource:
    """One resource as the program sent it: wire inputs, options, dependencies."""

    urn: str
    type: str
    name: str
    custom: bool
    inputs: dict[str, Any]
    parent: str
    protect: bool
    retain: bool
    delete_before_replace: bool
    ignored: tuple[str, ...]
    depends_on: tuple[str, ...]
    provider: str


@dataclass
class Captured:
    """A whole program as it was sent."""

    resources: list[Resource] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def of(self, type_: str) -> list[Resource]:
        """The resources whose type ends so; never none."""
        found = [resource for resource in self.resources if resource.type.endswith(type_)]
        assert found, f"the program has no {type_}"
        return found

    def one(self, name: str) -> Resource:
        """The custom resource of that name."""
        (found,) = [resource for resource in self.resources if resource.name == name and resource.custom]
        return found


class _Azure(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        return made(args.typ, args.name, dict(args.inputs))

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        return answer(args.token, dict(args.args))


class _Recorder(mocks.MockMonitor):
    """Sees the options too, which the mocks do not."""

    def __init__(self, captured: Captured) -> None:
        super().__init__(_Azure())
        self.captured = captured

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 the protocol's name
        response = super().RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            inputs = json_format.MessageToDict(request.object)
            self.captured.resources.append(
                Resource(
                    response.urn, request.type, request.name, request.custom, inputs, request.parent,
                    request.protect, request.retainOnDelete, request.deleteBeforeReplace,
                    tuple(request.ignoreChanges), tuple(request.dependencies), request.provider,
                )
            )  # fmt: skip
        return response

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 the protocol's name
        if "pulumi:pulumi:Stack" in request.urn.rsplit("::", 1)[0].rsplit("$", 1)[-1]:
            self.captured.outputs = json_format.MessageToDict(request.outputs)
        return super().RegisterResourceOutputs(request)


def run(body: Callable[[], None], stack: str = "dev") -> Captured:
    """Runs a Pulumi program to its end; whatever fails in it, also inside `apply`, fails here.

    Raises:
        Exception: the program's own; AssertionError where nothing was made.
    """
    captured = Captured()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    mocks.set_mocks(_Azure(), project="mlops", stack=stack, preview=False, monitor=_Recorder(captured))
    settings.set_root_resource(None)  # type: ignore[arg-type]
    settings.SETTINGS.outputs.clear()  # what a failed run before this one left
    gc.disable()  # thousands of small objects, all alive until the end: collecting takes half the time
    try:
        loop.run_until_complete(stack_runtime.run_in_stack(body))
    finally:
        gc.enable()
        loop.close()
    assert captured.resources, "the program made nothing"
    return captured


def typed(stack: str, **more: str) -> program.Typed:
    """The configuration of the tests, with what a test adds."""
    return program.Typed(stack, {**TYPED[stack], **more}, {"repository": REPOSITORY})


@functools.cache
def capture(stack: str, **more: str) -> Captured:
    """The program of a stack as it is sent to the engine, run once for the same configuration."""

    def body() -> None:
        answered = functools.partial(shared_outputs, more.get("network", "private"))
        for name, value in program.make(typed(stack, **more), answered).items():
            pulumi.export(name, value)

    return run(body, stack)
