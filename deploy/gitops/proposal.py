"""What a pull request on the pins proposes, and why: decided where the registry is at hand, opened elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

from deploy.gate.evidence import Evidence, evidence_hash
from deploy.gitops.git import Git
from deploy.gitops.judged import judged_part
from deploy.gitops.kept import read_back
from deploy.gitops.markdown import code, text
from deploy.pin import Pins
from deploy.release.state import ModelRef

Kind = Literal["promote", "rollback"]
EVIDENCE_LINE = "<!-- evidence sha256:{hash} model sha256:{digest} -->"


@dataclass(frozen=True)
class Proposal:
    """A pull request on the pins.

    Attributes:
        kind: `promote` sets prod's pin to what dev serves and records dev's; `rollback` sets prod's back.
        model: what the pin shall name.
        title, text: for people; the text is Markdown.
        evidence: sha256 of the evidence with which the model was registered.
    """

    kind: Kind
    problem: str
    model: ModelRef
    title: str
    text: str
    evidence: str

    @property
    def branch(self) -> str:
        """One branch a problem and kind, so that a newer proposal takes the place of an older one."""
        return f"{self.kind}/{self.problem}"

    @property
    def stacks(self) -> tuple[str, ...]:
        """Whose pins it sets."""
        return ("dev", "prod") if self.kind == "promote" else ("prod",)

    @property
    def message(self) -> str:
        """The commit's: its trailers outlive the pull request."""
        return f"{self.title}\n\nModel: sha256:{self.model.digest}\nEvidence: sha256:{self.evidence}\n"


def proposal_json(proposal: Proposal) -> dict[str, Any]:
    """As `mlops propose --out` keeps it."""
    return asdict(proposal)


def proposal_from(document: Mapping[str, Any], where: str) -> Proposal:
    """The proposal in what `proposal_json` made.

    Raises:
        Fault: it is not of that form.
    """
    return read_back(Proposal, "propose", document, where, model=lambda one: ModelRef(**one))


def against(model: ModelRef, now: ModelRef | None, taken_back: Mapping[str, str]) -> str | None:
    """Why a promotion is not proposed by itself; None where it is.

    Args:
        model: what dev serves.
        now: what prod's pin names.
        taken_back: as `taken_back` tells it.
    """
    if now is not None and now.digest == model.digest:
        return f"prod's pin names {model} already"
    if model.digest in taken_back:
        return f"commit {taken_back[model.digest][:12]} took {model} out of prod's pin: a person may pin it again"
    return None


def taken_back(git: Git, pins: Pins, problem: str) -> dict[str, str]:
    """By digest, the commit that set prod's pin from it back to what it had named before that.

    What a newer model took the place of was not taken back, and may be proposed again.
    """
    path = pins.path("prod")
    if not path.is_relative_to(git.folder):
        return {}  # pins that stay out of git have no history
    name, named = path.relative_to(git.folder).as_posix(), [("", "")]
    for commit in reversed(git.commits_of(name)):
        pin = git.pinned(commit, path).get(problem)
        digest = pin.digest if pin else ""
        if digest != named[-1][0]:
            named.append((digest, commit))
    ended = pairwise(named)
    before = [{digest for digest, _ in named[:place]} for place in range(len(named))]
    return {was: commit for place, ((was, _), (now, commit)) in enumerate(ended) if now in before[place]}


def promotion(problem: str, model: ModelRef, now: ModelRef | None, data: bytes, run: str | None) -> Proposal:
    """The proposal to release in prod what dev serves, with the evidence in its text.

    Args:
        problem: its name.
        model: what dev serves.
        now: what prod's pin names.
        data: the bytes of the evidence.
        run: the page of the workflow run whose artefacts hold report and evidence.
    """
    from deploy.gate.evidence import read

    evidence, found = read(data), evidence_hash(data)
    title = f"Promote {problem} {model.version} to prod"
    return Proposal("promote", problem, model, title, _promotion_text(evidence, found, model, now, run), found)


def setting_back(problem: str, model: ModelRef, given_up: ModelRef | None, reason: str, evidence: str) -> Proposal:
    """The proposal to let prod's pin say what prod serves again."""
    what = "what served before" if given_up is None else f"{given_up}"
    body = f"""\
prod went back to {_model(model)}, in the place of {text(what)}: {text(reason)}.

Merging this lets the pin say what prod serves; it releases nothing. Until then `mlops status` says that they differ,
and the digest that was given up is not released again by itself.
"""
    return Proposal("rollback", problem, model, f"Pin {problem} {model.version} in prod again", body, evidence)


def _promotion_text(evidence: Evidence, found: str, model: ModelRef, now: ModelRef | None, run: str | None) -> str:
    instead = _model(now) if now is not None else "nothing"
    kept = f"[the run's artefacts]({run})" if run else "the run's artefacts"
    return f"""\
dev serves {_model(model)}; this pins it in prod, in the place of {instead}. Its checks begin when you close and
reopen this pull request (it was opened with the workflow's own token), and hold the evidence against its hash.
Merging asks for an approval in the environment `prod`, and shows the plan first; reverting the merge takes it back.

## The gate's verdict: {judged_part(evidence.verdict)}

| | |
|---|---|
| model | sha256 {code(model.digest)} |
| evidence | sha256 {code(found)} |
| rows that judged | sha256 {code(evidence.data_digest)} |
| champion | {code(evidence.champion_digest or "none")} |
| code | {code(evidence.git_commit or "unknown")} |
| report | {kept} |

{EVIDENCE_LINE.format(hash=found, digest=model.digest)}
"""


def _model(model: ModelRef) -> str:
    return f"{text(model.name)}:{text(model.version)} {code(model.digest[:12])}"


def carry_out(proposal: Proposal, git: Git, pins: Pins) -> bool:
    """Commits the pins to the proposal's branch, from what is checked out; False where they say so already."""
    from deploy.gitops.github import BOT, BOT_MAIL

    for stack in proposal.stacks:
        pins.write(stack, proposal.problem, proposal.model)
    paths = [str(Path(pins.path(stack))) for stack in proposal.stacks]
    git("add", "--", *paths)
    if not git("diff", "--cached", "--name-only").strip():
        return False
    who = ("-c", f"user.name={BOT}", "-c", f"user.email={BOT_MAIL}")
    git("switch", "--quiet", "--force-create", proposal.branch)
    git(*who, "commit", "--quiet", "--message", proposal.message, "--", *paths)
    # The token of `gh` opens the way; nothing is written into the clone's settings.
    helper = ("-c", "credential.helper=", "-c", "credential.helper=!gh auth git-credential")
    git(*helper, "push", "--quiet", "--force", "origin", f"HEAD:refs/heads/{proposal.branch}")
    return True
