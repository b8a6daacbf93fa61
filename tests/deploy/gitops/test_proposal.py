"""When a promotion is proposed, what the pull request says, and what git knows of it."""

import json
import subprocess
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.gate.evidence import Evidence, canonical, evidence_hash
from deploy.gitops.git import Git
from deploy.gitops.proposal import (
    against,
    carry_out,
    promotion,
    proposal_from,
    proposal_json,
    setting_back,
    taken_back,
)
from deploy.pin import Pins
from deploy.release.state import ModelRef
from ml.fault import Fault

PROBLEM = "breast-cancer"
WHO = ("-c", "user.name=A person", "-c", "user.email=person@example.com")


def model(number):
    return ModelRef(PROBLEM, str(number), f"{number:064x}")


def evidence(number):
    check = {
        "name": "slice age=old",
        "decision": "PASS",
        "value": 0.1,
        "threshold": 0.0,
        "sentence": "slice age=old: fine",
    }
    verdict = {
        "decision": "PASS", "reasons": ["better by 0.1"], "checks": [check], "seed": 1,
        "metrics": {"candidate": {"auc": 0.97}, "champion": {"auc": 0.96}, "dummy": {"auc": 0.5}},
        "intervals": {"margin": {"point": 0.1, "lower": 0.05, "upper": 0.15, "detectable": 0.04}},
    }  # fmt: skip
    return canonical(Evidence(PROBLEM, model(number).digest, "d" * 64, model(1).digest, {}, verdict, "a" * 40))


@pytest.fixture
def clone(tmp_path):
    """A clone with its remote, and its pins."""
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", tmp_path / "remote.git"], check=True)
    subprocess.run(["git", "clone", "-q", tmp_path / "remote.git", tmp_path / "clone"], check=True, capture_output=True)
    git = Git((tmp_path / "clone").resolve())
    git("switch", "-q", "-c", "main")
    (git.folder / "README.md").write_text("x")
    git("add", ".")
    git(*WHO, "commit", "-q", "-m", "Begin")
    git("push", "-q", "origin", "main")
    return git, Pins(git.folder / "deploy" / "pins")


def pinned(clone, number):
    """A commit in which prod's pin names a model, or none."""
    git, pins = clone
    if number is None:
        pins.path("prod").unlink()
    else:
        pins.write("prod", PROBLEM, model(number))
    git("add", "-A")
    git(*WHO, "commit", "-q", "-m", f"Pin {number}")
    return git.head


@pytest.mark.parametrize(
    ("history", "gone"),
    [
        ([], set()),
        ([1], set()),
        ([1, 2], set()),
        ([1, 2, 1], {2}),
        ([1, 2, 3, 1], {3}),
        ([1, 2, 1, 3], {2}),
        ([1, None], {1}),
        ([1, 2, 1, 2], {1}),
        ([9, 10], set()),
    ],
)
def test_what_was_taken_back_is_told_from_what_was_superseded(clone, history, gone):
    for number in history:
        pinned(clone, number)
    found = taken_back(*clone, PROBLEM)
    present = history[-1] if history else None
    assert set(found) - ({model(present).digest} if present else set()) == {model(n).digest for n in gone} - (
        {model(present).digest} if present else set()
    )


@given(st.lists(st.integers(1, 4), max_size=6))
def test_a_model_that_was_never_pinned_may_always_be_proposed(numbers):
    assert against(model(9), model(numbers[-1]) if numbers else None, {}) is None


def test_a_digest_equal_to_the_champions_opens_nothing():
    assert "already" in against(replace(model(1), version="7"), model(1), {})


def test_what_was_taken_back_wants_a_person():
    assert "a person may pin it" in against(model(2), model(1), {model(2).digest: "c" * 40})


def test_the_text_holds_the_evidence_and_its_hash():
    data = evidence(2)
    proposal = promotion(PROBLEM, model(2), model(1), data, "https://github.com/o/n/actions/runs/7")
    for part in (evidence_hash(data), model(2).digest, "slice age=old", "0.05 to 0.15",
                 "✅ PASS", "actions/runs/7", "Its checks begin when you close and"):  # fmt: skip
        assert part in proposal.text, part
    assert evidence_hash(data) in proposal.message
    assert proposal_from(json.loads(json.dumps(proposal_json(proposal))), "x") == proposal


def test_a_proposal_is_one_commit_on_a_branch_of_its_own_and_a_newer_one_takes_its_place(clone):
    git, pins = clone
    pinned(clone, 1)
    git("push", "-q", "origin", "main")
    for number in (2, 3):
        git("switch", "-q", "main")
        assert carry_out(promotion(PROBLEM, model(number), model(1), evidence(number), None), git, pins)
    branch = git("ls-remote", "origin", "refs/heads/promote/breast-cancer").split()[0]
    assert git("rev-list", "--count", f"origin/main..{branch}").strip() == "1"
    assert git.pinned(branch, pins.path("prod")) == git.pinned(branch, pins.path("dev")) == {PROBLEM: model(3)}
    assert git("show", "-s", "--format=%an", branch).strip() == "github-actions[bot]"
    assert "sha256" in git("show", "-s", "--format=%B", branch)


def test_what_main_says_already_opens_nothing(clone):
    git, pins = clone
    pinned(clone, 1)
    before = git("ls-remote", "origin")
    assert not carry_out(setting_back(PROBLEM, model(1), None, "it was late", "e" * 64), git, pins)
    assert git("ls-remote", "origin") == before


def test_setting_back_touches_prods_pin_alone(clone):
    git, pins = clone
    pinned(clone, 2)
    proposal = setting_back(PROBLEM, model(1), model(2), "answers are late", "e" * 64)
    assert carry_out(proposal, git, pins)
    assert git("diff", "--name-only", "HEAD~1").split() == ["deploy/pins/prod.yaml"]
    assert "answers are late" in proposal.text


@pytest.mark.parametrize("document", [{}, {"kind": "promote"}, {"model": "x"}])
def test_what_is_no_proposal_is_refused(document):
    with pytest.raises(Fault, match="holds no result of `propose`"):
        proposal_from(document, "proposal.json")
