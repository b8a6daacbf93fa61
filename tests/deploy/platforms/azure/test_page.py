"""The page `docs/azure.md`: its way, line by line, on a new Azure; its tables against the code."""

import re
import shlex
import shutil
from pathlib import Path

import pytest

from deploy.cli import call
from deploy.platforms.azure.schedules import KINDS
from deploy.platforms.local.home import REPOSITORY
from deploy.runs import save_run
from ml.sources.breast_cancer import FILE

PAGE = (REPOSITORY / "docs" / "azure.md").read_text(encoding="utf-8")
BLOCK = re.search(r"```bash\n(.*?)```", PAGE, re.DOTALL)[1]
LINES = [shlex.split(line, comments=True) for line in BLOCK.splitlines()]


@pytest.mark.exhaustive
def test_the_way_is_gone_as_it_is_printed(cloud, registered, tmp_path, monkeypatch, capsys):
    """But for what asks for a trained model's own answers, which test_loop.py goes through: one is registered here."""
    cloud.register("1")
    save_run(cloud.folder / "home" / "azure" / "runs", cloud.runs["1"])
    monkeypatch.chdir(tmp_path)
    shutil.copy(registered[0] / FILE, "rows.parquet")
    for words in LINES:
        if words[0] == "export":
            monkeypatch.setenv(*words[1].split("="))
        if words[0] != "mlops" or words[1] in ("train", "gate", "monitor"):
            continue
        if words[1] == "down":
            assert cloud.served("prod") == {"1": 100}
            assert {name for _, name in cloud.azure.schedules.known} == {
                f"breast-cancer-{kind}" for kinds in KINDS.values() for kind in kinds
            }
        code, told = call(words[1:]), capsys.readouterr()
        assert code == 0, (words, told.err)
        assert told.out.strip(), words
    observed = cloud.platform("dev").observe("breast-cancer")
    assert observed.exists
    assert not observed.deployments


def test_every_schedule_is_in_the_table():
    shown = re.findall(r"^\| (dev|prod) \| `([\w-]+)` \|", PAGE, re.MULTILINE)
    assert shown == [(stack, kind) for stack, kinds in KINDS.items() for kind in kinds]
    assert {kind for _, kind in shown} == {
        path.stem for path in Path(REPOSITORY / "deploy/assets/schedules").glob("*.yml")
    }


def test_every_part_of_the_stand_in_is_in_the_table():
    below = PAGE[PAGE.index("## What the service does that the stand-in does not") :].lower()
    parts = {path.stem for path in (REPOSITORY / "tests" / "stand_in").glob("*.py")} - {
        "server", "service", "pointing", "described", "processes", "assets",
    }  # fmt: skip
    words = {
        "blobs": "storage", "metrics": "azure monitor", "containers": "images, containers",
        "deployments": "endpoints, deployments", "scoring": "traffic, scoring",
    }  # fmt: skip
    assert all(f"| {words.get(part, part)}" in below for part in parts), parts
