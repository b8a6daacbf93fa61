"""The rules that every workflow keeps, and the table of who may do what."""

import re

import pytest
from read_workflows import ACTIONS, FILES, REPOSITORY, jobs, read

PAGE = REPOSITORY / "docs" / "from-a-change-to-production.md"
RUNNER = "./.github/workflows/runner.yml"
PROD_RUNNER = "vars.PROD_RUNNER"
EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}")


def by_id(job):
    return job.id


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_workflow_may_do_nothing_that_a_job_does_not_ask_for(file):
    assert read(file)["permissions"] == {}


@pytest.mark.parametrize("job", jobs(), ids=by_id)
def test_every_job_ends_in_time(job):
    assert "uses" in job.body or 0 < job.body["timeout-minutes"] <= 720


@pytest.mark.parametrize("job", jobs(), ids=by_id)
def test_only_a_job_that_logs_in_may_ask_for_a_token_of_azure(job):
    logs_in = any(str(step.get("uses")).startswith(("./.github/actions/log-in", "azure/login@")) for step in job.steps)
    assert ("id-token" in job.permissions) == (logs_in or "uses" in job.body), job.permissions


@pytest.mark.parametrize("job", jobs(), ids=by_id)
def test_every_clone_forgets_its_credentials(job):
    for step in job.steps:
        if str(step.get("uses", "")).startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("file", [*FILES, *ACTIONS], ids=lambda file: f"{file.parent.name}/{file.name}")
def test_no_expression_stands_in_a_line_of_a_shell(file):
    document = read(file)
    steps = [
        step for job in document.get("jobs", {"": document.get("runs", {})}).values() for step in job.get("steps", ())
    ]
    for step in steps:
        assert "${{" not in str(step.get("run", "")), step


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_no_event_is_trusted_that_an_outsider_may_start_with_rights(file):
    triggers = set(read(file)["on"])
    assert triggers <= {"push", "pull_request", "workflow_call", "workflow_dispatch", "schedule"}


@pytest.mark.parametrize("job", jobs(), ids=by_id)
def test_logic_lives_in_the_command_and_not_in_the_shell(job):
    for step in job.steps:
        lines = str(step.get("run", "")).strip().splitlines()
        assert len(lines) <= 3, step
    own = re.compile(
        r"(mlops|make|az containerapp job start|sh environments/install\.sh|\.venv-infra/bin/python -m infra\.\w+)\b"
    )
    assert all(own.match(line) for line in job.lines), job.lines


@pytest.mark.parametrize("job", [job for job in jobs() if job.lines], ids=by_id)
def test_every_command_is_understood_at_the_desk(job):
    from deploy.arguments import make_parser

    for line in job.lines:
        if not line.startswith("mlops "):
            continue
        for variable, value in {
            "$PROBLEM": "breast-cancer", "$STACK": "dev", "$REQUEST": "3", "$BASE": "HEAD", "$PROBLEMS": "",
            "$REASON": "x", "$DIGEST": "0" * 64, "$FROM_MONITOR": "", "$TO": "3", "$VERSION": "", "$RUN": "x",
        }.items():  # fmt: skip
            line = re.sub(rf"{re.escape(variable)}(?![A-Z_])", value, line)
        words = re.findall(r'"([^"]*)"|(\S+)', line)
        make_parser().parse_args([quoted or plain for quoted, plain in words][1:])


@pytest.mark.parametrize("job", jobs(), ids=by_id)
def test_what_decides_by_its_exit_code_is_called_without_make(job):
    assert not any(re.match(r"make (run|gate|release|monitor|drift)\b", line) for line in job.lines)


@pytest.mark.parametrize("job", jobs(), ids=by_id)
def test_a_job_in_an_environment_of_prod_runs_inside_its_network(job):
    if job.body.get("environment") == "prod" or any("--stack prod" in line for line in job.lines):
        outside = job.workflow == "pull-request"  # a reader, and the code of a pull request: never inside
        assert (PROD_RUNNER in job.body["runs-on"]) != outside, job.body["runs-on"]
    if "inputs.stack" in str(job.body.get("environment", "")) or "matrix.stack" in str(job.body.get("runs-on", "")):
        assert PROD_RUNNER in job.body["runs-on"]


