"""Azure DevOps' file: the same commands, approvals and order as GitHub's workflows."""

import re

from read_workflows import REPOSITORY, jobs, read

PIPELINE = REPOSITORY / "azure-pipelines.yml"


def command(line):
    """A line's verb and flags, whatever the names of its variables and files."""
    words = line.split()
    flags = [word for word in words if word.startswith("--") and word not in ("--ci", "--out", "--wait")]
    stack = words[words.index("--stack") + 1].strip('"') if "--stack" in words else ""
    return words[1], "its own" if stack.startswith("$") else stack, tuple(sorted(flags))


def nodes(value, key=None):
    """Every mapping in a document, with the key that it stands under."""
    if isinstance(value, dict):
        yield key, value
        for name, one in value.items():
            yield from nodes(one, name)
    elif isinstance(value, list):
        for one in value:
            yield from nodes(one, key)


def lines():
    scripts = (node["inlineScript"] for _, node in nodes(read(PIPELINE)) if "inlineScript" in node)
    return [line.strip().removeprefix(".venv/bin/") for script in scripts for line in script.splitlines()]


def test_the_same_commands_are_run():
    there = {command(line) for line in lines() if line.startswith("mlops ")}
    workflows = ("dev", "prod", "rollback", "stack")
    here = {command(line) for job in jobs() if job.workflow in workflows for line in job.lines if "mlops" in line[:5]}
    assert there == here


def test_the_same_commands_need_the_same_approvals():
    asked = {}
    for _, node in nodes(read(PIPELINE)):
        if "deployment" in node:
            verbs = {command(line)[0] for line in scripts_of(node) if line.startswith("mlops ")}
            asked[node["environment"]] = verbs
    assert asked["prod"] == {"release", "schedule", "propose"}
    assert asked["rollback"] == {"rollback", "propose"}
    assert asked["dev"] == {"train", "gate", "promote", "release", "schedule", "propose", "report"}
    assert asked["${{ stack }}"] == {"up"}


def scripts_of(node):
    return [
        line.strip().removeprefix(".venv/bin/")
        for _, one in nodes(node)
        for line in str(one.get("inlineScript", "")).splitlines()
    ]


def test_what_touches_prod_runs_inside_its_network():
    for _, node in nodes(read(PIPELINE)):
        if ("job" in node or "deployment" in node) and any("--stack prod" in line for line in scripts_of(node)):
            assert node["pool"] == "prod", node


def test_the_stages_come_in_their_order():
    text = PIPELINE.read_text()
    for before, after in (("up_shared", "preview_dev"), ("up_dev", "preview_prod")):
        assert re.search(rf"dependsOn: {before}\b", text), after
    stages = {str(node["stage"]): node for _, node in nodes(read(PIPELINE)) if "stage" in node}
    of = "_${{ replace(problem, '-', '_') }}"
    assert stages[f"dev{of}"]["dependsOn"] == "up_dev"
    assert stages[f"plan{of}"]["dependsOn"] == "up_prod"
    assert stages[f"prod{of}"]["dependsOn"] == f"plan{of}"
    assert stages["rollback"]["dependsOn"] == "plan_back"


def test_every_variable_that_a_condition_reads_is_an_output_of_a_named_step():
    from deploy.gitops.step import OUTPUTS

    text = PIPELINE.read_text()
    found = re.findall(r"(?:variables\['|\$\(|outputs\['(?:\w+\.)?)(\w+)\.(\w+)", text)
    read_of = {(step, name) for step, name in found if step not in ("System", "Pipeline")}
    assert read_of
    named = {node["name"]: node for _, node in nodes(read(PIPELINE)) if "task" in node and "name" in node}
    for step, name in read_of:
        verbs = [command(line)[0] for line in scripts_of(named[step]) if "--ci" in line]
        assert any(name in (*OUTPUTS.get(verb, ()), "outcome") for verb in verbs), (step, name)


def test_no_secret_is_kept_and_no_parameter_stands_in_a_shell():
    text = PIPELINE.read_text()
    assert not re.search(r"secret|password|variable ?group|- group:", text.replace("no secret", ""), re.IGNORECASE)
    for line in lines():
        assert "parameters." not in line
