"""What a stack does by the clock for a problem: created and updated from the assets' YAML, removed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from deploy.platforms.azure.faults import NotThere
from deploy.platforms.azure.sdk import POLL_SECONDS, Sdk
from deploy.platforms.local.home import REPOSITORY
from deploy.platforms.protocol import Schedule
from deploy.screen import Screen
from ml import digest
from ml.fault import Fault
from ml.strict_yaml import load_document

ASSETS = REPOSITORY / "deploy" / "assets" / "schedules"
# Models are trained in dev, and watched in prod.
KINDS: Mapping[str, tuple[str, ...]] = {"dev": ("training", "new-data"), "prod": ("monitoring", "model-monitor")}
NEW_DATA = "new-data"
MARK, ROWS, EMAILS = "mlops.made-of", "mlops.rows", "mlops.emails"  # tags
API = {"api-version": "2024-04-01"}
DISABLED_WITHIN_SECONDS = 120.0


@dataclass(frozen=True)
class Wanted:
    """A problem's schedule as it should be.

    Attributes:
        parts: all that it is made of; another digest of them is another schedule.
        make: the SDK's entity; sends what the job needs.
        rows: the version of the rows that it names, where it names some.
        emails: whom it tells.
    """

    problem: str
    kind: str
    parts: tuple[str, ...]
    make: Callable[[Screen], Any]
    rows: str = ""
    emails: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What it is called in the workspace."""
        return name_of(self.problem, self.kind)

    @property
    def mark(self) -> str:
        """The digest of what it is made of."""
        own = digest.of_file(ASSETS / f"{self.kind}.yml")
        return digest.of_bytes("\n".join((own, *self.parts, self.rows, *self.emails)).encode())

    @property
    def when(self) -> str:
        """Its trigger as people read it."""
        return trigger_in_words(load_document(ASSETS / f"{self.kind}.yml")["trigger"])


@dataclass(frozen=True)
class Schedules:
    """The schedules of a stack's workspace."""

    sdk: Sdk

    def put(self, wanted: Wanted, screen: Screen, update: bool = False) -> Schedule:
        """Creates or updates one; where it names rows that it did not name before, and trains on them, it is started.

        One that a person has switched off stays off, and is not started.

        Raises:
            Fault: Azure refuses it.
        """
        screen.working(f"schedule {wanted.name}")
        known = self._find(wanted.name)
        if known is None and update:
            return Schedule(wanted.name, wanted.kind, "", enabled=False, state="absent")
        if known is not None and (known.get("tags") or {}).get(MARK) == wanted.mark:
            return Schedule(wanted.name, wanted.kind, wanted.when, bool(known["isEnabled"]), "unchanged")
        entity = wanted.make(screen)
        entity.name, entity._is_enabled = wanted.name, known is None or bool(known["isEnabled"])
        entity.tags = {**(entity.tags or {}), MARK: wanted.mark, ROWS: wanted.rows, EMAILS: " ".join(wanted.emails)}
        doing = f"write the schedule {wanted.name}"
        self.sdk.finish(doing, lambda client: client.schedules.begin_create_or_update(entity))
        state = "created" if known is None else "updated"
        made = Schedule(wanted.name, wanted.kind, wanted.when, bool(entity._is_enabled), state)
        moved = known is not None and (known.get("tags") or {}).get(ROWS) != wanted.rows
        return self._start(made) if moved and wanted.kind == NEW_DATA and made.enabled else made

    def remove(self, name: str, kind: str, screen: Screen) -> Schedule:
        """Removes one, which the service wants to be off before.

        Raises:
            Fault: Azure refuses it.
        """
        screen.working(f"remove the schedule {name}")
        known = self._find(name)
        if known is None:
            return Schedule(name, kind, "", enabled=False, state="absent")
        if known["isEnabled"]:
            self._disable(name)
        self.sdk.finish(f"delete the schedule {name}", lambda client: client.schedules.begin_delete(name))
        return Schedule(name, kind, "", enabled=False, state="removed")

    def is_there(self, name: str) -> bool:
        """Whether there is such a schedule."""
        return self._find(name) is not None

    def emails(self, name: str) -> tuple[str, ...]:
        """Whom it tells."""
        return tuple(((self._find(name) or {}).get("tags") or {}).get(EMAILS, "").split())

    def _start(self, made: Schedule) -> Schedule:
        begun = self.sdk.call(f"start the schedule {made.name}", lambda client: client.schedules.trigger(made.name))
        return replace(made, job=str(begun.job_name))

    def _find(self, name: str) -> dict[str, Any] | None:
        """Its properties as the service has them: the SDK would make a whole job of them."""
        try:
            found = self._rest(f"read the schedule {name}", "GET", name)
        except NotThere:
            return None
        return dict(found["properties"])

    def _disable(self, name: str) -> None:
        """Switches it off and waits until it is; by REST, as the SDK would resolve and send the whole job anew."""
        doing = f"switch the schedule {name} off"
        found = self._rest(doing, "GET", name)
        self._rest(doing, "PUT", name, {"properties": {**found["properties"], "isEnabled": False}})
        deadline = time.monotonic() + DISABLED_WITHIN_SECONDS
        while (self._find(name) or {}).get("isEnabled"):
            if time.monotonic() > deadline:
                raise Fault("it is still on", doing, "the same command goes on")
            time.sleep(POLL_SECONDS)

    def _rest(self, doing: str, method: str, name: str, body: Any = None) -> Any:
        path = f"{self.sdk.outputs.workspace_id}/schedules/{name}"
        return self.sdk.rest(doing, method, path, query=API, body=body, of="the workspace")


def name_of(problem: str, kind: str) -> str:
    """The name of a problem's schedule."""
    return f"{problem}-{kind}"


def load(kind: str, settings: Mapping[str, Any]) -> Any:
    """The SDK's entity of an asset, with settings in the words of `az ml schedule create --set`."""
    from azure.ai.ml.entities._load_functions import load_schedule

    return load_schedule(ASSETS / f"{kind}.yml", params_override=[{key: value} for key, value in settings.items()])


def trigger_in_words(trigger: Mapping[str, Any]) -> str:
    """As in `cron 0 3 * * 1 UTC` or `every 1 day at 12:00 UTC`."""
    zone = trigger.get("time_zone", "UTC")
    if trigger["type"] == "cron":
        return f"cron {trigger['expression']} {zone}"
    at = trigger.get("schedule") or {"hours": 0, "minutes": 0}
    return f"every {trigger['interval']} {trigger['frequency']} at {at['hours']:02}:{at['minutes']:02} {zone}"
