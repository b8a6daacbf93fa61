"""What may come between a merge and prod: another merge, a death, a hand, a rollback, a change of the ground."""

PROPOSAL, BACK = "promote/breast-cancer", "rollback/breast-cancer"
NASTY = 'x\'; touch "$STORY/owned"; $(touch $STORY/owned) `touch $STORY/owned` ${{ github.token }} <b>|a</b>\n- [a](b)'
PHASES = (
    "create deployment", "smoke-test", "mirror v", "(mirror)", "end mirroring", " 10 %", "(step)", "100 %", "(bake)",
    "record last good", "delete deployment",
)  # fmt: skip


def test_of_two_merges_within_a_minute_dev_and_the_proposal_keep_the_newer_one(in_prod):
    """The slower run of the older commit must not take dev back."""
    (in_prod.folder / "guarded" / "dev").touch()  # lets this test say which goes first
    older = in_prod.begin(commit=in_prod.learns("{C: 0.45}", "Learn with C = 0.45"))
    newer = in_prod.begin(commit=in_prod.learns("{C: 0.4}", "Learn with C = 0.4"))
    for running in (older, newer):
        running.answer(running.until_asked(), "yes")  # both train, side by side
    waits = older.until_asked()
    assert waits.endswith("dev-release")
    run = newer.finish()
    assert run.green, run.words
    served = in_prod.served("dev")
    older.answer(waits, "yes")
    run = older.finish()
    assert run.green, run.words
    (in_prod.folder / "guarded" / "dev").unlink()
    assert "later commit" in run.summary("dev/dev/release to dev")
    assert "dev/dev/propose for prod" not in run.jobs
    assert in_prod.served("dev") == served == in_prod.pin("dev", PROPOSAL)["digest"]
    assert len(in_prod.requests()) == 1


def test_a_plan_gone_stale_is_refused_and_a_new_one_asks_anew(in_prod):
    """Also: a squash merge, whose commit no branch has ever seen, is what the plan is bound to."""
    before = in_prod.served("prod")
    merged = in_prod.merge(PROPOSAL)
    running = in_prod.begin()
    asked = running.until_asked()
    assert merged[:12] in running.summaries()["prod/prod/plan"]
    in_prod.mlops("down", "--stack", "prod")  # somebody's hand
    running.answer(asked, "yes")
    run = running.finish()
    assert not run.green
    assert "does not hold any more" in run.summary("prod/prod/release to prod")
    running = in_prod.begin()  # the person runs the workflow anew
    running.answer(running.until_asked(), "no")
    assert not running.finish().green
    assert in_prod.pin("prod")["digest"] != before


def test_a_job_that_died_half_way_in_every_phase_of_prod_is_run_again(in_prod):
    """The page's `Re-run failed jobs`: the plan that was approved, and only the rest of it, after an approval anew."""
    in_prod.learns("{C: 0.3}", "Learn with C = 0.3")
    assert in_prod.run(approve="no").jobs["dev/dev/propose for prod"] == "success"
    in_prod.merge(PROPOSAL)
    run = in_prod.run(dies_after=PHASES[0])
    for died, phase in zip(PHASES, (*PHASES[1:], ""), strict=True):
        assert not run.green, died
        assert f"{died}" in run.words, run.words
        running = run.running.again(run.kept, dies_after=phase)
        assert running.until_asked().endswith("-prod-prod-release")  # every attempt asks anew
        run = running.finish()
    assert run.green, run.words
    assert in_prod.served("prod") == in_prod.pin("prod")["digest"]
    (endpoint,) = in_prod.mlops("status", "--stack", "prod")["endpoints"]
    assert len(endpoint["deployments"]) == 1


def test_a_job_that_died_half_way_in_every_phase_of_dev_is_run_again(in_prod):
    in_prod.learns("{C: 0.35}", "Learn with C = 0.35")
    running = in_prod.begin()
    for verb in ("train", "gate", "promote", "release", "propose", "propose"):
        run = running.die(verb)
        assert not run.green, (verb, run.words)
        running = running.again(run.kept)
    run = running.finish()
    assert run.green, run.words
    assert in_prod.request(PROPOSAL)["title"].startswith("Promote breast-cancer")
    assert in_prod.pin("prod", PROPOSAL)["digest"] == in_prod.served("dev")


def test_a_rollback_goes_back_once_however_often_it_runs_and_the_next_release_follows(in_prod):
    now = in_prod.served("prod")
    inputs = {"problem": "breast-cancer", "version": "", "reason": NASTY}
    running = in_prod.begin("rollback.yml", "workflow_dispatch", inputs=inputs)
    asked = running.until_asked()
    assert asked.endswith("-rollback-rollback-rollback")
    assert "Rollback plan: breast-cancer in prod" in running.summaries()["rollback/plan"]
    running.answer(asked, "yes")
    running.until_said("record last good")
    run = running.die("rollback")
    assert not run.green
    run = run.rerun()
    assert run.green, run.words
    back = in_prod.served("prod")
    assert back != now
    assert in_prod.pin("prod", BACK)["digest"] == back
    run = run.running.again({k: v for k, v in run.kept.items() if k[1] not in ("rollback", "set-back")}).finish()
    assert run.green, run.words
    assert in_prod.served("prod") == back  # said again, it goes no further
    assert not (in_prod.folder / "owned").exists()
    assert "<b>" not in in_prod.request(BACK)["body"]
    in_prod.merge(BACK)
    run = in_prod.run()
    assert run.green, run.words
    assert "prod/prod/release to prod" not in run.jobs  # the pin says what prod serves: there is nothing to release
    in_prod.learns("{C: 0.2}", "Learn with C = 0.2")
    assert in_prod.run().green
    in_prod.merge(PROPOSAL)
    run = in_prod.run()
    assert run.green, run.words
    assert in_prod.served("prod") == in_prod.pin("prod")["digest"] not in (now, back)


def test_a_problem_of_a_nasty_name_does_nothing(in_prod):
    entered = (in_prod.folder / "entered.txt").read_text()
    run = in_prod.run("rollback.yml", "workflow_dispatch", inputs={"problem": NASTY, "version": "", "reason": ""})
    assert not run.green
    assert "there is no problem" in run.words
    assert not (in_prod.folder / "owned").exists()
    assert " rollback " not in (in_prod.folder / "entered.txt").read_text().removeprefix(entered)
