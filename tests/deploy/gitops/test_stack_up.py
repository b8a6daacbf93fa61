"""What a preview showed is what may be applied: nothing foreign, nothing more."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.exit_codes import WAITING
from deploy.gitops.stack_part import stack_part
from deploy.gitops.stack_preview import (
    StackPreview,
    Step,
    preview_from,
    preview_json,
    protected_in,
    steps_in,
    violations_in,
)
from deploy.gitops.stack_state import Stored, stored
from deploy.gitops.stack_up import apply, check_beginning, check_protected
from ml.fault import Fault

URN = "urn:pulumi:prod::mlops::azure-native:{kind}::{name}"
PARENT = "urn:pulumi:prod::mlops::mlops:infra:Network::network"


def urn(name, kind="storage:StorageAccount"):
    return URN.format(kind=kind, name=name)


def step(name, op="update"):
    return Step(op, urn(name), "azure-native:storage:StorageAccount", name, ("tags",))


def shown(*steps, resources=None, refused=(), commit="c" * 40, approved=()):
    held = resources or {urn(name): "1" for name in "abc"}
    return StackPreview("prod", commit, "s" * 64, held, steps, refused, (), {"plan": True}, approved)


def refusal(preview, held, rest):
    """Why it is refused; None where it is not."""
    try:
        check_beginning(preview, Stored("s", held), rest)
    except Fault as fault:
        return fault.message if fault.code == WAITING else f"exit {fault.code}"
    return None


def test_the_state_that_was_previewed_on_holds():
    assert refusal(shown(step("a")), {urn(name): "1" for name in "abc"}, (step("a"),)) is None


def test_a_rerun_carries_out_the_rest():
    """`a` was changed before the job died; `b` is left."""
    held = {urn("a"): "2", urn("b"): "1", urn("c"): "1"}
    assert refusal(shown(step("a"), step("b")), held, (step("b"),)) is None


def test_what_the_engine_itself_keeps_may_differ():
    preview = shown(step("a"), resources={urn("a"): "1", PARENT: "1"})
    assert refusal(preview, {urn("a"): "1", PARENT: "2"}, (step("a"),)) is None


@given(st.dictionaries(st.sampled_from("abcd"), st.sampled_from("12")), st.sets(st.sampled_from("abcd")))
def test_whatever_else_has_changed_is_refused(now, concerned):
    preview = shown(*(step(name) for name in sorted(concerned)))
    foreign = {n for n in "abcd" if preview.resources.get(urn(n)) != now.get(n)} - concerned
    why = refusal(preview, {urn(name): value for name, value in now.items()}, ())
    assert why == (f"{min(foreign)} has changed since the preview" if foreign else None)


@pytest.mark.parametrize("rest", [(step("b"),), (step("a", "replace"),)], ids=["another", "the same otherwise"])
def test_more_than_was_shown_is_refused(rest):
    assert "not those that were shown" in refusal(shown(step("a")), {urn(name): "1" for name in "abc"}, rest)


def test_what_must_not_be_done_is_not_done():
    with pytest.raises(Fault, match="it holds data") as caught:
        apply(shown(step("a"), refused=("replace of a: it holds data",)), "c" * 40)
    assert caught.value.code == 3


def complaint(name, message="as it is currently marked for protection"):
    return {"urn": urn(name), "severity": "error", "message": f"error: unable to replace {name} {message}\n"}


def test_what_the_engine_holds_is_told_from_what_is_wrong():
    failed = {"severity": "error", "message": "error: preview failed\n"}
    said = [complaint("a"), {**complaint("b"), "severity": "warning"}, failed]
    assert protected_in({"diagnostics": said}) == (urn("a"),)
    assert protected_in({"diagnostics": [*said, complaint("c", "has no such property")]}) == ()
    assert protected_in({"diagnostics": [*said, {**failed, "message": "error: no network\n"}]}) == ()
    assert protected_in({}) == ()


def test_what_is_protected_goes_by_its_name_alone():
    preview = shown(step("a", "replace"), approved=(urn("a"),))
    check_protected(preview, (urn("a"),))
    with pytest.raises(Fault, match="b is protected, and was not approved"):
        check_protected(preview, (urn("a"), urn("b")))


def test_the_approver_reads_what_a_person_gave_up():
    part = stack_part(preview_json(shown(step("a", "replace"), approved=(urn("a"),))))
    assert "By a person's word" in part
    assert "replace of <code>urn:pulumi:prod" in part
    assert "By a person" not in stack_part(preview_json(shown(step("a", "replace"))))


def test_a_preview_of_another_commit_is_not_applied():
    with pytest.raises(Fault, match="was previewed on cccccccccccc") as caught:
        apply(shown(step("a")), "d" * 40)
    assert caught.value.code == 4


def test_a_preview_is_the_same_after_a_way_through_a_file():
    preview = shown(step("a"), step("b", "delete"))
    assert preview_from(json.loads(json.dumps(preview_json(preview))), "preview.json") == preview
    with pytest.raises(Fault, match="holds no result of `preview`"):
        preview_from({"stack": "prod"}, "preview.json")


def test_the_state_is_its_resources_and_not_their_times():
    def told(**more):
        one = {"urn": urn("a"), "inputs": {"x": 1}, **more}
        return lambda words: (0, json.dumps({"deployment": {"resources": [one]}}))

    same = stored("prod", told(modified="2026-11-21"))
    assert same == stored("prod", told(modified="2026-11-22"))
    assert same != stored("prod", told(outputs={"y": 2}))
    with pytest.raises(Fault, match="no stack"):
        stored("prod", lambda words: (1, "error: no stack named prod"))


def test_steps_are_what_changes_and_policies_what_they_said():
    steps = [{"op": "same", "urn": urn("a")}, {"op": "update", "urn": urn("b"), "detailedDiff": {"tags.x": {}}}]
    (found,) = steps_in({"steps": steps})
    assert (found.op, found.name, found.diff) == ("update", "b", ("tags.x",))
    event = {
        "policyName": "S1",
        "enforcementLevel": "mandatory",
        "message": "no\n keys",
        "resourceUrn": urn("b"),
    }
    lines = "\n".join(json.dumps(one) for one in ({"policyEvent": event}, {"summaryEvent": {}}, {"policyEvent": event}))
    assert violations_in(lines) == ("S1 (mandatory), b: no keys",)
    part = stack_part({**preview_json(shown(step("b"))), "violations": violations_in(lines)})
    assert "S1 (mandatory), b: no keys" in part
    assert "1 to update" in part


ENGINE = """\
#!/bin/sh
# An engine that protects one resource, and whose `up` ends as the test says.
echo "$*" >> "$LEDGER"
case "$1 $2" in
  "stack export") echo '{"deployment": {"resources": [{"urn": "URN", "inputs": {"name": "old"}}]}}' ;;
  "state unprotect") touch "$LEDGER.open" ;;
  "state protect") rm "$LEDGER.open" ;;
  "preview --stack")
    while [ "$1" != --save-plan ]; do shift; done
    [ ! -e "$LEDGER.open" ] || echo '{"made": "now"}' > "$2"
    says='"diagnostics": [{"severity": "error", "urn": "URN", "message": "marked for protection"}]'
    [ ! -e "$LEDGER.open" ] || says='"diagnostics": []'
    echo '{"steps": [{"op": "replace", "urn": "URN"}], '"$says"'}'
    [ -e "$LEDGER.open" ] ;;
  "up --stack")
    while [ "$1" != --plan ]; do shift; done
    cat "$2" >> "$LEDGER"
    exit "$UP" ;;