@pytest.mark.parametrize("job", [job for job in jobs() if job.workflow == "pull-request"], ids=by_id)
def test_no_job_that_runs_a_pull_requests_code_may_write(job):
    writes = {name for name, right in job.permissions.items() if right == "write"} - {"id-token"}
    checkouts = [step for step in job.steps if str(step.get("uses", "")).startswith("actions/checkout@")]
    if writes:
        assert writes == {"pull-requests"}
        assert [c["with"].get("ref") for c in checkouts] == ["${{ github.event.pull_request.base.sha }}"]
        assert "id-token" not in job.permissions
    assert "environment" not in job.body


@pytest.mark.parametrize("job", [job for job in jobs() if job.workflow == "pull-request"], ids=by_id)
def test_a_fork_gets_no_login(job):
    own = "github.event.pull_request.head.repo.full_name == github.repository"
    if job.name == "verify":  # a required check: it runs, and goes by the local platform, where nobody logs in
        assert own in job.body["env"]["MLOPS_PLATFORM"]
    elif "id-token" in job.permissions or "write" in job.permissions.values():
        assert own in job.body["if"]


@pytest.mark.parametrize("job", jobs(), ids=by_id)
def test_what_writes_to_github_holds_no_login_of_azure(job):
    if "uses" in job.body:
        return  # a caller hands on what the called workflow's jobs ask for, one by one
    writes = {name for name, right in job.permissions.items() if right == "write"} - {"id-token"}
    assert not (writes and "id-token" in job.permissions)


def test_deployments_wait_for_each_other_and_none_is_cancelled():
    groups = {}
    for file in FILES:
        document = read(file)
        held = [document.get("concurrency"), *(job.get("concurrency") for job in document["jobs"].values())]
        for one in filter(None, held):
            groups[one["group"]] = one["cancel-in-progress"]
    assert [group for group, cancels in groups.items() if cancels] == ["ci-${{ github.ref }}"]
    assert {"deploy-dev-${{ inputs.problem }}", "deploy-prod-${{ inputs.problem }}"} <= set(groups)


def test_a_rollback_waits_in_no_queue_that_an_approval_may_hold():
    """A job that waits for its approval holds its group for days, and the next one cancels what waits behind it."""
    group = read(REPOSITORY / ".github" / "workflows" / "rollback.yml")["concurrency"]["group"]
    others = [read(file).get("concurrency", {}) for file in FILES if file.stem != "rollback"]
    others += [job.body.get("concurrency", {}) for job in jobs()]
    assert group not in [one.get("group") for one in others]


def test_what_is_called_more_than_once_in_a_run_takes_nobodys_place():
    """GitHub cancels the older of two that wait in one group, also within a run."""
    for job in jobs():
        called = str(job.body.get("uses", "")).removeprefix("./")
        group = read(REPOSITORY / called).get("concurrency", {}).get("group", "") if called else ""
        if "strategy" in job.body and group:
            assert "inputs.problem" in group
    runners = [str(job.body["with"]["for"]) for job in jobs() if job.body.get("uses") == RUNNER]
    assert "inputs.for" in read(REPOSITORY / RUNNER)["concurrency"]["group"]
    assert len(set(runners)) == len(runners)
    assert all(
        "inputs." in job.body["with"]["for"] for job in jobs() if "runner" in job.name and job.workflow == "prod"
    )


@pytest.mark.parametrize("job", jobs(), ids=by_id)
def test_what_a_job_keeps_may_be_kept_again_by_a_rerun(job):
    for step in job.steps:
        if str(step.get("uses", "")).startswith("actions/upload-artifact@"):
            assert step["with"]["overwrite"] is True


