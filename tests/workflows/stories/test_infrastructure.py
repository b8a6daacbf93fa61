"""Infrastructure on its way to prod, the clock's workflows, and what happens where both kinds of change meet."""

import json

import pytest

PROPOSAL = "promote/breast-cancer"


@pytest.fixture(scope="module")
def stood(github):
    """Three stacks that stand as their files say."""
    typed = {"repository": "owner/name", "budget": "300", "alert": "models@example.com", "budgetStart": "2026-11-01"}
    more = {"shared": {"repository": "owner/name", "location": "westeurope"}}
    for stack in ("shared", "dev", "prod"):
        lines = "".join(f"  mlops:{key}: '{value}'\n" for key, value in more.get(stack, typed).items())
        (github.desk / f"Pulumi.{stack}.yaml").write_text(f"config:\n{lines}")
    github.commit("Name the stacks' values")
    github.stand()
    return github


def applied(story):
    return json.loads((story.folder / "stacks" / "prod.json").read_text())


def ups(story, run):
    lines = [line.split() for line in (story.folder / "pulumi.txt").read_text().splitlines()]
    return [stack for of, verb, stack in (line for line in lines if len(line) == 3) if (of, verb) == (run, "up")]


def changed(story, value, *stacks):
    story.git("fetch", "-q", "origin")
    story.git("switch", "-q", "-C", "main", "origin/main")
    for stack in stacks:
        file = story.desk / f"Pulumi.{stack}.yaml"
        head, _, tail = file.read_text().partition("mlops:budget: '")
        file.write_text(f"{head}mlops:budget: '{value}{tail[tail.index(chr(39)) :]}")


def test_an_infrastructure_only_merge_reaches_prod_without_training_or_release(stood):
    changed(stood, 400, "dev", "prod")
    stood.commit("Raise the budget")
    running = stood.begin()
    asked = running.until_asked()
    assert asked.endswith("-prod-stack-up")
    assert ups(stood, running.id) == ["dev"]
    (shown,) = [text for job, text in running.summaries().items() if "Infrastructure of prod" in text]
    assert "1 to update" in shown
    running.answer(asked, "yes")
    run = running.finish()
    assert run.green, run.words
    assert ups(stood, run.running.id) == ["dev", "prod"]
    assert not [job for job in run.jobs if "train" in job or "release" in job or "plan" in job]
    assert "'400'" in str(applied(stood))


def test_a_stack_that_has_changed_since_its_preview_is_not_applied(stood):
    changed(stood, 500, "prod")
    stood.commit("Raise prod's budget")
    running = stood.begin()
    asked = running.until_asked()
    held = applied(stood)
    urn = next(one for one in held if one.endswith("alert"))
    (stood.folder / "stacks" / "prod.json").write_text(json.dumps({**held, urn: {"value": "another"}}))
    running.answer(asked, "yes")
    run = running.finish()
    assert not run.green
    assert "has changed since the preview" in "".join(run.summaries.values())
    assert "'400'" in str(applied(stood))
    run = stood.run()  # previewed and asked anew
    assert run.green, run.words
    assert "'500'" in str(applied(stood))


def test_a_change_of_infrastructure_and_pin_does_the_infrastructure_first(stood):
    stood.learns("{C: 0.5}", "Learn with C = 0.5")
    run = stood.run()
    assert run.green, run.words
    assert ups(stood, run.running.id) == []
    stood.merge(PROPOSAL)
    changed(stood, 600, "prod")
    stood.commit("Raise prod's budget again")
    running = stood.begin()  # the merge before it was never delivered: both are
    asked = running.until_asked()
    assert asked.endswith("-prod-stack-up")
    assert "prod/prod/plan" not in running.summaries()
    running.answer(asked, "yes")
    asked = running.until_asked()
    assert asked.endswith("-prod-prod-release")
    assert "'600'" in str(applied(stood))
    running.answer(asked, "yes")
    run = running.finish()
    assert run.green, run.words
    assert stood.served("prod") == stood.pin("prod")["digest"]


def test_drift_is_one_issue_that_is_brought_up_to_date_and_nothing_is_applied(stood):
    assert stood.run("drift.yml", "schedule").green
    with stood.github() as state:
        assert state["issues"] == []
    held = applied(stood)
    urn = next(one for one in held if one.endswith("alert"))
    (stood.folder / "stacks" / "prod.json").write_text(json.dumps({**held, urn: {"value": "by hand"}}))
    for _ in range(2):
        run = stood.run("drift.yml", "schedule")
        assert run.green, run.words
    with stood.github() as state:
        (issue,) = state["issues"]
    assert issue["title"] == "prod is no longer what its stack says"
    assert "alert" in issue["body"]
    assert "by hand" in str(applied(stood))


def test_the_clock_watches_the_models_puts_dev_to_sleep_and_looks_at_what_ends(stood):
    run = stood.run("monitor.yml", "schedule")
    assert run.green, run.words
    assert "monitor/retrain" not in run.jobs
    for way, words in (("down", "--node-count 0"), ("up", "--enable-cluster-autoscaler")):
        run = stood.run("sleep.yml", "workflow_dispatch", inputs={"way": way})
        assert run.green, run.words
        assert words in (stood.folder / "az.txt").read_text()
    run = stood.run("expiry.yml", "schedule")
    assert run.green, run.words


def test_a_runner_inside_is_started_for_each_job_that_wants_one_and_by_hand(stood):
    stood.variables |= {"PROD_RUNNER_JOB": "run-mlops-prod", "PROD_GROUP": "rg-mlops-prod"}
    called = stood.folder / "az.txt"
    for workflow, event, inputs in (("runner.yml", "workflow_dispatch", {}), ("monitor.yml", "schedule", {})):
        called.write_text("")
        assert stood.run(workflow, event, inputs=inputs).green
        assert called.read_text().count("containerapp job start --name run-mlops-prod") == 1
