"""What applying a stack would change, what the rules say of it, what it costs: asked of processes."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from deploy import infra_facts
from deploy.drift import refusal
from deploy.gitops.git import Git
from deploy.gitops.kept import read_back
from deploy.gitops.stack_state import stored
from ml.fault import Fault

ROOT = infra_facts.ROOT
PACK = ("--policy-pack", "infra/policy")
ADVISORY = ("--policy-pack-config", "infra/policy/advisory.json")  # dev is told, prod and shared are held
INFRA_PYTHON = ROOT / ".venv-infra" / "bin" / "python"
KEPT = {"same", "read", "refresh"}
PROTECTED = "marked for protection"  # the engine's words; a provider may speak of another protection, as of a vault's


@dataclass(frozen=True)
class Step:
    """One resource that would become another, with the names of what changes in it."""

    op: str
    urn: str
    type: str
    name: str
    diff: tuple[str, ...]


@dataclass(frozen=True)
class StackPreview:
    """A preview bound to what it was made on.

    Attributes:
        commit: of the repository.
        state: hash of what Pulumi held of the stack.
        resources: by URN, the hash of each resource in it; a rerun is told from a change of somebody else by them.
        refused: sentences of what must not be done; nothing is applied then.
        violations: sentences of the policies.
        plan: Pulumi's own plan, which `pulumi up --plan` is held to; empty where what is protected is replaced, as
            the engine then makes none.
        approved: the URNs that are replaced, removed or taken a way without return by a person's word.
    """

    stack: str
    commit: str
    state: str
    resources: Mapping[str, str]
    steps: tuple[Step, ...]
    refused: tuple[str, ...]
    violations: tuple[str, ...]
    plan: Mapping[str, Any]
    approved: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """How many resources each operation concerns."""
        return dict(Counter(step.op for step in self.steps))


def preview_json(preview: StackPreview) -> dict[str, Any]:
    """As `mlops preview --out` keeps it."""
    return {**asdict(preview), "counts": preview.counts, "changes": bool(preview.steps)}


def preview_from(document: Mapping[str, Any], where: str) -> StackPreview:
    """The preview in what `preview_json` made.

    Raises:
        Fault: it is not of that form.
    """
    lists = {"refused": tuple, "violations": tuple, "approved": tuple}
    return read_back(StackPreview, "preview", document, where, steps=_steps, **lists)


def _steps(listed: list[dict[str, Any]]) -> tuple[Step, ...]:
    return tuple(Step(**{**step, "diff": tuple(step["diff"])}) for step in listed)


@dataclass(frozen=True)
class Asked:
    """What the engine said of a stack.

    Attributes:
        document: of `pulumi preview --json`.
        held_back: sentences of the policies for which it ends.
        violations: of those for which it does not.
        protected: the URNs that it refuses to replace or to remove, as the state protects them.
    """

    document: Mapping[str, Any]
    held_back: tuple[str, ...]
    violations: tuple[str, ...]
    protected: tuple[str, ...]


def preview(stack: str, commit: str, approved: tuple[str, ...] = ()) -> StackPreview:
    """The preview of a stack as it is checked out.

    Raises:
        Fault: Pulumi or the program fails.
    """
    held = stored(stack)
    with tempfile.TemporaryDirectory() as folder:
        plan, shown = Path(folder) / "plan.json", Path(folder) / "preview.json"
        asked = ask_pulumi(stack, plan)
        shown.write_text(json.dumps(asked.document), encoding="utf-8")
        steps, no = steps_in(asked.document), refused(stack, shown, approved)
        unnamed = (urn for urn in asked.protected if urn not in approved and not any(urn in said for said in no))
        return StackPreview(
            stack, commit, held.hash, held.resources, steps,
            (*no, *(f"{urn} is protected: approve this URN by name, or take the change back" for urn in unnamed),
             *asked.held_back),
            asked.violations,
            json.loads(plan.read_text(encoding="utf-8")) if plan.exists() else {},
            given_up(steps, approved),
        )  # fmt: skip


def given_up(steps: tuple[Step, ...], approved: tuple[str, ...]) -> tuple[str, ...]:
    """The URNs of the approver's list: what a person named and is changed, as an update can be without return too."""
    return tuple(dict.fromkeys(step.urn for step in steps if step.urn in approved))