esac
"""


@pytest.fixture
def engine(tmp_path, monkeypatch):
    """What the engine was told, as lines."""
    script = tmp_path / "pulumi"
    script.write_text(ENGINE.replace("URN", urn("a")))
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("LEDGER", str(tmp_path / "ledger"))
    monkeypatch.setenv("UP", "0")
    return lambda: [line for line in (tmp_path / "ledger").read_text().splitlines() if not line.startswith("stack")]


def approved():
    replaced = Step("replace", urn("a"), "azure-native:storage:StorageAccount", "a", ())
    held = stored("prod").resources
    return StackPreview("prod", "c" * 40, "s" * 64, held, (replaced,), (), (), {}, (urn("a"),))


def test_protection_is_lifted_for_what_was_approved_and_the_engine_held_to_the_plan_that_it_then_makes(engine):
    assert apply(approved(), "c" * 40)
    preview, lifted, again, up, plan = engine()
    assert preview.startswith("preview")
    assert lifted.startswith(f"state unprotect {urn('a')}")
    assert again.startswith("preview")
    assert up.startswith("up --stack prod")
    assert plan == '{"made": "now"}'


def test_where_the_up_fails_it_is_protected_again(engine, monkeypatch):
    monkeypatch.setenv("UP", "1")
    with pytest.raises(Fault, match="its own words"):
        apply(approved(), "c" * 40)
    assert engine()[-1].startswith(f"state protect {urn('a')}")


def test_what_nobody_approved_keeps_its_protection(engine):
    with pytest.raises(Fault, match="a is protected, and was not approved"):
        apply(replace(approved(), approved=()), "c" * 40)
    assert [line.split()[0] for line in engine()] == ["preview"]
