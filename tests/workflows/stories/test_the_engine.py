"""The infrastructure's jobs with Pulumi's own engine and the real program: what is protected, and a person's word."""

import pytest
from engine_here import Engine, lacking

pytestmark = pytest.mark.skipif(bool(lacking()), reason=lacking())
VALUES = {"repository": "owner/name"}
PLACE = {**VALUES, "budget": "300", "alert": "models@example.com", "budgetStart": "2026-11-01", "aks": "off"}
STACKS = {
    "shared": {
        **VALUES,
        "location": "westeurope",
        "reviewers": '["1234567"]',
        "clientId": "aaaaaaaa-0000-0000-0000-0000000000cc",
    },
    "dev": PLACE,
    "prod": {**PLACE, "runnerApp": "123/456"},
}


@pytest.fixture(scope="module")
def stood(github):
    """Three stacks, applied by the engine."""
    engine = Engine(github)
    for stack, values in STACKS.items():
        engine.bring_up(stack, values)
    github.commit("Bring the stacks up")
    with github.github() as state:
        state["runs"].append(
            {"id": "up", "workflow": "main.yml", "sha": github.main(), "branch": "main", "conclusion": "success"}
        )
    return github, engine


def container(engine, stack):
    held = engine.resource(stack, "raw")
    return held["inputs"]["containerName"], held.get("protect", False)


def test_what_holds_data_in_prod_is_replaced_by_a_person_s_word_alone(stood):
    story, engine = stood
    story.change("infra/components/storage.py", "container_name=RAW", 'container_name="rows"', "Rename the container")
    run = story.run()
    assert not run.green
    (refused,) = [text for text in run.summaries.values() if "Infrastructure of prod" in text]
    assert "it holds data" in refused
    assert container(engine, "dev") == ("rows", False)  # dev keeps nothing that it could lose
    assert container(engine, "prod") == ("raw", True)

    urn = engine.resource("prod", "raw")["urn"]
    running = story.begin(event="workflow_dispatch", inputs={"approved": urn})
    asked = running.until_asked()
    assert asked.endswith("-prod-stack-up")
    (shown,) = [text for text in running.summaries().values() if "Infrastructure of prod" in text]
    assert "By a person's word" in shown
    assert container(engine, "prod") == ("raw", True)
    running.answer(asked, "yes")
    run = running.finish()
    assert run.green, run.words
    assert container(engine, "prod") == ("rows", True)  # protected again, by the same `up`
