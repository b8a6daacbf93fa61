"""Ways in which other accelerators' pipelines fail; each is impossible here, or one of these goes red.

Those of the gate (a point estimate, a model held against itself, NaN) are in tests/deploy/gate, those of a release
(the old deployment removed first, steps without a look, traffic never set) in tests/deploy/release.
"""

import re

import pytest
from read_workflows import FILES, GITHUB, REPOSITORY, jobs

from deploy.context import Done
from deploy.gitops.step import leave

TEXT = {file.name: file.read_text() for file in FILES}
JOBS = {job.id: job for job in jobs()}


@pytest.mark.parametrize(("code", "outcome"), [(3, "refused"), (4, "waiting"), (0, "done")])
def test_the_gate_is_not_wired_open(code, outcome, tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_OUTPUT", str(tmp_path / "outputs"))
    verdict = {"decision": "FAIL", "reasons": [], "metrics": {}, "intervals": {}, "checks": [], "digest": "d"}
    assert leave("gate", Done(code, verdict)).code == 0
    assert re.search(rf"outcome<<(\S+)\n{outcome}\n\1\n", (tmp_path / "outputs").read_text())
    assert JOBS["dev/release"].body["if"] == "needs.candidate.outputs.outcome == 'done'"
    assert JOBS["dev/release"].needs == ("candidate",)


def test_a_fault_of_the_gate_is_no_refusal():
    from deploy.gitops.step import GREEN

    assert not {1, 2, 5, 7} & set().union(*GREEN.values())
    assert set(GREEN["gate"]) == {3, 4}


def test_the_gate_runs_for_real_and_nothing_is_commented_out():
    for name, text in TEXT.items():
        assert not re.search(r"^\s*#\s*(- )?(run|uses|if|needs|environment|schedule|cron):", text, re.MULTILINE), name
        assert "--dry-run" not in text
        assert "continue-on-error" not in text


def test_a_pull_request_is_tested_by_the_suite_itself():
    assert "make test" in JOBS["pull-request/tests"].lines
    assert "make test-infra" in JOBS["pull-request/infrastructure"].lines
    assert not any(line.startswith("echo") for job in jobs() for line in job.lines)


def test_every_job_that_logs_in_asks_for_its_token():
    for job in jobs():
        if any("log-in" in str(step.get("uses")) for step in job.steps):
            assert job.permissions["id-token"] == "write", job.id


def test_no_secret_is_in_reach_of_anything():
    for name, text in TEXT.items():
        assert not re.search(r"secrets\.(?!GITHUB_TOKEN)", text), name
        assert "secrets: inherit" not in text


def test_what_a_workflow_names_is_there():
    targets = set(re.findall(r"^([\w-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    for job in jobs():
        for uses in [job.body.get("uses"), *(step.get("uses") for step in job.steps)]:
            if str(uses).startswith("./"):
                assert (REPOSITORY / uses).exists(), uses
        for line in job.lines:
            assert not line.startswith("make ") or line.split()[1] in targets, line
        for step in job.steps:
            group = str(step.get("with", {}).get("group", "local"))
            if "${{" not in group:
                assert (REPOSITORY / "environments" / group / "requirements.txt").exists(), group


def test_what_is_called_gets_the_inputs_that_it_has_and_no_other():
    from read_workflows import read

    for job in jobs():
        if "uses" in job.body:
            inputs = read(REPOSITORY / job.body["uses"])["on"]["workflow_call"]["inputs"]
            given = set(job.body.get("with", {}))
            assert given <= set(inputs)
            assert {name for name, one in inputs.items() if one.get("required")} <= given


def test_nothing_asks_for_the_latest_of_anything_but_the_runner():
    for name, text in TEXT.items():
        assert "latest" not in text.replace("ubuntu-latest", ""), name
    assert any('--digest "$DIGEST"' in line for line in JOBS["dev/release"].lines)


def test_a_rollback_needs_neither_build_nor_training():
    verbs = {line.split()[1] for job in jobs() if job.workflow == "rollback" for line in job.lines}
    assert verbs == {"plan", "rollback", "propose"}
    entered = [job.body["environment"] for job in jobs() if job.workflow == "rollback" and "environment" in job.body]
    assert entered == ["watch", "rollback"]
    assert '--to "$TO"' in JOBS["rollback/rollback"].lines[0]


def test_retraining_is_scheduled_and_takes_the_road_of_any_other_model():
    assert "cron:" in TEXT["monitor.yml"]
    assert JOBS["monitor/retrain"].body["uses"] == JOBS["main/dev"].body["uses"]


def test_the_owners_of_what_decides_are_named():
    owners = (GITHUB / "CODEOWNERS").read_text()
    for path in ("/deploy/pins/", "/deploy/gate/", "/.github/", "/infra/"):
        assert path in owners