@pytest.mark.parametrize("job", [job for job in jobs() if "PROD_RUNNER" in str(job.body.get("runs-on"))], ids=by_id)
def test_every_job_inside_prods_network_has_a_runner_started_for_it_alone(job):
    """A runner of ours is there for one job: whoever forgets to start one waits for a day, and fails."""
    siblings = {other.name: other for other in jobs() if other.workflow == job.workflow}
    started = [name for name in job.needs if siblings[name].body.get("uses") == RUNNER]
    assert len(started) == 1, job.needs
    (name,) = started
    assert [other.name for other in siblings.values() if name in other.needs] == [job.name]
    wants = siblings[name].body.get("with", {}).get("wanted", True)
    assert wants is True or "inputs.stack == 'prod'" in wants
    assert siblings[name].body.get("if") == job.body.get("if") or job.workflow == "rollback"


def test_no_release_reads_from_a_cache():
    for file in [*FILES, *ACTIONS]:
        assert "cache" not in file.read_text().replace("no cache", ""), file


@pytest.mark.parametrize("job", jobs(), ids=by_id)
def test_every_output_that_is_read_is_written(job):
    """A name that is misspelt is empty, and an empty condition skips a job without a word."""
    from deploy.gitops.step import OUTPUTS

    known = {key for keys in OUTPUTS.values() for key in keys} | {"outcome"}
    for step, name in re.findall(r"steps\.([\w-]+)\.outputs\.([\w-]+)", str(job.body)):
        (line,) = [str(one.get("run")) for one in job.steps if one.get("id") == step]
        verb = line.split()[1]
        assert name in (*OUTPUTS.get(verb, ()), "outcome"), (step, name)
        assert "--ci" in line
    siblings = {other.name: other.body for other in jobs() if other.workflow == job.workflow}
    for other, name in re.findall(r"needs\.([\w-]+)\.outputs\.([\w-]+)", str(job.body)):
        assert other in job.needs
        assert name in siblings[other]["outputs"]
        assert name in known


def test_the_table_of_the_page_is_what_the_workflows_say():
    line = re.compile(r"^\| `([\w-]+)` \| `([\w-]+)` \| ([^|]*) \| ([^|]*) \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)
    shown = line.findall(PAGE.read_text())
    told = {f"{workflow}/{job}": tuple(cell.strip() for cell in cells) for workflow, job, *cells in shown}
    assert told == {job.id: (_after(job), _environment(job), _identity(job), _rights(job)) for job in jobs()}


def test_the_checks_that_main_wants_are_jobs_that_every_pull_request_runs():
    """A name that is misspelt is waited for without end, and so is a job that is skipped."""
    (listed,) = re.findall(r"^CHECKS = \((.*)\)$", (REPOSITORY / "infra/stacks/shared.py").read_text(), re.MULTILINE)
    names = {job.body["name"]: job for job in jobs() if job.workflow == "pull-request"}
    for check in re.findall(r'"([^"]+)"', listed):
        assert names[check].body.get("if", "${{ !cancelled() }}") == "${{ !cancelled() }}"
    assert "verify" in listed  # the evidence of a promotion against its hash


def _after(job):
    return ", ".join(f"`{one}`" for one in job.needs) or "–"


def _environment(job):
    if "uses" in job.body:
        return f"as `{job.body['uses'].rsplit('/', 1)[-1].removesuffix('.yml')}`"
    environment = str(job.body.get("environment", ""))
    return "its stack's" if "inputs.stack" in environment else f"`{environment}`" if environment else "–"


def _identity(job):
    """By whose name it logs in to Azure, from the variable that holds the client id."""
    given = [str(s["with"]["client-id"]) for s in job.steps if "client-id" in s.get("with", {})]
    if not given:
        return "–"
    text = given[0] if "env." not in given[0] else str(job.body["env"]["ARM_CLIENT_ID"])
    names = [name.lower().replace("_", "-") for name in re.findall(r"AZURE_CLIENT_ID_(\w+)", text)]
    place = str(job.body.get("environment", ""))
    place = "…" if "inputs.stack" in place else place
    return ", ".join(f"`{name}-{place}`" if name in ("ml", "infrastructure") else f"`{name}`" for name in sorted(names))


def _rights(job):
    return ", ".join(f"{name}: {right}" for name, right in job.permissions.items())
