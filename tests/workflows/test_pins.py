"""Actions are pinned by commit, and every pin is the one of the table that somebody looked at."""

import re

import pytest
from read_workflows import ACTIONS, FILES, USES

from deploy.gitops.expiry import read_actions

TABLE = {action.name: action for action in read_actions()}


@pytest.mark.parametrize("file", [*FILES, *ACTIONS], ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_action_is_pinned_to_the_commit_of_the_table(file):
    for uses, comment in USES.findall(file.read_text()):
        if uses.startswith("./"):
            continue
        name, _, commit = uses.partition("@")
        assert name in TABLE, f"{name} is not in .github/actions.yaml"
        assert (commit, comment) == (TABLE[name].commit, TABLE[name].tag)


def test_every_action_of_the_table_is_used():
    used = {uses.partition("@")[0] for file in [*FILES, *ACTIONS] for uses, _ in USES.findall(file.read_text())}
    assert set(TABLE) == {name for name in used if not name.startswith("./")}


def test_no_line_that_uses_an_action_escapes_the_test():
    for file in [*FILES, *ACTIONS]:
        text = file.read_text()
        assert len(USES.findall(text)) == len(re.findall(r"\buses:", text)), file
