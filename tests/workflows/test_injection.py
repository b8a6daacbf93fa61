"""Names and words of others reach a command as one argument, whatever they are made of."""

import json
import os
import re
import stat
import subprocess

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from read_workflows import jobs

LINES = sorted({line for job in jobs() for line in job.lines if re.search(r"\$[A-Z]", line)})
VARIABLE = re.compile(r"\$([A-Z_]+)")
FIXED = {"FROM_MONITOR": "--from-monitor"}  # of a choice of ours, and meant to be no word at all where it is empty
SHELL = [
    "$(touch owned)", "`touch owned`", "'; touch owned; '", '"; touch owned; "', "a\nb", "&& touch owned", "*", "~",
    "${{ github.token }}", "$HOME", "\\", "- a: b", "# x", "::set-output name=x::y", "--stack", "-h", ">owned", "|", "",
]  # fmt: skip
words = st.one_of(st.sampled_from(SHELL), st.lists(st.sampled_from(SHELL)).map(" ".join), st.text(max_size=40)).map(
    lambda text: text.replace("\0", "").encode("utf-8", "ignore").decode()
)


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    """A folder in whose commands only write down what they were called with."""
    folder = tmp_path_factory.mktemp("commands")
    for name in ("mlops", "az", "sh", ".venv-infra/bin/python"):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text('#!/bin/bash\nprintf "%s\\0" "$#" "$@" >> "$CALLED"\n')
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return folder


@settings(max_examples=25)
@given(words)
@example("'; touch owned; '")
@example("$(touch owned)")
def test_a_word_of_somebody_else_is_one_argument_of_every_line(commands, word):
    called = commands / "called"
    called.write_bytes(b"")
    lines = [line for line in LINES if "GITHUB_PATH" not in line]
    values = {name: FIXED.get(name, word) for line in lines for name in VARIABLE.findall(line)}
    around = {**os.environ, **values, "PATH": f"{commands}:{os.environ['PATH']}", "CALLED": str(called)}
    shell = ["bash", "-eo", "pipefail", "-c", "\n".join(lines)]
    done = subprocess.run(shell, cwd=commands, env=around, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert not list(commands.rglob("owned"))
    told = called.read_bytes().decode().split("\0")[:-1]
    for line in lines:
        count = int(told.pop(0))
        assert [told.pop(0) for _ in range(count)] == _as_written(line, values), line
    assert told == []


def _as_written(line, values):
    """A line's words after its command, each with what is in its variables."""
    shown = [quoted or plain for quoted, plain in re.findall(r'"([^"]*)"|(\S+)', line)][1:]
    return [VARIABLE.sub(lambda found: values[found[1]], one) for one in shown]


def test_every_line_with_a_word_of_others_is_looked_at():
    assert len(LINES) > 20
    assert json.dumps(LINES).count("PROBLEM") > 10
