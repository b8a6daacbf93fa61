"""What `--explain` prints, held against what the Azure CLI takes."""

import itertools
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.arguments import VERBS, make_parser
from deploy.cli import call
from deploy.pin import Pins
from deploy.platforms.azure.explain.explain import commands, explain, table
from deploy.platforms.local.home import REPOSITORY
from deploy.release.state import ModelRef
from ml.strict_yaml import load_document
from tests.deploy.assets.test_loading import LOADERS
from tests.deploy.assets.test_loading import kind as kind_of
from tests.stand_in.service import StandIn

COMMANDS = load_document(Path(__file__).with_name("az_commands.yaml"))
EVERYWHERE = {"--subscription", "--output", "--query", "--debug", "--verbose", "--only-show-errors"}
PROBLEM = "breast-cancer"
# Every verb as a person types it, the options that change what is done included.
TYPED = [
    "run", "new churn --data churn.csv --target left", "data push", "data pull", "train", "train --no-wait",
    "train --resume run-1", "gate", "promote --stack dev", "promote --stack prod", "plan", "release --stack dev",
    "release --stack prod", "rollback", "status", "score --data rows.json", "score --data r.json --deployment one",
    "batch --data rows.csv --out scored.csv", "batch --data rows.csv --out scored.csv --pipeline", "monitor", "logs",
    "schedule --stack dev", "schedule --stack prod", "schedule --remove", "components", "down", "doctor", "cost",
    "drift --stack shared", "changes", "preview --stack dev", "up --stack dev --plan plan.json", "propose",
    "verify --since main", "compare", "comment --parts parts", "issue --parts parts", "expiry",
    "report --out report.html",
]  # fmt: skip
every = pytest.mark.parametrize("typed", TYPED)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where outputs may lie; nothing that could be asked is on the PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("MLOPS_STACK_OUTPUTS", raising=False)
    return tmp_path


@pytest.fixture
def up(folder):
    """The outputs of a dev and a prod that are up; prod serves from AKS where a test says so."""
    outputs = StandIn.outputs
    for stack in ("dev", "prod"):
        (folder / f"{stack}.outputs.json").write_text(json.dumps(outputs(None, stack)))
    return folder


def on_kubernetes(folder, stack):
    names = {"kubernetesCompute": "aks", "kubernetesCluster": f"aks-{stack}", "instanceTypes": ["serving"]}
    (folder / f"{stack}.outputs.json").write_text(json.dumps(StandIn.outputs(None, stack, **names)))


def explained(typed, folder, pins=None):
    words = typed.split()
    takes_problem = words[0] in ("run", "data", "train", "gate", "promote", "plan", "release", "rollback", "score",
                                 "batch", "monitor", "logs", "schedule", "propose", "compare", "report")  # fmt: skip
    platform = [] if words[0] == "new" else ["--platform", "azure"]
    place = 2 if words[0] == "data" else 1
    words = [*words[:place], *([PROBLEM] if takes_problem else []), *words[place:], *platform, "--explain"]
    return explain(make_parser().parse_args(words), folder, pins or Pins(folder / "pins"))


def faults_of(command):
    """What the CLI would not take of a command."""
    words = shlex.split(command)
    flags = [word for word in words if word.startswith("-") and word != "-"]
    name = " ".join(words[: next((place for place, word in enumerate(words) if word in flags), len(words))])
    if name not in COMMANDS:
        return [f"there is no command `{name}`"]
    required, options = ([one.split("|") for one in COMMANDS[name][kind]] for kind in ("required", "options"))
    known = {flag for one in (*required, *options) for flag in one} | EVERYWHERE
    unknown = [f"`{name}` has no {flag}" for flag in flags if flag not in known]
    return unknown + [f"`{name}` wants {one[0]}" for one in required if not set(one) & set(flags)]


def test_every_verb_is_explained():
    assert {key.split()[0] for key in table()} == set(VERBS)
    assert {typed.split()[0] for typed in TYPED} == set(VERBS)


def test_every_entry_of_the_table_is_tried(up):
    """Each as a key that some command line chooses, on managed endpoints and on AKS."""
    from deploy.platforms.azure.explain import explain as module

    tried = set()
    for kind in ("managed", "kubernetes"):
        if kind == "kubernetes":
            on_kubernetes(up, "prod")
        for typed in TYPED:
            words = make_parser().parse_args([*typed.split(), "--explain"])
            stack = getattr(words, "stack", None) or "dev"
            tried.add(module._key(words, stack, kind))
    assert tried == set(table())


@every
@pytest.mark.parametrize("kind", ["managed", "kubernetes"])
def test_every_command_is_one_that_the_cli_takes(up, typed, kind):
    if kind == "kubernetes":
        on_kubernetes(up, "prod")
    lines = explained(typed, up)
    assert lines
    for command in commands(lines):
        assert faults_of(command) == [], command
    assert not re.search(r"\{\w+\}", "\n".join(lines))


@every
def test_without_a_stack_the_names_are_placeholders(folder, typed):
    for command in commands(explained(typed, folder)):
        assert faults_of(command) == [], command


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ("az ml job create --file a --resource-group g --workspace-name w --wait", "has no --wait"),
        ("az ml job stream --resource-group g --workspace-name w", "wants --name"),
        ("az ml job begin --name a", "there is no command `az ml job begin`"),
        ("az ml jobs show --name a", "there is no command `az ml jobs show`"),
    ],
)
def test_a_wrong_command_is_noticed(wrong, fault):
    assert any(fault in one for one in faults_of(wrong))


