"""The one comment of a pull request, from what its jobs kept: read as data, shown as text."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy.gitops.announced import marker
from deploy.gitops.judged import MARKS, compared_part
from deploy.gitops.kept import Kept, read_kept
from deploy.gitops.markdown import code, table, text
from deploy.gitops.stack_part import counted, stack_part
from deploy.gitops.summary import plan_part
from ml.fault import Fault

MARKER = "<!-- mlops: what this pull request would change -->"
ORDER = ("preview", "compare", "plan", "verify")
LONGEST = 60_000  # characters; GitHub takes 65,536
WORKS = {"preview": "🏗️ infrastructure", "compare": "📈 metrics", "plan": "🚦 release", "verify": "🔏 evidence"}


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
    glance = table(("", "", "at a glance"), (_glance(part) for part in parts))
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
        rules = f"{bad} against the rules" if bad else "rules kept"
        cost = result.get("cost")
        change = cost["after"]["idle"] - cost["before"]["idle"] if cost else None
        money = f", {change:+,.2f} {text(cost['currency'])} a month idle" if cost and change is not None else ""
        return f"{counted(result)}; {rules}{money}"
    if verb == "compare":
        return _headline(result)
    if verb == "plan":
        wanted = f"{text(result['model']['name'])}:{text(result['model']['version'])}"
        return f"{len(result['actions'])} actions to {wanted} in {text(result['stack'])}"
    return f"{len(result['checked'])} pins hold against their hash"


def _headline(result: dict[str, Any]) -> str:
    name, sides = result["primary"], result["metrics"]
    here, main = sides["here"].get(name), sides.get("main", {}).get(name)
    against = f", on main {float(main):.4g}" if main is not None else ""
    return f"{text(name)} {float(here):.4g}{against}; without a champion {MARKS[result['verdict']['decision']]}"


def _body(part: Kept) -> str:
    try:
        if part.verb == "preview":
            return stack_part(part.result)
        if part.verb == "compare":
            return compared_part(part.result)
        if part.verb == "plan":
            note = "*For information: the plan that is approved is made on the merge commit.*"
            return f"{plan_part(part.result)}\n\n{note}\n{marker(part.result)}"
        return ""
    except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
        raise Fault(f"the result of `{part.verb}` lacks {error}", "--parts", "it was kept by another version") from None
