"""Text of others is shown, and means nothing: neither in Markdown, nor in a workflow's files, nor in a shell."""

import html
import json
import os
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.context import Done
from deploy.gitops.announced import marker
from deploy.gitops.comment import MARKER, comment_of
from deploy.gitops.kept import Kept
from deploy.gitops.markdown import code, fenced, table, text
from deploy.gitops.step import leave
from deploy.gitops.summary import summary_of

NASTY = ["$(id)", "`id`", "a; rm -rf /", "${{ secrets.X }}", "<!-- x -->", "</details>", "[a](http://b)", "![x](y)",
         "| a | b |", "\n# title", "\r\n::set-output name=x::y", "```", "key: [1", "'\"", "%0Aoutcome=done", "<<EOF",
         "@me", "#1", "##vso[task.setvariable variable=outcome]done", "https://evil.example", "&lt;b&gt;"]  # fmt: skip
anything = st.one_of(st.text(max_size=60), st.sampled_from(NASTY), st.lists(st.sampled_from(NASTY)).map(" ".join))


@given(anything)
def test_text_is_one_line_without_markup_and_reads_as_it_was(value):
    shown = text(value)
    assert "\n" not in shown
    assert not re.search(r"[<>`|*\[\]@!$]", shown)
    assert not re.search(r"(?<!&)#", shown)
    assert "://" not in shown
    plain = re.sub(r"[\x00-\x1f\x7f\u0085\u2028\u2029\u202a-\u202e\u2066-\u2069]+", " ", value)
    assert html.unescape(shown) == html.unescape(html.escape(plain, quote=False))


@given(st.lists(st.tuples(anything, anything), max_size=5))
def test_a_table_has_the_cells_that_it_was_given(rows):
    lines = table(("a", "b"), [(text(a), code(b)) for a, b in rows]).splitlines()
    assert len(lines) == len(rows) + 2
    assert all(line.count("|") == 3 for line in lines)


@given(anything)
def test_a_fence_ends_where_it_ends(block):
    lines = fenced(block).rstrip("\n").split("\n")
    fence = lines[-1]
    assert set(fence) == {"`"}
    assert not any(line.startswith(fence) for line in lines[1:-1])


@given(anything)
def test_an_output_is_one_output(tmp_path_factory, value):
    file = tmp_path_factory.mktemp("step") / "outputs"
    before = dict(os.environ)
    os.environ["GITHUB_OUTPUT"] = str(file)
    try:
        empty = {"reasons": [], "metrics": {}, "intervals": {}, "checks": []}
        leave("gate", Done(0, {"decision": value, "digest": value, **empty}))
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert read_outputs(file.read_bytes().decode()) == {"outcome": "done", "decision": value, "digest": value}


def read_outputs(written):
    """As GitHub's runner reads the file."""
    found, lines = {}, written.split("\n")
    while lines and lines[0]:
        name, _, delimiter = lines.pop(0).partition("<<")
        value = []
        while (line := lines.pop(0)) != delimiter:
            value.append(line)
        found[name] = "\n".join(value)
    return found


def a_plan(problem, reason):
    gone = {"good": [], "rejected": {}}
    return {
        "stack": "prod", "problem": problem, "commit": "c" * 40, "state": None, "actions": [{"action": "x"}],
        "writes": True, "announces": "a" * 64, "refused": reason, "sentences": [reason], "observed": {"tags": gone},
        "model": {"name": problem, "version": reason, "digest": "d" * 64},
    }  # fmt: skip


@given(anything, anything)
def test_a_comment_holds_our_marks_and_no_other(problem, reason):
    preview = {
        "stack": reason, "counts": {reason: 1}, "refused": [reason], "violations": [reason], "cost": None,
        "steps": [{"op": reason, "type": problem, "name": reason, "diff": [problem]}],
    }  # fmt: skip
    body = comment_of([Kept("preview", 3, preview), Kept("plan", 0, a_plan("delay", reason))], "h" * 40, None)
    comments = re.findall(r"<!--.*?-->", body, re.DOTALL)
    assert comments == [MARKER, marker(a_plan("delay", reason))]
    tags = set(re.findall(r"<(/?\w+)", re.sub(r"<!--.*?-->", "", body)))
    assert tags <= {"details", "/details", "summary", "/summary", "code", "/code", "sub", "/sub", "br"}
    assert body.count("<details>") == body.count("</details>")


@pytest.mark.parametrize("name", NASTY[:6])
def test_a_problem_of_such_a_name_is_refused_before_anything_is_done(name, tmp_path):
    line = f'{sys.executable} -m deploy plan "$PROBLEM" --json'
    done = subprocess.run(
        ["bash", "-ec", line], env={**os.environ, "PROBLEM": name, "MLOPS_HOME": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "there is no problem" in json.loads(done.stdout)["error"]["message"]
    assert list(tmp_path.iterdir()) == []


def compared(main):
    check = {"name": "floor", "decision": "PASS", "sentence": "well above"}
    sides = {"here": {"log_loss": 0.1, "auc": 0.9}, **({} if main is None else {"main": main})}
    verdict = {"decision": "PASS", "checks": [check]}
    return {"problem": "delay", "primary": "log_loss", "metrics": sides, "verdict": verdict}


def test_the_comment_says_at_a_glance_which_way_a_metric_went():
    body = comment_of([Kept("compare", 0, compared({"log_loss": 0.2, "auc": 0.95}))], "h" * 40, None)
    assert "log_loss 0.2 → **0.1**, −0.1 better" in body
    assert "| auc | 0.95 | 0.9 | −0.05 worse |" in body
    assert "the same" in comment_of([Kept("compare", 0, compared({"log_loss": 0.1}))], "h" * 40, None)
    assert "log_loss 0.1;" in comment_of([Kept("compare", 0, compared(None))], "h" * 40, None)


def test_the_comment_says_at_a_glance_how_a_release_goes():
    traffics = [{"new": 10, "old": 90}, {"new": 100}]
    actions = [{"action": "Smoke"}, *({"action": "SetTraffic", "traffic": one} for one in traffics)]
    good = {"good": [{"name": "delay", "version": "1", "digest": "d" * 64}], "rejected": {}}
    plan = {**a_plan("delay", None), "actions": actions, "sentences": ["a", "b", "c"], "observed": {"tags": good}}
    plan["model"]["version"] = "2"
    body = comment_of([Kept("plan", 0, plan)], "h" * 40, None)
    assert "version 1 → **2** in prod, 3 steps: 10, then 100 % of the traffic" in body


def test_a_stack_that_stays_as_it_is_takes_one_line():
    cost = {"currency": "USD", "before": {"idle": 1.0, "busy": 2.0}, "after": {"idle": 1.2, "busy": 2.0}, "unknown": []}
    preview = {"stack": "dev", "counts": {}, "refused": [], "violations": [], "cost": cost, "steps": []}
    body = comment_of([Kept("preview", 0, preview)], "h" * 40, None)
    assert "no changes; rules kept; costs the same" in body
    assert "###" not in body


def test_the_summary_of_a_comparison_is_what_the_comment_shows():
    """A fork's pull request gets no comment."""
    result = compared({"log_loss": 0.2, "auc": 0.95})
    shown = summary_of("compare", result, ())
    assert "Metrics of delay" in shown
    assert shown.strip() in comment_of([Kept("compare", 0, result)], "h" * 40, None)
