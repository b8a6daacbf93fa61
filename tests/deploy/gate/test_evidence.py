import hashlib
import json
import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.gate.evidence import canonical, evidence_hash, evidence_of, read, verify, write
from deploy.gate.judge import judge
from ml.fault import Fault
from ml.problem import Slices, find, load_problem

BREAST_CANCER = load_problem(find("breast-cancer"))


@pytest.fixture(scope="session")
def evidence(good_pair):
    """The function that makes the evidence of a good candidate, or of one judged by other criteria."""

    def make(**criteria):
        candidate, champion, success = good_pair(**criteria)
        problem = BREAST_CANCER.model_copy(update={"success": success})
        verdict = judge(candidate, champion, success)
        return evidence_of(verdict, problem, candidate.measures, champion.measures, "0123abc")

    return make


def test_what_was_written_is_read_and_verified(evidence, tmp_path):
    written = evidence()

    digest = write(written, tmp_path)
    found = verify((tmp_path / "evidence.json").read_bytes(), digest, "candidate")

    assert canonical(found) == canonical(written)
    assert (found.decision, found.champion_digest, found.git_commit) == ("PASS", "champion", "0123abc")
    assert found.thresholds["floors"] == {"r2": 0.9}
    assert found.verdict["intervals"]["champion"]["rows"] == 600
    assert isinstance(found.verdict["seed"], int)


def test_the_hash_is_the_sha256_of_the_file(evidence, tmp_path):
    digest = write(evidence(), tmp_path)

    assert digest == hashlib.sha256((tmp_path / "evidence.json").read_bytes()).hexdigest()


def test_the_same_evidence_is_the_same_bytes_in_whatever_order_it_was_put_together(evidence):
    one = evidence()
    other = replace(one, verdict=dict(reversed(one.verdict.items())))

    assert canonical(one) == canonical(other)
    assert list(json.loads(canonical(one))) == sorted(json.loads(canonical(one)))


def test_numbers_that_json_has_not_are_named_and_text_is_utf_8(evidence):
    numbers = {"a": math.nan, "b": math.inf, "c": -math.inf}
    odd = replace(evidence(), problem="späte Flüge", thresholds=numbers)

    data = canonical(odd)

    assert b'"a":"NaN","b":"Infinity","c":"-Infinity"' in data
    assert "späte Flüge".encode() in data


def test_the_last_digits_in_which_processors_differ_are_not_written(evidence):
    one = replace(evidence(), thresholds={"margin": 0.1 + 0.2, "zero": -0.0})

    assert b'"thresholds":{"margin":0.3,"zero":0.0}' in canonical(one)


def test_what_json_does_not_know_is_an_error(evidence):
    with pytest.raises(TypeError):
        canonical(replace(evidence(), thresholds={"folder": object()}))


@pytest.fixture(scope="session")
def written(evidence):
    data = canonical(evidence())
    return data, evidence_hash(data)


@given(place=st.integers(0), bit=st.integers(0, 7))
@settings(max_examples=200, deadline=None)
def test_one_changed_bit_is_refused(written, place, bit):
    data, digest = written
    changed = bytearray(data)
    changed[place % len(data)] ^= 1 << bit

    with pytest.raises(Fault, match="was changed after the gate wrote it") as caught:
        verify(bytes(changed), digest, "candidate")
    assert caught.value.code == 3


def test_evidence_about_another_model_is_refused(written):
    with pytest.raises(Fault, match="is about the model candidate, not about another") as caught:
        verify(*written, "another")
    assert caught.value.code == 3


@pytest.mark.parametrize(
    ("criteria", "decision", "code"),
    [
        ({"floors": {"r2": 0.999}}, "FAIL", 3),
        ({"slices": Slices(columns=["origin"], smallest=1000)}, "INCONCLUSIVE", 4),
    ],
)
def test_evidence_of_a_model_that_did_not_pass_is_refused(evidence, criteria, decision, code):
    data = canonical(evidence(**criteria))

    with pytest.raises(Fault, match=f"the gate said {decision}: ") as caught:
        verify(data, evidence_hash(data), "candidate")
    assert caught.value.code == code


@given(st.binary(max_size=40) | st.sampled_from([b"{}", b"[]", b"null", b'{"problem": "x"}']))
def test_what_is_no_evidence_is_refused_also_with_the_right_hash(data):
    with pytest.raises(Fault):
        verify(data, evidence_hash(data), "candidate")


def test_evidence_that_was_rewritten_with_spaces_is_not_the_gates(written):
    loose = json.dumps(json.loads(written[0])).encode()

    with pytest.raises(Fault, match="not in the form that the gate writes"):
        read(loose)
