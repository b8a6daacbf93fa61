"""Drift is told by 6, its absence by 0, and a failure of Pulumi is neither."""

from __future__ import annotations

import argparse

import pytest

from deploy import drift
from ml.fault import Fault

STACK = argparse.Namespace(stack="prod")


def test_pulumis_seven_is_our_six_with_the_difference():
    code, found, text = drift.run(STACK, lambda command: (7, "~ minimumTlsVersion: TLS1_2 => TLS1_0"))
    assert (code, found["drift"]) == (6, True)
    assert "minimumTlsVersion" in found["diff"]
    assert "pulumi up" in text


def test_no_drift_is_nothing():
    code, found, text = drift.run(STACK, lambda command: (0, "unchanged"))
    assert (code, found["drift"], text) == (0, False, "prod is as its stack says")


def test_it_reads_azure_first_and_changes_nothing():
    asked = []
    drift.run(STACK, lambda command: asked.append(command) or (0, ""))
    assert asked[0][:3] == ["pulumi", "preview", "--refresh"]
    assert "--expect-no-changes" in asked[0]


@pytest.mark.parametrize("code", [1, 255])
def test_a_failure_of_pulumi_is_a_fault_and_never_no_drift(code):
    with pytest.raises(Fault, match="unknown stack"):
        drift.run(STACK, lambda command: (code, "Diagnostics:\n  error: unknown stack prod\n"))


def test_a_missing_command_is_a_fault_with_its_remedy(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Fault, match="not on the PATH"):
        drift.run(STACK)


@pytest.mark.parametrize(
    ("said", "remedy"),
    [("error: no stack named 'prod' found", "pulumi up --stack prod"), ("error: not logged in", "log in: az login")],
)
def test_a_stack_that_was_never_brought_up_is_not_taken_for_a_login_that_is_lacking(said, remedy):
    with pytest.raises(Fault) as caught:
        drift.run(STACK, lambda command: (255, said))
    assert caught.value.remedy.startswith(remedy)
