"""What the documentation says, held against the code."""

import re
from pathlib import Path

import pytest

from deploy import exit_codes
from deploy.arguments import VERBS
from deploy.monitor.drift import Thresholds
from deploy.release.policy import Limits, Policy
from ml.metrics import METRICS
from ml.problem import Problem
from ml.strict_yaml import Strict

REPOSITORY = Path(__file__).parents[1]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md")), *REPOSITORY.glob("bench/**/*.md")]


def rows(page: str, heading: str) -> list[list[str]]:
    """The body rows of the first table below a heading of a page."""
    text = (REPOSITORY / page).read_text(encoding="utf-8")
    below = text[text.index(heading) :]
    table = re.search(r"(^\|.*\n)+", below, re.MULTILINE)
    assert table
    return [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table[0].splitlines()[2:]]


def settings(model: type[Strict], place: str = "") -> set[str]:
    """Every key of a strict model, nested ones with dots."""
    keys = set()
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, Strict):
            keys |= settings(inner, f"{place}{name}.")
        else:
            keys.add(f"{place}{name}")
    return keys


def test_every_verb_is_described_with_the_words_of_its_help():
    described = {verb.strip("`"): text for verb, text in rows("docs/commands.md", "# The command")}
    assert described == VERBS


def test_every_exit_code_is_listed():
    listed = {int(code) for code, _ in rows("docs/commands.md", "## Exit codes")}
    assert listed == {value for name, value in vars(exit_codes).items() if name.isupper()}


def test_every_key_of_a_problem_is_described():
    assert {key.strip("`") for key, _ in rows("docs/problems.md", "# Problem files")} == settings(Problem)


def test_every_key_of_a_rollout_policy_is_described():
    described = rows("docs/release.md", "## The rollout policy")
    assert {key.strip("`") for key, _ in described} == set(Policy.model_fields)
    limits = next(text for key, text in described if key == "`limits`")
    assert set(re.findall(r"`(\w+)`", limits)) == set(Limits.model_fields)


def test_every_metric_is_named():
    text = (REPOSITORY / "docs" / "problems.md").read_text()
    assert all(f"`{name}`" in text for name in METRICS)


def test_the_tree_in_the_readme_is_the_tree():
    text = (REPOSITORY / "README.md").read_text()
    tree = re.search(r"## Where things are\n\n```\n(.*?)```", text, re.DOTALL)
    assert tree
    parent = REPOSITORY
    for line in tree[1].splitlines():
        name = line.split()[0]
        parent = parent if line.startswith("  ") else REPOSITORY / name
        assert (parent / name if line.startswith("  ") else parent).is_dir(), name


def test_the_tree_leaves_no_folder_of_the_code_out():
    text = (REPOSITORY / "README.md").read_text()
    for top in ("ml", "deploy"):
        folders = {p.parent.name for p in (REPOSITORY / top).glob("*/*") if p.suffix in (".py", ".yaml", ".yml")}
        assert all(f"  {name}/" in text for name in folders - {"__pycache__"}), folders


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
        assert "://" in target or (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_is_shown_is_understood(page):
    from deploy.arguments import make_parser

    shown = re.findall(
        r"^(?:\.venv/bin/)?mlops ([^#\n|`]+?)\s*(?:#.*)?$", page.read_text(encoding="utf-8"), re.MULTILINE
    )
    for command in shown:
        make_parser().parse_args(command.replace("DIGEST", "0" * 64).split())  # what is looked at by its form


def test_the_readme_shows_the_targets_of_the_makefile():
    targets = set(re.findall(r"^([\w-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
    shown = set(re.findall(r"^make ([\w-]+)", (REPOSITORY / "README.md").read_text(), re.MULTILINE))
    assert shown
    assert shown <= targets


def test_the_thresholds_of_drift_are_those_of_the_code():
    described = {name.strip("`"): float(value) for name, value, _ in rows("docs/monitoring.md", "Drift is decided")}
    assert described == {name: getattr(Thresholds(), name) for name in described}
    assert set(described) == {"psi", "missing", "unseen", "out_of_range"}
