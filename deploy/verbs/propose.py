"""`mlops propose`: proposes a pin as a pull request; decided where the registry is at hand, opened elsewhere."""

from __future__ import annotations

import argparse

from deploy.context import Context, Done
from deploy.exit_codes import DONE
from deploy.gitops.azure_repos import AzureRepos, runs_here
from deploy.gitops.git import Git
from deploy.gitops.github import Github, run_url
from deploy.gitops.kept import read_kept
from deploy.gitops.proposal import (
    EVIDENCE_LINE,
    Proposal,
    against,
    carry_out,
    promotion,
    proposal_from,
    proposal_json,
    setting_back,
    taken_back,
)
from deploy.verbs.plan import check_gated
from deploy.verbs.promote import proposed_model
from ml.problem import find, load_problem


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    if arguments.open is not None:
        return _open(arguments, context)
    problem = load_problem(find(arguments.problem)).name
    proposal, why_not = (set_back if arguments.back else promote)(context, problem)
    result = {"problem": problem, "opens": proposal is not None, "reason": why_not, "proposal": None}
    if proposal is None:
        return Done(DONE, result, (f"nothing is proposed: {why_not}",))
    return Done(DONE, {**result, "proposal": proposal_json(proposal)}, (proposal.title,))


def promote(context: Context, problem: str) -> tuple[Proposal | None, str | None]:
    """The proposal to take to prod what dev serves, or why there is none.

    Raises:
        Fault: dev does not serve its pin, or the evidence does not belong to these bytes.
    """
    model, now = proposed_model(context, problem), context.pins.read("prod", problem)
    why_not = against(model, now, taken_back(Git(), context.pins, problem))
    if why_not is not None:
        return None, why_not
    data, _ = context.platform("dev").evidence(model)
    return promotion(problem, model, now, data, run_url()), None


def set_back(context: Context, problem: str) -> tuple[Proposal | None, str | None]:
    """The proposal to let prod's pin say what prod serves, or why there is none.

    Raises:
        Fault: what prod serves did not pass the gate.
    """
    tags = context.platform("prod").observe(problem).tags
    committed = Git().pinned("HEAD", context.pins.path("prod")).get(problem)
    if tags.last_good is None:
        return None, "prod has served nothing that was good"
    if committed is not None and committed.digest == tags.last_good.digest:
        return None, f"prod's pin names {committed}, which prod serves"
    check_gated(context, "prod", problem, tags.last_good, "prod")
    reason = tags.rejected.get(committed.digest, "") if committed else ""
    _, evidence = context.platform("prod").evidence(tags.last_good)
    return setting_back(problem, tags.last_good, committed, reason or "it was rolled back", evidence), None


def _open(arguments: argparse.Namespace, context: Context) -> Done:
    kept = read_kept(arguments.open, "propose").result["proposal"]
    if kept is None:
        return Done(DONE, {"opens": False, "url": None}, ("nothing was proposed",))
    proposal = proposal_from(kept, str(arguments.open))
    load_problem(find(proposal.problem))
    host = AzureRepos() if runs_here() else Github()
    if proposal.kind == "promote" and _declined(host, proposal):
        return Done(DONE, {"opens": False, "url": None}, (f"a person closed {proposal.title}: it stays closed",))
    if not carry_out(proposal, Git(), context.pins):
        return Done(DONE, {"opens": False, "url": None}, ("main's pins say so already",))
    url = host.open_request(proposal.branch, proposal.title, proposal.text)
    return Done(DONE, {"opens": True, "url": url}, (url,))


def _declined(host: Github | AzureRepos, proposal: Proposal) -> bool:
    """Whether a person closed the proposal of these very bytes without merging it."""
    if host.request_of(proposal.branch) is not None:
        return False
    closed = host.request_of(proposal.branch, "closed")
    line = EVIDENCE_LINE.format(hash=proposal.evidence, digest=proposal.model.digest)
    return closed is not None and not closed["mergedAt"] and line in closed["body"]
