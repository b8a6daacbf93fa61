"""What a verb found, as Markdown: for the summary of a job, and for the comment of a pull request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deploy.gitops.judged import compared_part, judged_part
from deploy.gitops.markdown import code, fenced, table, text
from deploy.gitops.stack_part import stack_part

Result = Mapping[str, Any]


def summary_of(verb: str, result: Result, lines: Sequence[str]) -> str:
    """The summary of one command."""
    parts = {
        "plan": plan_part,
        "release": release_part,
        "rollback": release_part,
        "gate": gate_part,
        "compare": compared_part,
        "preview": stack_part,
        "changes": changes_part,
    }
    if verb in parts:
        return parts[verb](result) + "\n"
    return f"**mlops {text(verb)}**\n\n{fenced(chr(10).join(lines))}\n"


def gate_part(result: Result) -> str:
    """The verdict on a candidate."""
    return f"### Gate: {judged_part(result)}"


def plan_part(result: Result) -> str:
    """A release plan: from what, to what, by which steps."""
    if result.get("back"):
        return back_part(result)
    stack, problem, model = result["stack"], result["problem"], result["model"]
    good = (result["observed"]["tags"]["good"] or [None])[-1]
    begins = f"serves {_model(good)}" if good else "serves nothing yet"
    lines = [
        f"### Release plan: {text(problem)} in {text(stack)}",
        f"{text(stack)} {begins}; wanted is {_model(model)}.",
    ]
    if result["refused"] is not None:
        lines.append(f"**Rejected here before:** {text(result['refused'])}. The actions only finish going back.")
    if not result["actions"]:
        return "\n\n".join([*lines, "Nothing to do."])
    lines.append(_numbered(result["sentences"]))
    if result.get("announced") == "another":
        lines.append("**The pull request showed another plan**: things have changed since. It is this one.")
    bound = f"commit {code(result['commit'][:12])}"
    bound += f", state {code(result['state'][:12])}" if result["state"] else ""
    lines.append(f"Bound to {bound}, and to the endpoint as it was read for this plan.")
    return "\n\n".join(lines)


def back_part(result: Result) -> str:
    """A rollback's plan: to what, what is given up for it, by which steps."""
    to = _model(result["model"]) if result["model"] else "nothing, as nothing was good here before"
    lines = [f"### Rollback plan: {text(result['problem'])} in {text(result['stack'])}", f"Back to {to}."]
    if result["gives_up"]:
        lines.append(f"Given up, and not released again by itself: {', '.join(map(_model, result['gives_up']))}.")
    lines.append(_numbered(result["sentences"]) or "The endpoint serves it already.")
    return "\n\n".join(lines)


def release_part(result: Result) -> str:
    """What a release did, step by step, with the traffic and the numbers it went by."""
    ended = text(result["result"]).replace("&#95;", " ")
    reason = f": {text(result['reason'])}" if result["reason"] else ""
    rows = [
        (f"{event['at']:.0f}", text(event["what"]), text(_shares(event["traffic"])), _live(event["live"]))
        for event in result["events"]
    ]
    told = table(("s ", "action", "traffic", "seen"), rows) if rows else "Nothing was to do."
    return f"### {text(result['problem'])} in {text(result['stack'])}: {ended}{reason}\n\n{told}"


def changes_part(result: Result) -> str:
    """What a merge or a pull request concerns."""
    words = [word for word in ("shared", "infrastructure") if result[word]]
    words += [f"training of {name}" for name in result["problems"]] + [
        f"prod's pin of {name}" for name in result["pins"]
    ]
    return f"Concerns {text(', '.join(words) or 'neither infrastructure nor models')}."


def _numbered(sentences: Sequence[str]) -> str:
    return "\n".join(f"{place}. {text(said)}" for place, said in enumerate(sentences, 1))


def _model(model: Mapping[str, str]) -> str:
    return f"{text(model['name'])}:{text(model['version'])} {code(model['digest'][:12])}"


def _shares(traffic: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {percent} %" for name, percent in traffic.items())


def _live(live: Mapping[str, Mapping[str, Any]]) -> str:
    asked = ((name, one) for name, one in live.items() if one["requests"])
    return "<br>".join(f"{text(name)}: {_numbers(one)}" for name, one in asked)


def _numbers(one: Mapping[str, Any]) -> str:
    p95 = one["latency_p95_ms"]
    slow = "" if p95 is None else f", p95 {float(p95):.0f} ms"
    return f"{int(one['requests'])} requests, {int(one['failures'])} failed{slow}"
