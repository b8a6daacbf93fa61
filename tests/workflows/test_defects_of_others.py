"""Ways in which other accelerators' pipelines fail; each is impossible here, or one of these goes red.

A defect that another room's test would catch is named with that test, which has to be there.
"""

import ast
import re

import pytest
from read_workflows import FILES, GITHUB, REPOSITORY, jobs

from deploy.context import Done
from deploy.gitops.step import leave

ELSEWHERE = {
    "a challenger held against itself": "deploy/gate/test_judge.py::test_a_better_candidate_passes",
    "a gate that cannot say no": "deploy/gate/test_judge.py::test_a_model_trained_on_shuffled_labels_fails",
    "both sides of a test alike": "deploy/gate/test_bootstrap.py::test_swapping_candidate_and_champion",
    "the champion compared with nothing": "deploy/gate/test_checks.py::test_the_champion_decides",
    "a point estimate at the margin": "deploy/gate/test_level.py::test_a_candidate_exactly_at_the_margin_passes",
    "a NaN that passes": "deploy/gate/test_judge.py::test_nothing_with_a_nan_or_infinity_anywhere_passes",
    "a smoke test that echoes": "deploy/release/test_smoke.py::test_anything_else_is_refused",
    "a live deployment deleted first": "deploy/release/test_plan.py::test_whatever_is_found_the_plan_moves_traffic",
    "no way back": "deploy/release/test_plan.py::test_a_rollback_makes_anew_what_is_gone",
    "a model retrained for prod": "deploy/verbs/test_promote.py::test_version_and_digest_are_copied_to_prod",
    "versions that count as text": "deploy/platforms/local/test_registry.py::test_versions_count_up",
    "a guide whose commands are not there": "test_documentation.py::test_every_command_that_is_shown_is_understood",
    "a guide whose links are dead": "test_documentation.py::test_every_link_leads_somewhere",
    "a generated problem that does not run": "stories/test_breast_cancer.py::",
}  # fmt: skip
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


@pytest.mark.parametrize("place", ELSEWHERE.values(), ids=ELSEWHERE)
def test_the_test_that_would_catch_it_is_there(place):
    file, _, name = place.partition("::")
    assert re.search(rf"^def {name or 'test_'}", (REPOSITORY / "tests" / file).read_text(), re.MULTILINE)


def test_no_test_only_greets():
    """Every test asserts something, itself or in a function of the tests that it calls."""
    files = sorted((REPOSITORY / "tests").rglob("*.py"))
    functions = [
        (file.name, one) for file in files for one in ast.walk(ast.parse(file.read_text())) if isinstance(one, DEFINED)
    ]
    speaks: set[str] = set()
    for _ in range(2):  # also through another
        speaks |= {one.name for _, one in functions if _asserts(one, speaks)}
    silent = [
        f"{file}::{one.name}" for file, one in functions if one.name.startswith("test_") and one.name not in speaks
    ]
    assert silent == []


DEFINED = (ast.FunctionDef, ast.AsyncFunctionDef)
SPEAKS = {"raises", "validate", "warns", "fail", "assert_allclose", "assert_array_equal", "parse_args"}


def _asserts(function, others):
    called = {
        getattr(node.func, "attr", getattr(node.func, "id", ""))
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
    }
    return any(isinstance(node, ast.Assert) for node in ast.walk(function)) or called & (SPEAKS | others)


def test_traffic_is_set_and_no_step_goes_by_without_a_look():
    from deploy.release.actions import CreateDeployment, DeleteDeployment, SetTraffic, Watch, WriteTags
    from deploy.release.plan import Wanted, plan
    from deploy.release.policy import load_policy
    from deploy.release.state import Deployment, ModelRef, Observed, Tags

    old, new = (ModelRef("delay", version, version * 32) for version in ("09", "10"))
    serves = Observed(True, True, (Deployment("old", old, "ready"),), {"old": 100}, {}, Tags((old,), {}))
    for platform in ("local", "azure"):
        actions = plan(Wanted(new, load_policy(platform, "prod")), serves).actions
        kinds = [type(action) for action in actions]
        moves = [place for place, kind in enumerate(kinds) if kind is SetTraffic]
        assert len(moves) >= 2
        assert all(kinds[place + 1] is Watch for place in moves)
        assert list(actions[moves[-1]].traffic.values()) == [100]
        order = [kinds.index(kind) for kind in (CreateDeployment, SetTraffic, WriteTags, DeleteDeployment)]
        assert order == sorted(order)


def test_one_workflow_serves_every_problem():
    problems = [file.stem for file in (REPOSITORY / "ml" / "problems").glob("*.yaml")]
    assert len(problems) > 1
    assert not [name for name, text in TEXT.items() for problem in problems if problem in text]


def test_no_step_is_written_twice():
    """What repeats is an action: of a job's lines no two jobs share more than its set-up and its files."""
    seen = {}
    for job in jobs():
        for line in job.lines:
            if line.startswith("mlops ") and line.split()[1] not in ("propose", "issue"):
                assert line not in seen, (line, job.id, seen.get(line))
                seen[line] = job.id


def test_every_folder_and_file_that_a_configuration_names_is_there():
    from read_workflows import read

    project = read(REPOSITORY / "Pulumi.yaml")
    assert (REPOSITORY / project["main"]).exists()
    for path in re.findall(r"^(/[\w./*-]+)\s", (GITHUB / "CODEOWNERS").read_text(), re.MULTILINE):
        found = list(REPOSITORY.glob(path.strip("/")))
        assert found or path == "/deploy/pins/", path  # the first promotion makes the pins
    for update in read(GITHUB / "dependabot.yml")["updates"]:
        for folder in update["directories"]:
            assert list(REPOSITORY.glob(folder.strip("/") or "*")), folder
        assert update["groups"]


def test_the_page_names_workflows_files_and_variables_that_are_there():
    page = (REPOSITORY / "docs" / "from-a-change-to-production.md").read_text()
    for name in re.findall(r"`([\w-]+\.yml)`", page):
        assert (GITHUB / "workflows" / name).exists() or (REPOSITORY / name).exists(), name
    for path in re.findall(r"`((?:deploy|infra|ml|docs|\.github)/[\w./-]+)`", page):
        assert (REPOSITORY / path).exists(), path
    for name in re.findall(r"vars\.(\w+)|`((?:MLOPS|AZURE|PROD)_\w+)`", page):
        assert any("".join(name) in text for text in TEXT.values()), name


def test_every_pull_request_and_every_push_to_main_starts_a_workflow():
    from read_workflows import read

    assert "pull_request" in read(GITHUB / "workflows" / "pull-request.yml")["on"]
    assert read(GITHUB / "workflows" / "main.yml")["on"]["push"] == {"branches": ["main"]}
