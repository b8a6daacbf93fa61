"""The one comment of a pull request, from what its jobs kept: read as data, shown as text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy.gitops.announced import marker
from deploy.gitops.judged import MARKS, compared_part, moved, signed
from deploy.gitops.kept import Kept, read_kept
from deploy.gitops.markdown import code, table, text
from deploy.gitops.stack_part import counted, stack_part
from deploy.gitops.summary import plan_part
from ml.fault import Fault

MARKER = "<!-- mlops: what this pull request would change -->"
ORDER = ("preview", "compare", "plan", "verify")
LONGEST = 60_000  # characters; GitHub takes 65,536
WORKS = {"preview": "infrastructure", "compare": "metrics", "plan": "release", "verify": "evidence"}


def read_parts(folder: Path) -> list[Kept]:
    """What the jobs kept, in the order in which it is shown; a file that is none of it is left out.

    Raises:
        Fault: a file claims to be a result, and is not of its form.
    """
    parts = [read_kept(path) for path in sorted(folder.rglob("*.json"))]
    return sorted((part for part in parts if part.verb in ORDER), key=lambda part: ORDER.index(part.verb))


def comment_of(parts: Sequence[Kept], head: str, run: str | None) -> str:
    """The comment: at a glance first, the parts below it.

    Args:
        parts: what the jobs kept.
        head: the commit that they looked at.
        run: the page of their run.
    """
    of = f"of {code(head[:12])}" + (f", from [this run]({run})" if run else "")
    if not parts:
        return f"{MARKER}\n## What this would change\n\nNeither infrastructure, nor a model, nor a pin. {of}\n"
    glance = table(("", "what", "in short"), (_glance(part) for part in parts))
    shown = [MARKER, f"## What this would change\n\n{glance}"]
    for part in parts:
        body = _body(part)
        if sum(map(len, shown)) + len(body) > LONGEST:
            body = f"*{text(part.verb)}: too long for a comment; the run's summary shows it.*"
        shown.append(body)
    return "\n\n".join([*(one for one in shown if one), f"<sub>{of}</sub>\n"])


def _glance(part: Kept) -> tuple[str, str, str]:
    result = part.result
    mark = {0: "✅", 3: "❌", 4: "❔", 5: "❌"}.get(part.code, "❌")
    try:
        return mark, _what(part), _said(part.verb, result)
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise Fault(f"the result of `{part.verb}` lacks {error}", "--parts", "it was kept by another version") from None


def _what(part: Kept) -> str:
    of = part.result.get("stack") if part.verb == "preview" else part.result.get("problem", "")
    return f"{WORKS[part.verb]} **{text(of)}**" if of else WORKS[part.verb]


def _said(verb: str, result: dict[str, Any]) -> str:
    if verb == "preview":
        bad = len(result["refused"]) + len(result["violations"])
        rules = f"**{bad} against the rules**" if bad else "rules kept"
        return "; ".join(one for one in (counted(result), rules, _money(result.get("cost"))) if one)
    if verb == "compare":
        return _headline(result)
    if verb == "plan":
        return _way(result)
    held = len(result["checked"])
    return f"{held} {'pin holds' if held == 1 else 'pins hold'} against the hash of its evidence"


def _money(cost: dict[str, Any] | None) -> str:
    if not cost or cost["after"]["idle"] is None or cost["before"]["idle"] is None:
        return ""
    change = cost["after"]["idle"] - cost["before"]["idle"]
    return f"idle {signed(change, '.0f')} {text(cost['currency'])} a month" if round(change) else "costs the same"


def _headline(result: dict[str, Any]) -> str:
    name, sides = result["primary"], result["metrics"]
    here, main = sides["here"].get(name), sides.get("main", {}).get(name)
    judged = f"its floors {MARKS[result['verdict']['decision']]}"
    if main is None:
        return f"{text(name)} {float(here):.4g}; {judged}"
    return f"{text(name)} {float(main):.4g} → **{float(here):.4g}**, {moved(name, here, main)}; {judged}"


def _way(result: dict[str, Any]) -> str:
    if result["refused"] is not None:
        return "rejected here before"
    good = (result["observed"]["tags"]["good"] or [None])[-1]
    begins = f"{text(good['version'])} → " if good else ""
    traffics = [one["traffic"] for one in result["actions"] if one.get("traffic")]
    shares = [str(int(one.get(next(iter(traffics[-1])), 0))) for one in traffics]
    steps = f": {', then '.join(shares)} % of the traffic" if shares else ""
    wanted = f"version {begins}**{text(result['model']['version'])}** in {text(result['stack'])}"
    return f"{wanted}, {len(result['actions'])} steps{steps}" if result["actions"] else f"{wanted}: nothing to do"


def _body(part: Kept) -> str:
    try:
        if part.verb == "preview":
            quiet = not (part.result["steps"] or part.result["refused"] or part.result["violations"])
            return "" if quiet else stack_part(part.result)
        if part.verb == "compare":
            return compared_part(part.result)
        if part.verb == "plan":
            note = "*For information: the plan that is approved is made on the merge commit.*"
            return f"{plan_part(part.result)}\n\n{note}\n{marker(part.result)}"
        return ""
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise Fault(f"the result of `{part.verb}` lacks {error}", "--parts", "it was kept by another version") from None
