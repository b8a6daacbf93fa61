"""The whole way, as one story: a change, dev, a proposal, an approval, prod, a refusal, and the way back."""

import json

PROPOSAL = "promote/breast-cancer"
TO_DEV = ["dev/dev/train and gate", "dev/dev/release to dev", "dev/dev/propose for prod"]


def test_a_change_merges_dev_moves_it_is_proposed_approved_prod_moves_a_bad_one_is_refused_and_a_revert_rolls_back(
    github,
):
    first = a_change_merges_dev_moves_and_a_pull_request_proposes_it(github)
    it_is_merged_and_prod_moves_once_the_plan_that_is_shown_is_approved(github, first)
    promotion, second = a_second_change_goes_the_same_way_step_by_step(github, first)
    a_bad_model_is_refused_green_and_nothing_moves(github, second)
    the_revert_of_the_promotion_rolls_back_after_a_plan_and_an_approval(github, promotion, first)
    what_was_taken_back_is_not_proposed_again_by_itself(github)
    only_the_environments_that_want_it_were_asked_and_none_twice(github)


def a_change_merges_dev_moves_and_a_pull_request_proposes_it(github):
    github.learns("{C: 0.5}", "Learn with C = 0.5")
    run = github.run()
    assert run.green, run.words
    assert list(run.jobs) == ["main/what is concerned", *TO_DEV]
    assert github.pin("prod", PROPOSAL) == github.pin("dev", PROPOSAL)
    first = github.served("dev")
    assert github.pin("prod", PROPOSAL)["digest"] == first
    assert github.pin("prod") == {}
    body = github.request(PROPOSAL)["body"]
    assert "✅ PASS" in body
    assert first in body
    (dev,) = github.mlops("status", "--stack", "dev")["endpoints"]
    assert (dev["healthy"], dev["in_sync"]) == (True, True), dev["why"]  # before the merge, by the gate's word
    return first


def it_is_merged_and_prod_moves_once_the_plan_that_is_shown_is_approved(github, first):
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
    assert github.served("prod") == github.pin("prod")["digest"] == first
    assert "released" in run.summary("prod/prod/release to prod")


def a_second_change_goes_the_same_way_step_by_step(github, first):
    github.learns("{C: 0.4}", "Learn with C = 0.4")
    assert github.run().green
    assert github.served("prod") == first
    second = github.served("dev")
    assert second != first
    promotion = github.merge(PROPOSAL)
    run = github.run()
    assert run.green, run.words
    assert github.served("prod") == second
    summary = run.summary("prod/prod/release to prod")
    assert all(words in summary for words in ("mirror", "10 %", "requests")), summary
    return promotion, second


def a_bad_model_is_refused_green_and_nothing_moves(github, second):
    github.learns("{C: 0.0000001}", "Learn nothing")
    run = github.run()
    assert run.green, run.words
    assert list(run.jobs) == ["main/what is concerned", "dev/dev/train and gate"]
    assert "❌ FAIL" in run.summary("dev/dev/train and gate")
    assert github.requests() == []
    assert github.served("dev") == github.served("prod") == second


def the_revert_of_the_promotion_rolls_back_after_a_plan_and_an_approval(github, promotion, first):
    github.revert(promotion, "Revert the promotion")
    run = github.run()
    assert run.green, run.words
    assert [job for job in run.jobs if "runner" not in job] == [
        "main/what is concerned", "prod/prod/plan", "prod/prod/release to prod",
    ]  # fmt: skip
    assert github.served("prod") == github.pin("prod")["digest"] == first


def what_was_taken_back_is_not_proposed_again_by_itself(github):
    github.learns("{C: 0.4}", "Learn with C = 0.4 again")
    run = github.run()
    assert run.green, run.words
    assert github.requests() == []
    assert "took" in run.summary("dev/dev/release to dev")


def only_the_environments_that_want_it_were_asked_and_none_twice(github):
    """`gh` was only called to list and to create."""
    entered = [line.split() for line in (github.folder / "entered.txt").read_text().splitlines()]
    releases = [tuple(words) for words in entered if words[1] == "prod"]
    assert len(releases) == len(set(releases)) == 3
    assert {words[1] for words in entered} == {"dev", "watch", "prod"}
    calls = [json.loads(line) for line in (github.folder / "gh.txt").read_text().splitlines()]
    assert {" ".join(words[:2]) for words in calls if words[0] != "api"} == {"pr list", "pr create"}
