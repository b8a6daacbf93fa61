"""`mlops issue`: opens an issue from a result that found something, or brings the open one up to date."""

from __future__ import annotations

import argparse

from deploy.context import Context, Done
from deploy.exit_codes import DONE, DRIFT
from deploy.gitops.github import Github, run_url
from deploy.gitops.kept import Kept, read_kept
from deploy.gitops.markdown import fenced, text

LONGEST = 50_000


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    parts = [read_kept(path) for path in sorted(arguments.parts.rglob("*.json"))]
    found = [part for part in parts if part.code == DRIFT]
    urls = [Github().issue(part.verb, title(part), body(part)) for part in found]
    return Done(DONE, {"urls": urls}, tuple(urls) or ("nothing was found",))


def title(part: Kept) -> str:
    """What an issue is recognised by: the same finding is the same issue."""
    of = part.result.get("stack") or part.result.get("problem")
    titles = {"drift": f"{of} is no longer what its stack says", "expiry": "Waivers or pins of actions want a look"}
    return titles.get(part.verb, f"{part.verb} of {of} found something")


def body(part: Kept) -> str:
    """What was found, what to do, and where it comes from."""
    found = part.result.get("diff") or "\n".join(part.result.get("reasons", ()))
    remedies = {
        "drift": "Write it into infra/, or put it back: the next merge that touches infra/ shows it in its preview.",
        "expiry": "Renew a waiver with its reason, or hold its rule; take a newer commit of an action after a look.",
    }
    url = run_url()
    seen = f"\n\nSeen by [this run]({url})." if url else ""
    return f"{fenced(found[:LONGEST])}\n{text(remedies.get(part.verb, ''))}{seen}\n"
