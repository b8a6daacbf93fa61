"""The verdict as a file that travels with the model and is checked again at promotion."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.exit_codes import REFUSED, WAITING
from deploy.gate.scored import Measures
from deploy.gate.verdict import Decision, Verdict, plain
from ml import digest
from ml.fault import Fault, invalid

if TYPE_CHECKING:
    from ml.problem import Problem

EVIDENCE = "evidence.json"
FORMAT = 1
DIGITS = 12


@dataclass(frozen=True)
class Evidence:
    """What was judged, by what, with which answer.

    Attributes:
        problem: the problem's name.
        model_digest, data_digest: sha256 of the candidate's files and of the rows that judged.
        champion_digest: None where there was no champion.
        thresholds: the problem's criteria, in JSON's own types.
        verdict: as `Verdict.to_json` gives it; its decision, numbers, intervals and seed.
        git_commit: of the code that judged; None outside a repository.
        format: of this file.
    """

    problem: str
    model_digest: str
    data_digest: str
    champion_digest: str | None
    thresholds: Mapping[str, Any]
    verdict: Mapping[str, Any]
    git_commit: str | None
    format: int = FORMAT

    @property
    def decision(self) -> Decision:
        """The verdict's decision."""
        decision: Decision = self.verdict["decision"]
        return decision


def evidence_of(
    verdict: Verdict,
    problem: Problem,
    candidate: Measures,
    champion: Measures | None,
    git_commit: str | None,
) -> Evidence:
    """The evidence of a verdict; the digests are those that `evaluate` took of what it read."""
    return Evidence(
        problem=problem.name,
        model_digest=candidate.model_digest,
        data_digest=candidate.data_digest,
        champion_digest=None if champion is None else champion.model_digest,
        thresholds=plain(problem.success.model_dump()),
        verdict=verdict.to_json(),
        git_commit=git_commit,
    )


def canonical(evidence: Evidence) -> bytes:
    """The one form of some evidence as bytes.

    JSON in UTF-8 with sorted keys, no space and a newline at the end. Floats have at most twelve
    significant digits, since beyond those the order in which a processor adds shows, and no negative
    zero; NaN and infinity are text (see `plain`).

    Raises:
        TypeError: something is not of JSON's own types.
    """
    text = json.dumps(_rounded(plain(asdict(evidence))), **_CANONICAL)
    return (text + "\n").encode()


_CANONICAL: dict[str, Any] = {
    "sort_keys": True,
    "separators": (",", ":"),
    "ensure_ascii": False,
    "allow_nan": False,
}


def _rounded(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.{DIGITS}g}") + 0.0 if isinstance(value, float) else value


def evidence_hash(data: bytes) -> str:
    """sha256 of the canonical bytes, in hexadecimal."""
    return digest.of_bytes(data)


def write(evidence: Evidence, folder: Path) -> str:
    """Writes the evidence into `folder` and returns its hash."""
    data = canonical(evidence)
    (folder / EVIDENCE).write_bytes(data)
    return evidence_hash(data)


def read(data: bytes) -> Evidence:
    """The evidence in some bytes.

    Raises:
        Fault: they are not what `write` writes.
    """
    try:
        evidence = Evidence(**json.loads(data))
        sound = evidence.format == FORMAT and canonical(evidence) == data and evidence.verdict["decision"]
    except (ValueError, TypeError, KeyError) as fault:
        raise invalid(f"is no evidence of the gate: {fault}", EVIDENCE, "run `mlops gate`") from None
    if not sound:
        raise invalid("is not in the form that the gate writes", EVIDENCE, "run `mlops gate`")
    return evidence


def verify(data: bytes, expected_hash: str, model_digest: str) -> Evidence:
    """The evidence, once it is certain that it is the gate's own and lets this model pass.

    Args:
        data: the file's bytes.
        expected_hash: what `write` returned.
        model_digest: sha256 of the model's files as they are now.

    Raises:
        Fault: the bytes are others, the model is another, or the decision is not PASS.
    """
    found = evidence_hash(data)
    if found != expected_hash:
        message = f"was changed after the gate wrote it: its hash is {found[:12]}, not {expected_hash[:12]}"
        raise Fault(message, EVIDENCE, "run `mlops gate` again", REFUSED)
    evidence = read(data)
    if evidence.model_digest != model_digest:
        message = f"is about the model {evidence.model_digest[:12]}, not about {model_digest[:12]}"
        raise Fault(message, EVIDENCE, "gate the model with these bytes", REFUSED)
    if evidence.decision != "PASS":
        reasons = "; ".join(evidence.verdict["reasons"])
        code = WAITING if evidence.decision == "INCONCLUSIVE" else REFUSED
        raise Fault(f"the gate said {evidence.decision}: {reasons}", EVIDENCE, "train a model that passes", code)
    return evidence
