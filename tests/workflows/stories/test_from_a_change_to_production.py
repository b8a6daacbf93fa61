"""A change merges, dev moves, a pull request proposes it, prod moves, a bad model is refused, the revert goes back."""

import json

PROBLEM = "ml/problems/breast-cancer.yaml"
ESTIMATOR = "  estimator: linear          # logistic regression"
PROPOSAL = "promote/breast-cancer"


def learns(github, parameters, message):
    """A person merges another learner."""
    github.git("reset", "-q", "--hard", "origin/main")
    text = (github.desk / PROBLEM).read_text()
    begin = text.index("  estimator: linear")
    end = text.index("\nsuccess:")
    (github.desk / PROBLEM).write_text(f"{text[:begin]}  estimator: linear\n  parameters: {parameters}\n{text[end:]}")
    return github.commit(message)


def test_a_change_merges_and_dev_moves_and_a_pull_request_proposes_it(github):
    learns(github, "{C: 0.5}", "Learn with C = 0.5")
    run = github.run()
    assert run.green, run.words
    assert list(run.jobs) == [
        "main/what is concerned", "dev/dev/train and gate", "dev/dev/release to dev", "dev/dev/propose for prod",
    ]  # fmt: skip
    assert github.served("dev")
    request = github.request(PROPOSAL)
    assert github.pin("prod", PROPOSAL) == github.pin("dev", PROPOSAL)
    assert github.pin("prod", PROPOSAL)["digest"] == github.served("dev")
    assert github.pin("prod") == {}
    assert "✅ PASS" in request["body"]
    assert github.served("dev") in request["body"]


def test_dev_is_in_sync_with_what_the_gate_let_through_before_the_merge(github):
    (endpoint,) = github.mlops("status", "--stack", "dev")["endpoints"]
    assert (endpoint["healthy"], endpoint["in_sync"]) == (True, True), endpoint["why"]


def test_prod_waits_for_an_approval_of_the_plan_that_it_shows(github):
    github.merge(PROPOSAL)
    running = github.begin()
    asked = running.until_asked()
    assert asked.endswith("-prod-prod-release")
    shown = running.summaries()["prod/prod/plan"]
    assert "create deployment v1-" in shown
    assert "smoke-test" in shown
    assert github.mlops("status", "--stack", "prod")["endpoints"][0]["url"] is None
    running.answer(asked, "yes")
    run = running.finish()
    assert run.green, run.words
    assert github.served("prod") == github.served("dev") == github.pin("prod")["digest"]
    assert "released" in run.summary("prod/prod/release to prod")
    assert "requests" in run.summary("prod/prod/release to prod")


def test_a_second_change_goes_the_same_way_step_by_step(github):
    first = github.served("prod")
    learns(github, "{C: 0.4}", "Learn with C = 0.4")
    assert github.run().green
    assert github.served("prod") == first
    assert github.served("dev") != first
    github.second = github.merge(PROPOSAL)
    run = github.run()
    assert run.green, run.words
    assert github.served("prod") == github.served("dev") != first
    summary = run.summary("prod/prod/release to prod")
    assert "10 %" in summary
    assert "mirror" in summary
    github.first = first


def test_a_bad_model_is_refused_and_the_job_is_green(github):
    good = github.served("prod")
    learns(github, "{C: 0.0000001}", "Learn nothing")
    run = github.run()
    assert run.green, run.words
    assert list(run.jobs) == ["main/what is concerned", "dev/dev/train and gate"]
    assert "❌ FAIL" in run.summary("dev/dev/train and gate")
    assert github.requests() == []
    assert github.served("dev") == github.served("prod") == good


def test_the_revert_of_the_promotion_rolls_back(github):
    github.revert(github.second, "Revert the promotion")
    run = github.run()
    assert run.green, run.words
    assert [job for job in run.jobs if "runner" not in job] == [
        "main/what is concerned", "prod/prod/plan", "prod/prod/release to prod",
    ]  # fmt: skip
    assert github.served("prod") == github.first == github.pin("prod")["digest"]


def test_what_was_taken_back_is_not_proposed_again_by_itself(github):
    learns(github, "{C: 0.4}", "Learn with C = 0.4 again")
    run = github.run()
    assert run.green, run.words
    assert github.requests() == []
    assert "took" in run.summary("dev/dev/release to dev")


def test_only_the_environments_that_want_it_were_asked_and_none_twice(github):
    entered = [line.split() for line in (github.folder / "entered.txt").read_text().splitlines()]
    releases = [tuple(words) for words in entered if words[1] == "prod"]
    assert len(releases) == len(set(releases)) == 3
    assert {words[1] for words in entered} == {"dev", "watch", "prod"}


def test_gh_was_only_called_by_jobs_that_have_its_token(github):
    calls = [json.loads(line) for line in (github.folder / "gh.txt").read_text().splitlines()]
    assert {" ".join(words[:2]) for words in calls if words[0] != "api"} == {"pr list", "pr create"}