def test_a_wrong_option_in_the_table_would_fail(up, monkeypatch):
    text = {key: lines.replace("--endpoint-name", "--endpoint") for key, lines in table().items()}
    monkeypatch.setattr("deploy.platforms.azure.explain.explain.table", lambda: text)
    assert any(faults_of(command) for command in commands(explained("logs", up)))


@every
def test_every_file_that_is_named_is_there(up, typed):
    for command in commands(explained(typed, up)):
        for path in re.findall(r"(?:=|\s)((?:deploy|environments|ml|infra)/[\w./-]+)", command):
            assert (REPOSITORY / path).exists(), path


def test_the_names_are_those_of_the_stack(up):
    Pins(up / "pins").write("prod", PROBLEM, ModelRef(PROBLEM, "7", "a" * 64))
    told = "\n".join(explained("release --stack prod", up))
    assert "--resource-group rg-prod --workspace-name mlw-prod" in told
    assert f"registries/mlr-shared/models/{PROBLEM}/versions/7-{'a' * 12}" in told
    assert '--traffic "<old>=90 <new>=10"' in told
    assert "mirror" in told
    on_kubernetes(up, "prod")
    told = "\n".join(explained("release --stack prod", up))
    assert f"model=azureml:{PROBLEM}:7" in told
    assert "compute=azureml:aks" in told
    assert "mirror" not in told


def test_what_a_run_sets_is_what_the_job_is_begun_with(up):
    from deploy.platforms.azure.outputs import read_outputs
    from deploy.platforms.azure.training import overrides
    from deploy.platforms.protocol import Asset, TrainingInputs
    from ml.problem import find, load_problem

    file = find(PROBLEM)
    begun = overrides(TrainingInputs(load_problem(file), file), Asset(PROBLEM, "1", "", ""), read_outputs("dev", up))
    (command,) = (one for one in commands(explained("train", up)) if one.startswith("az ml job create"))
    words = shlex.split(command)
    assert {word.partition("=")[0] for word in words[words.index("--set") + 1 :] if "=" in word} == set(begun)


def test_nothing_is_run_and_no_sdk_is_imported(tmp_path):
    """In a process of its own, for which no other program is there."""
    words = ["release", "--platform", "azure", "--explain"]
    script = "import sys\nfrom deploy.cli import call\ncode = call(sys.argv[1:])\n"
    script += (
        "assert not [m for m in sys.modules if m == 'azure' or m.startswith(('azure.ai', 'mlflow'))]\nsys.exit(code)"
    )
    environment = {**os.environ, "PATH": str(tmp_path), "MLOPS_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert "az account set --subscription <subscription-id>" in done.stdout
    assert not list(tmp_path.iterdir())


def test_on_this_machine_one_line_says_what_it_is_for(capsys, home):
    assert call(["release", "--explain"]) == 0
    assert capsys.readouterr().out == "--explain shows commands of Azure's own CLI: add --platform azure\n"


def test_with_json_the_commands_stand_one_by_one(capsys, up, monkeypatch):
    monkeypatch.setenv("MLOPS_HOME", str(up / "home"))
    assert call(["logs", PROBLEM, "--platform", "azure", "--explain", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["verb"] == "logs"
    assert [shlex.split(command)[:4] for command in told["commands"][1:]] == [
        ["az", "ml", "online-deployment", "list"], ["az", "ml", "online-deployment", "get-logs"],
    ]  # fmt: skip


def test_a_problem_that_is_none_is_told(capsys, folder):
    assert call(["train", "nobody", "--platform", "azure", "--explain"]) == 2
    assert "nobody" in capsys.readouterr().err


def settings_of(command):
    """The file that a command names, and its `--set` as the CLI hands it to the SDK's loader."""
    words = shlex.split(command)
    file = words[words.index("--file") + 1] if "--file" in words else None
    if file is None or "--set" not in words:
        return None, []
    given = itertools.takewhile(lambda word: not word.startswith("--"), words[words.index("--set") + 1 :])
    return REPOSITORY / file, [{key: value} for key, _, value in (word.partition("=") for word in given)]


@pytest.mark.parametrize("kind", ["managed", "kubernetes"])
def test_what_is_set_is_something_that_the_file_has(up, kind):
    """By the SDK's own loaders, which the CLI calls: they refuse a place that the asset's schema does not have."""
    if kind == "kubernetes":
        on_kubernetes(up, "prod")
    seen = {
        settings_of(one)[0]: one for typed in TYPED for one in commands(explained(typed, up)) if settings_of(one)[0]
    }
    assert len(seen) >= 8
    for file, command in seen.items():
        LOADERS[kind_of(file)](file, params_override=settings_of(command)[1])


def test_a_place_that_an_asset_does_not_have_is_noticed():
    file = REPOSITORY / "deploy/assets/schedules/training.yml"
    with pytest.raises(Exception, match="colour"):
        LOADERS["schedule"](file, params_override=[{"colour": "red"}])
