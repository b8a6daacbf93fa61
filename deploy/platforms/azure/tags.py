"""Our tags on what Azure keeps: their words; of an endpoint what a later release must know, as far as Azure allows."""

from __future__ import annotations

from collections.abc import Mapping

from deploy.release.state import ModelRef, Tags

PREFIX = "mlops."
PROBLEM, DIGEST = f"{PREFIX}problem", f"{PREFIX}digest"
RUN, DATA, COMMIT = f"{PREFIX}run", f"{PREFIX}data", f"{PREFIX}commit"  # where a model comes from
STATE = f"{PREFIX}state"  # how many of each follow: what an older writer left behind is not read
GOOD, REJECTED = f"{PREFIX}good.", f"{PREFIX}rejected."
MOST_TAGS, LONGEST = 50, 256
FEWEST_REJECTED = 5


def encode(tags: Tags, others: Mapping[str, str]) -> dict[str, str]:
    """The endpoint's tags: those of others stay, ours are written anew.

    Where they are too many for one resource, the rejections that are longest ago give way, then what was good
    longest ago. A reason that is too long for a tag ends in an ellipsis.
    """
    kept = {name: value for name, value in others.items() if not name.startswith(PREFIX) or name == PROBLEM}
    room = MOST_TAGS - len(kept) - 1
    rejected = [f"{digest} {_one_line(reason)}" for digest, reason in tags.rejected.items()]
    good = [f"{model.digest} {model.version} {model.name}" for model in tags.good]
    good = good[-max(1, room - min(len(rejected), FEWEST_REJECTED)) :]
    rejected = rejected[max(0, len(rejected) - max(0, room - len(good))) :]
    ours = {f"{GOOD}{place:02}": value for place, value in enumerate(good)}
    ours |= {f"{REJECTED}{place:02}": _cut(value) for place, value in enumerate(rejected)}
    return {**kept, STATE: f"{len(good)} {len(rejected)}", **ours}


def decode(written: Mapping[str, str]) -> Tags:
    """What `encode` wrote; an endpoint that no release of ours has touched has no tags of ours."""
    good, rejected = (int(number) for number in written.get(STATE, "0 0").split())
    models = [written[f"{GOOD}{place:02}"].split(" ", 2) for place in range(good)]
    reasons = [written[f"{REJECTED}{place:02}"].partition(" ") for place in range(rejected)]
    return Tags(
        tuple(ModelRef(name, version, digest) for digest, version, name in models),
        {digest: reason for digest, _, reason in reasons},
    )


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
