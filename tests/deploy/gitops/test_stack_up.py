"""What a preview showed is what may be applied: nothing foreign, nothing more."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.exit_codes import REFUSED, WAITING
from deploy.gitops.stack_part import stack_part
from deploy.gitops.stack_preview import (
    StackPreview,
    Step,
    ask_pulumi,
    given_up,
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
    for other in ("has no such property", "as its vault has purge protection"):
        assert protected_in({"diagnostics": [*said, complaint("c", other)]}) == ()
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


def test_the_approver_reads_of_an_update_too_as_the_rules_let_pass_what_is_named():
    steps = (step("a"), step("b"), step("c", "delete"), step("c", "delete"))
    assert given_up(steps, (urn("a"), urn("c"), urn("d"))) == (urn("a"), urn("c"))
    part = stack_part(preview_json(shown(*steps, approved=given_up(steps, (urn("a"),)))))
    assert "update of <code>urn:pulumi:prod" in part


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
# An engine that protects one resource, and whose `up` ends as the test says: 130 interrupts who waits for it, 255
# has removed the resource.
echo "$*" >> "$LEDGER"
case "$1 $2" in
  "stack export") echo '{"deployment": {"resources": [{"urn": "URN", "inputs": {"name": "old"}}]}}' ;;
  "state unprotect") touch "$LEDGER.open"; [ "$3" != "$LOCKED" ] ;;
  "state protect") rm "$LEDGER.open" && [ "$UP" != 255 ] ;;
  "preview --stack")
    while [ "$1" != --save-plan ]; do shift; done
    [ ! -e "$LEDGER.open" ] || [ -n "$POLICY" ] || echo '{"made": "now"}' > "$2"
    [ -z "$POLICY" ] || echo "$POLICY" > "${2%.json}.events"
    says='"diagnostics": [{"severity": "error", "urn": "URN", "message": "marked for protection"}]'
    [ ! -e "$LEDGER.open" ] || says='"diagnostics": []'
    echo '{"steps": [{"op": "replace", "urn": "URN"}], '"$says"'}'
    [ -e "$LEDGER.open" ] && [ -z "$POLICY" ] ;;
  "up --stack")
    while [ "$1" != --plan ]; do shift; done
    cat "$2" >> "$LEDGER"
    [ "$UP" != 130 ] || kill -INT "$PPID"
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
    monkeypatch.setenv("LOCKED", "")
    monkeypatch.setenv("POLICY", "")
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


@pytest.mark.parametrize("ended", ["1", "255"], ids=["with a fault", "with a fault when it is gone"])
def test_where_the_up_fails_it_is_protected_again(engine, monkeypatch, ended):
    monkeypatch.setenv("UP", ended)
    with pytest.raises(Fault, match="its own words") as caught:
        apply(approved(), "c" * 40)
    assert caught.value.where == "pulumi up"
    assert engine()[-1].startswith(f"state protect {urn('a')}")


def test_what_a_policy_holds_back_is_refused_in_its_words_before_anything_is_applied(engine, monkeypatch):
    event = {"policyName": "S1", "enforcementLevel": "mandatory", "message": "no keys", "resourceUrn": urn("a")}
    monkeypatch.setenv("POLICY", json.dumps({"policyEvent": event}))
    with pytest.raises(Fault, match=r"S1 \(mandatory\), a: no keys") as caught:
        apply(approved(), "c" * 40)
    assert caught.value.code == REFUSED
    assert [line.split()[:2] for line in engine()][2:] == [["preview", "--stack"], ["state", "protect"]]


@pytest.mark.parametrize(("level", "held_back"), [("mandatory", True), ("advisory", False)])
def test_a_preview_that_a_policy_ends_is_refused_and_one_that_it_remarks_on_is_not(
    engine, monkeypatch, tmp_path, level, held_back
):
    event = {"policyName": "S1", "enforcementLevel": level, "message": "no keys", "resourceUrn": urn("a")}
    monkeypatch.setenv("POLICY", json.dumps({"policyEvent": event}))
    asked = ask_pulumi("prod", tmp_path / "plan.json")
    said = (f"S1 ({level}), a: no keys",)
    assert (asked.held_back, asked.violations) == ((said, ()) if held_back else ((), said))


def test_where_the_workflow_is_cancelled_it_is_protected_again(engine, monkeypatch):
    monkeypatch.setenv("UP", "130")
    with pytest.raises(KeyboardInterrupt):
        apply(approved(), "c" * 40)
    assert engine()[-1].startswith(f"state protect {urn('a')}")


def test_where_the_lifting_itself_fails_nothing_is_applied_and_it_is_protected_again(engine, monkeypatch):
    monkeypatch.setenv("LOCKED", urn("a"))
    with pytest.raises(Fault, match="its own words"):
        apply(approved(), "c" * 40)
    assert [line.split()[:2] for line in engine()][1:] == [["state", "unprotect"], ["state", "protect"]]


def test_what_nobody_approved_keeps_its_protection(engine):
    with pytest.raises(Fault, match="a is protected, and was not approved"):
        apply(replace(approved(), approved=()), "c" * 40)
    assert [line.split()[0] for line in engine()] == ["preview"]
