"""How was it released? The traffic over time, with what both sides did."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from deploy.report.axes import Axis, Frame, Scale, chart
from deploy.report.marks import band, upright, words
from deploy.report.numerals import count, measured, number, seconds, share
from deploy.report.page import Block, Cell, Figure, Key, Mark, Section, Table, number_cell
from deploy.report.svg import Markup

Event = Mapping[str, Any]
Events = Sequence[Event]
ORDER = ("dev", "prod")
ENDINGS: dict[str, tuple[Mark, str]] = {
    "released": ("yes", "released"),
    "unchanged": ("yes", "nothing to do"),
    "rolled_back": ("no", "rolled back"),
    "refused": ("no", "refused"),
    "waiting": ("open", "waits for a person"),
}
LOOKS = ("theirs", "theirs-2", "theirs-3")
NEAR = 0.09  # of the width: the numbers of events closer than this would overlap
ROOM = 0.25  # of the width, for a deployment's name
MOST_LABELS = 3
SPANNED = 4  # columns of the story that an event may run over


def released(releases: Mapping[str, Mapping[str, Any]], digest: str) -> Section | None:
    """The section; None where nothing was released.

    Args:
        releases: by stack, as `asdict(Outcome)` gives them.
        digest: the model's; the names of its deployments hold its beginning.
    """
    known = {stack: releases[stack] for stack in ORDER if releases.get(stack, {}).get("events")}
    if not known:
        return None
    blocks: list[Block] = []
    for stack, release in known.items():
        blocks += [_picture(stack, release["events"], digest[:8]), _story(release["events"], digest[:8])]
    answer = " ".join(_answer(stack, release) for stack, release in known.items())
    return Section("release", "How was it released?", answer, tuple(blocks))


def _answer(stack: str, release: Mapping[str, Any]) -> str:
    """How it ended, after how long, by how many steps, under how many requests."""
    events, result = release["events"], release.get("result", "")
    took = seconds(events[-1]["at"])
    if result != "released":
        reason = f": {release['reason']}" if release.get("reason") else ""
        return f"{stack}: {ENDINGS.get(result, ('open', result))[1]} after {took}{reason}."
    shares = [dict(event["traffic"]) for event in events]
    steps = sum(a != b for a, b in pairwise(shares))
    asked = sum(live.get("requests", 0) for event in events for live in event["live"].values())
    watched = f", watched under {count(asked)} requests" if asked else ""
    pace = "at once" if steps < 2 else f"in {steps} steps"
    return f"{stack} took it in {took}, {pace}{watched}."


def _picture(stack: str, events: Events, digest: str) -> Figure:
    """The share of each deployment, a staircase over seconds; this model at the bottom."""
    frame = Frame(Scale(0.0, max(float(events[-1]["at"]), 0.1) * 1.02), Scale(0.0, 100.0), 150)
    named = dict.fromkeys(name for event in events for name in event["traffic"])
    names = sorted(named, key=lambda name: digest not in name)
    looks = _looks(names, digest)
    # Before its first event, which never moves traffic, the release found the endpoint as it was then.
    times = [0.0, *(float(event["at"]) for event in events[1:]), frame.x.high]
    layers: list[Markup] = []
    floor = [0.0] * len(events)
    for name in names:
        top = [low + event["traffic"].get(name, 0) for low, event in zip(floor, events, strict=True)]
        layers += [_layer(frame, times, floor, top, looks[name]), *_named(frame, times, floor, top, name, looks[name])]
        floor = top
    title = f"{stack}: who answered the requests?"
    told = "; ".join(f"{seconds(event['at'])}: {event['what']}" for event in events)
    x = Axis("seconds since the release began →")
    y = Axis("share of the traffic ↑", [(value, share(value / 100)) for value in (0, 50, 100)])
    picture = chart(title, told, frame, x, y, *layers, *_numbered(frame, events))
    return Figure(title, picture, "", tuple(Key(f"area {looks[name]}", name) for name in names), wide=True)


def _looks(names: Sequence[str], digest: str) -> dict[str, str]:
    others = [name for name in names if digest not in name]
    return {name: LOOKS[others.index(name) % len(LOOKS)] if name in others else "ours" for name in names}


def _layer(frame: Frame, times: Sequence[float], low: Sequence[float], high: Sequence[float], look: str) -> Markup:
    """A share of the traffic that keeps its height until the next event."""
    xs = [x for pair in pairwise(times) for x in pair]
    lows, highs = ([y for value in values for y in (value, value)] for values in (low, high))
    return band(frame, xs, lows, highs, look)


def _named(
    frame: Frame, times: Sequence[float], low: Sequence[float], high: Sequence[float], name: str, look: str
) -> list[Markup]:
    """The deployment's name in its widest stretch, where that is large enough for letters."""
    widths = [(b - a) * (top - bottom >= 25) for a, b, bottom, top in zip(times, times[1:], low, high, strict=False)]
    place = max(range(len(widths)), key=widths.__getitem__)
    if widths[place] < ROOM * frame.x.high:
        return []
    x, y = times[place] + widths[place] / 2, (low[place] + high[place]) / 2
    return [words(frame, x, y, name, f"middle on-{look}", dy=4)]


def _numbered(frame: Frame, events: Events) -> list[Markup]:
    """A line for each event with its number above it; events that are close share their numbers' place."""
    runs: list[list[int]] = []
    begun = -math.inf
    for place, event in enumerate(events, start=1):
        at = frame.x.at(float(event["at"]))
        if at - begun < NEAR:
            runs[-1].append(place)
        else:
            runs.append([place])
            begun = at
    lines = [upright(frame, float(event["at"]), "event") for event in events]
    numbers = [(events[run[0] - 1]["at"], f"{run[0]}–{run[-1]}" if len(run) > 1 else str(run[0])) for run in runs]
    return lines + [words(frame, float(at), 100, text, "middle event-number", dy=-5) for at, text in numbers]


def _story(events: Events, digest: str) -> Table:
    """What happened, and below each look the numbers of both sides, the candidate's first."""
    heads = (
        Cell("", "number"), Cell("after", "number"), Cell("what happened"), Cell("requests", "number"),
        Cell("failed", "number"), Cell("p95 ms", "number"), Cell("mean answer", "number minor"),
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for place, event in enumerate(events, start=1):
        when = number_cell(seconds(event["at"]), "quiet")
        rows.append((number_cell(str(place), "quiet"), when, Cell(event["what"], span=SPANNED), Cell("", "minor")))
        sides = sorted(event["live"].items(), key=lambda side: digest not in side[0])
        rows += [_side(name, live) for name, live in sides if live.get("requests")]
    return Table("", heads, tuple(rows), look="story")


def _side(name: str, live: Mapping[str, Any]) -> tuple[Cell, ...]:
    latency, mean = measured(live.get("latency_p95_ms")), measured(live.get("mean"))
    shares = sorted((live.get("shares") or {}).items(), key=lambda item: -measured(item[1]))[:MOST_LABELS]
    answers = number(mean) if math.isfinite(mean) else ", ".join(f"{label} {share(part)}" for label, part in shares)
    return (
        Cell(""), Cell(""), Cell(name, "side quiet", note=_refused(live)), number_cell(count(live.get("requests"))),
        number_cell(count(live.get("failures"))), number_cell(number(latency) if math.isfinite(latency) else ""),
        number_cell(answers, "minor"),
    )  # fmt: skip


def _refused(live: Mapping[str, Any]) -> str:
    """How many requests were answered with a status of 4xx, where any were: the caller's fault, as a rule."""
    return f"{count(live['refused'])} refused (4xx)" if live.get("refused") else ""
