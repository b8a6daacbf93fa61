"""What happened, in a sentence and a line of stations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from deploy.report.drifted import DECISIONS
from deploy.report.numerals import number, shortened
from deploy.report.page import LONGEST, MARKS, Mark, Station
from deploy.report.released import ENDINGS, ORDER

Verdict = Mapping[str, Any]
Releases = Mapping[str, Mapping[str, Any]]
MOST = 5  # reasons that are told first
GATE: dict[Mark, str] = {"yes": "passed", "no": "refused", "open": "not decided"}
AFTER_GATE = {
    "released": "passed the gate and serves {stack}",
    "unchanged": "passed the gate and serves {stack}",
    "rolled_back": "passed the gate, but {stack} went back to what it served",
    "refused": "passed the gate, but {stack} does not take it",
    "waiting": "passed the gate; its release to {stack} waits for a person",
}


def headline(verdict: Verdict, releases: Releases, version: str | None) -> str:
    """The decision in words; of several stacks the farthest counts."""
    if verdict["decision"] == "FAIL":
        return "The gate refused this model."
    if verdict["decision"] != "PASS":
        return "The gate could not decide about this model."
    name, words = f"Version {version}" if version else "This model", "passed the gate"
    for stack in _stacks(releases):
        words = AFTER_GATE.get(releases[stack].get("result", ""), "passed the gate").format(stack=stack)
    return f"{name} {words}."


def stations(verdict: Verdict, releases: Releases, monitored: Mapping[str, Any] | None) -> tuple[Station, ...]:
    """Gate, each stack that was released to, and the monitor."""
    gate = MARKS[verdict["decision"]]
    found = [Station("Gate", gate, GATE[gate])]
    found += [Station(stack, *_ending(releases[stack].get("result", ""))) for stack in _stacks(releases)]
    if monitored:
        found.append(Station("Monitor", *DECISIONS.get(monitored.get("decision", ""), ("open", "unknown"))))
    return tuple(found)


def lead(metric: str, verdict: Verdict, releases: Releases, monitored: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Why: the number that decided, what did not hold, how a release ended, what the monitor found."""
    if verdict["decision"] != "PASS":
        return _bounded(verdict["reasons"])
    return (_standing(metric, verdict["metrics"]), *_since(releases, monitored))


def _bounded(reasons: Sequence[str]) -> tuple[str, ...]:
    more = (f"And {len(reasons) - MOST} more, below.",) if len(reasons) > MOST else ()
    return (*(shortened(reason, LONGEST) for reason in reasons[:MOST]), *more)


def _standing(metric: str, metrics: Mapping[str, Mapping[str, Any]]) -> str:
    ours, theirs, dummy = (number(metrics.get(side, {}).get(metric), 4) for side in ("candidate", "champion", "dummy"))
    if "champion" in metrics:
        return f"Its {metric} is {ours}, where the champion has {theirs} and a constant answer {dummy}."
    return f"Its {metric} is {ours}, where a constant answer has {dummy}. There was no champion to be held against."


def _since(releases: Releases, monitored: Mapping[str, Any] | None) -> Iterator[str]:
    for stack in _stacks(releases):
        if reason := releases[stack].get("reason"):
            yield f"{stack}: {shortened(reason, LONGEST)}."
    if monitored and DECISIONS.get(monitored.get("decision", ""), ("open", ""))[0] != "yes":
        first, *others = monitored.get("reasons") or [""]
        more = f", and {len(others)} more" if others else ""
        yield f"The monitor found: {shortened(first, LONGEST)}{more}."


def _stacks(releases: Releases) -> list[str]:
    return [stack for stack in ORDER if stack in releases]


def _ending(result: str) -> tuple[Mark, str]:
    return ENDINGS.get(result, ("open", result or "unknown"))
