"""A pull request: one comment that is edited in place; a fork's gets what needs no login."""

import re

import pytest

PROPOSAL = "promote/breast-cancer"


def event(github, branch, commit, fork=False, body=""):
    """What GitHub says of a pull request."""
    head = {"sha": commit, "ref": branch, "repo": {"full_name": "somebody/name" if fork else "owner/name"}}
    return {
        "ref": "refs/pull/77/merge",
        "pull_request": {"number": 77, "body": body, "head": head, "base": {"sha": github.main(), "ref": "main"}},
    }


@pytest.fixture(scope="module")
def begun(in_prod):
    """A model is in prod, and a pull request proposes another learner."""
    github = in_prod
    github.leave_out_the_suite()
    github.git("switch", "-q", "-c", "another", "origin/main")
    text = (github.desk / "ml/problems/breast-cancer.yaml").read_text()
    (github.desk / "ml/problems/breast-cancer.yaml").write_text(text.replace("C: 0.5", "C: 0.3"))
    github.git("-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qam", "Learn with C = 0.3")
    github.git("push", "-q", "origin", "another")
    return github


def comments(github):
    with github.github() as state:
        return state["comments"]


def test_the_comment_shows_the_metrics_beside_those_of_main(begun):
    commit = begun.git("rev-parse", "another")
    run = begun.run("pull-request.yml", "pull_request", commit, **event(begun, "another", commit))
    assert run.green, run.words
    (comment,) = comments(begun)
    assert "Metrics of breast-cancer" in comment["body"]
    row = re.search(r"\| log_loss \| ([\d.]+) \| ([\d.]+) \| [+−][\d.e-]+ (?:better|worse) \|", comment["body"])
    assert row, comment["body"]
    assert float(row[1]) != float(row[2])
    assert commit[:12] in comment["body"]


def test_a_second_push_edits_the_same_comment(begun):
    begun.git("-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", "Again")
    begun.git("push", "-q", "origin", "another")
    commit = begun.git("rev-parse", "another")
    assert begun.run("pull-request.yml", "pull_request", commit, **event(begun, "another", commit)).green
    (comment,) = comments(begun)
    assert commit[:12] in comment["body"]


def test_a_fork_gets_its_metrics_in_the_summary_and_nothing_that_wants_a_login(begun):
    commit = begun.git("rev-parse", "another")
    before = comments(begun)
    run = begun.run("pull-request.yml", "pull_request", commit, **event(begun, "another", commit, fork=True))
    assert run.green, run.words
    ran = {job.removeprefix("pull request/") for job in run.jobs}
    assert ran == {"what is concerned", "tests", "infrastructure", "metrics of breast-cancer", "verify"}
    assert "Metrics of breast-cancer" in run.summary("pull request/metrics of breast-cancer")
    assert comments(begun) == before


def test_a_promotion_shows_its_plan_and_main_says_whether_it_is_still_that(begun):
    begun.learns("{C: 0.2}", "Learn with C = 0.2")
    assert begun.run().green
    request = begun.request(PROPOSAL)
    begun.git("fetch", "-q", "origin")
    commit = begun.git("rev-parse", f"origin/{PROPOSAL}")
    run = begun.run("pull-request.yml", "pull_request", commit, **event(begun, PROPOSAL, commit, body=request["body"]))
    assert run.green, run.words
    (comment,) = comments(begun)
    assert "Release plan: breast-cancer in prod" in comment["body"]
    assert "1 pin holds" in comment["body"]
    with begun.github() as state:
        for one in state["comments"]:
            one["request"] = request["number"]
    begun.merge(PROPOSAL)
    running = begun.begin()
    asked = running.until_asked()
    assert "another plan" not in running.summaries()["prod/prod/plan"]
    running.answer(asked, "no")
    assert not running.finish().green
    with begun.github() as state:
        for one in state["comments"]:
            one["body"] = re.sub(r"(plan prod breast-cancer sha256:)[0-9a-f]", r"\1", one["body"])
    running = begun.begin()
    asked = running.until_asked()
    assert "The pull request showed another plan" in running.summaries()["prod/prod/plan"]
    running.answer(asked, "yes")
    assert running.finish().green
    assert begun.served("prod") == begun.pin("prod")["digest"]


def test_evidence_of_another_hash_makes_the_check_red(begun):
    begun.learns("{C: 0.15}", "Learn with C = 0.15")
    assert begun.run().green
    request = begun.request(PROPOSAL)
    begun.git("fetch", "-q", "origin")
    commit = begun.git("rev-parse", f"origin/{PROPOSAL}")
    forged = re.sub(r"evidence sha256:[0-9a-f]{8}", "evidence sha256:00000000", request["body"])
    run = begun.run("pull-request.yml", "pull_request", commit, **event(begun, PROPOSAL, commit, body=forged))
    assert not run.green
    assert run.jobs["pull request/verify"] == "failure"
    assert "was registered with" in run.summary("pull request/verify")
