"""How carefully a stack releases: the rollout policy, from `deploy/rollout/<platform>.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from ml.strict_yaml import Strict, load

FOLDER = Path(__file__).parents[1] / "rollout"

Number = Annotated[float, BeforeValidator(lambda v: float(v) if type(v) is int else v), Field(ge=0)]
Percent = Annotated[int, Field(ge=0, le=100)]


class Limits(Strict):
    """What a candidate may do in front of real requests.

    Attributes:
        errors: how much larger its share of failed requests may be than the stable side's.
        refusals: how much larger its share of refused requests (4xx) may be than the stable side's.
        latency_ratio: how many times the stable side's 95th percentile of latency its own may be.
        latency_slack_ms: a difference below this never counts as slower.
        latency_ms: the most its 95th percentile may be, whatever the stable side does.
        prediction_shift: how far its mean prediction may be from the stable side's, in standard
            deviations of that side's predictions; for labels, the total variation distance.
    """

    errors: Number = 0.01
    refusals: Number = 0.1
    latency_ratio: Number = 2.0
    latency_slack_ms: Number = 20.0
    latency_ms: Number = 500.0
    prediction_shift: Number = 0.5


class Watch(Strict):
    """How long a candidate is looked at in one phase.

    Attributes:
        seconds: at least so long.
        requests: at least so many requests of the candidate; no data is never a pass.
        deadline_seconds: with fewer requests by then, the release waits for a person.
    """

    seconds: Number
    requests: Annotated[int, Field(ge=1)]
    deadline_seconds: Number

    @model_validator(mode="after")
    def _in_order(self) -> Watch:
        if self.deadline_seconds <= self.seconds:
            raise ValueError("`deadline_seconds` must be longer than `seconds`")
        return self


class Serving(Strict):
    """What serves on Azure; on this machine it says nothing.

    Attributes:
        compute: the one word that chooses; AKS where a cluster is attached, otherwise managed, where it is left out.
        auth: a key, a token of Azure ML, or (managed only) a token of Entra.
        instances: how many serve.
        most_instances: up to how many an AKS deployment scales by itself.
        instance_type: another than that of the deployment's asset (deploy/assets/endpoints/).
    """

    compute: Literal["managed", "kubernetes"] | None = None
    auth: Literal["key", "aml_token", "aad_token"] = "key"
    instances: Annotated[int, Field(ge=1)] = 1
    most_instances: Annotated[int, Field(ge=1)] | None = None
    instance_type: str | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Serving:
        if self.most_instances is not None and self.most_instances < self.instances:
            raise ValueError("`most_instances` must not be below `instances`")
        return self


class Policy(Strict):
    """The rollout policy of one stack.

    Attributes:
        mirror: percent of the requests copied to the candidate before it answers any; 0 leaves that out.
        steps: the candidate's share of the traffic, growing to 100.
        watch: how each step is looked at.
        bake: how the candidate is looked at with all the traffic, the old deployment still there.
        serving: what serves, on Azure.
    """

    mirror: Annotated[int, Field(ge=0, le=50)] = 0
    steps: list[Percent] = Field(min_length=1)
    watch: Watch
    bake: Watch
    limits: Limits = Limits()
    serving: Serving = Serving()

    @model_validator(mode="after")
    def _grows(self) -> Policy:
        growing = all(a < b for a, b in zip(self.steps, self.steps[1:], strict=False))
        if not growing or self.steps[0] == 0 or self.steps[-1] != 100:
            raise ValueError("`steps` must grow from above 0 to 100")
        return self


class Rollout(Strict):
    """The policies of a platform's stacks."""

    dev: Policy
    prod: Policy


def load_policy(platform: str, stack: str) -> Policy:
    """The policy of a stack.

    Raises:
        Fault: the file has faults, all named at once.
    """
    rollout = load(FOLDER / f"{platform}.yaml", Rollout, "docs/release.md")
    policy: Policy = getattr(rollout, stack)
    return policy