def ask_pulumi(stack: str, plan: Path) -> Asked:
    """What `pulumi preview` says; it keeps its plan in a file, where it makes one.

    Raises:
        Fault: Pulumi or the program fails.
    """
    advisory = ADVISORY if stack == "dev" else ()
    words = ("pulumi", "preview", "--stack", stack, "--json", "--save-plan", str(plan), *PACK, *advisory)
    events = plan.with_suffix(".events")
    # What the policies say is in no other form than as events; the flag for those is one of Pulumi's debug commands.
    done = process(
        (*words, "--event-log", str(events), "--non-interactive", "--color", "never"), PULUMI_DEBUG_COMMANDS="true"
    )
    try:
        document: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        document = {}
    said_by_policies = events.read_text(encoding="utf-8") if events.exists() else ""
    violations = violations_in(said_by_policies)
    protected = protected_in(document)
    if (done.returncode and not violations and not protected) or not document:
        said = [line for line in (done.stderr + done.stdout).splitlines() if "error" in line.lower()]
        last = (said or [*done.stderr.strip().splitlines(), "no word"])[-1].strip()
        raise refusal(last, f"pulumi preview --stack {stack}", stack)
    held_back = violations_in(said_by_policies, "mandatory") if done.returncode else ()
    return Asked(document, held_back, tuple(said for said in violations if said not in held_back), protected)


def protected_in(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The resources of whose protection the engine complains; none where anything else is wrong too."""
    errors = [one for one in document.get("diagnostics") or () if one.get("severity") == "error"]
    about = [one for one in errors if "preview failed" not in one["message"]]
    if not all(one.get("urn") and PROTECTED in " ".join(one["message"].split()) for one in about):
        return ()
    return tuple(dict.fromkeys(str(one["urn"]) for one in about))


def steps_in(document: Mapping[str, Any]) -> tuple[Step, ...]:
    """The resources that would change, without the outputs of the stack itself."""
    found = []
    for step in document.get("steps", []):
        if step["op"] in KEPT:
            continue
        kind, name = step["urn"].split("::")[-2:]
        diff = tuple(sorted(step.get("detailedDiff") or step.get("diffReasons") or ()))
        found.append(Step(step["op"], step["urn"], kind.rsplit("$", 1)[-1], name, diff))
    return tuple(found)


def violations_in(events: str, level: str | None = None) -> tuple[str, ...]:
    """What the policies say, or those of a level of enforcement, from the engine's events, one JSON object a line."""
    said = (json.loads(line).get("policyEvent") for line in events.splitlines())
    return tuple(dict.fromkeys(_violation(one) for one in said if one and level in (None, one["enforcementLevel"])))


def _violation(event: Mapping[str, Any]) -> str:
    name = str(event.get("resourceUrn", "")).rsplit("::", 1)[-1]
    return f"{event['policyName']} ({event['enforcementLevel']}), {name}: {' '.join(str(event['message']).split())}"


def refused(stack: str, shown: Path, approved: tuple[str, ...]) -> tuple[str, ...]:
    """What `infra` itself refuses: replacing what holds data, and ways without return."""
    words = ("check-preview", "--stack", stack, "--preview", str(shown), "--json", "--approved", *approved)
    done = process((str(INFRA_PYTHON), "-m", "infra", *words))
    try:
        return tuple(str(sentence) for sentence in json.loads(done.stdout))
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        raise Fault(last, "python -m infra check-preview", "make infra-setup") from None


def cost_difference(stack: str, since: str) -> dict[str, Any]:
    """What a month of the stack costs at a commit, and as it is checked out.

    Raises:
        Fault: a configuration is wrong.
    """
    after = _sums(infra_facts.cost(stack))
    with tempfile.TemporaryDirectory() as folder:
        Git()("worktree", "add", "--quiet", "--detach", folder, since)
        try:
            before = _sums(infra_facts.cost(stack, Path(folder)))
        finally:
            Git()("worktree", "remove", "--force", folder)
    return {"currency": after["currency"], "before": before, "after": after, "unknown": after["unknown"]}


def _sums(cost: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted({*cost["idle"]["unknown"], *cost["busy"]["unknown"]})
    sums = {side: cost[side]["known"] for side in ("idle", "busy")}
    return {**sums, "currency": cost["currency"], "unknown": unknown}


def process(words: tuple[str, ...], **environment: str) -> subprocess.CompletedProcess[str]:
    """A command run in the repository.

    Raises:
        Fault: it is not here.
    """
    try:
        given = {**os.environ, **environment}
        return subprocess.run(words, cwd=ROOT, env=given, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        remedy = "make infra-setup" if "venv" in words[0] else f"install {words[0]}: docs/infrastructure-on-azure.md"
        raise Fault(f"`{words[0]}` is not here", remedy=remedy) from None
