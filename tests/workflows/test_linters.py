"""What others wrote to find faults in workflows finds none."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from read_workflows import ACTIONS, FILES, GITHUB, REPOSITORY

BIN = Path(sys.executable).parent


def run(*words):
    return subprocess.run([str(word) for word in words], cwd=REPOSITORY, capture_output=True, text=True, check=False)


def test_zizmor_finds_nothing_as_an_auditor():
    done = run(BIN / "zizmor", "--offline", "--persona", "auditor", "--no-progress", GITHUB)
    assert done.returncode == 0, done.stdout


def test_zizmor_would_find_a_defect(tmp_path):
    bad = tmp_path / ".github" / "workflows" / "bad.yml"
    bad.parent.mkdir(parents=True)
    title = "${{ github.event.pull_request.title }}"
    bad.write_text(f"on: pull_request_target\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: echo {title}\n")
    done = run(BIN / "zizmor", "--offline", "--persona", "auditor", "--no-progress", bad)
    assert done.returncode != 0
    assert "template-injection" in done.stdout


@pytest.mark.parametrize(
    ("schema", "files", "more"),
    [
        ("vendor.github-workflows", FILES, ()),
        ("vendor.github-actions", ACTIONS, ()),
        ("vendor.dependabot", [GITHUB / "dependabot.yml"], ()),
        ("vendor.github-issue-forms", sorted((GITHUB / "ISSUE_TEMPLATE").glob("[!c]*.yml")), ()),
        (
            "vendor.azure-pipelines",
            [REPOSITORY / "azure-pipelines.yml"],
            ("--data-transform", "azure-pipelines", "--regex-variant", "python"),
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_file_is_of_its_schema(schema, files, more):
    assert files
    done = run(BIN / "check-jsonschema", "--builtin-schema", schema, *more, *files)
    assert done.returncode == 0, done.stdout


def test_actionlint_finds_nothing():
    actionlint = os.environ.get("MLOPS_ACTIONLINT") or shutil.which("actionlint")
    if not actionlint and os.environ.get("MLOPS_WORKFLOWS") != "run":
        pytest.skip("actionlint is not here: make test-workflows brings it, where `go` is")
    assert actionlint
    done = run(actionlint, "-shellcheck=", "-pyflakes=")
    assert done.returncode == 0, done.stdout
