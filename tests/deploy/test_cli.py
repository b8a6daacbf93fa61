import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deploy.arguments import VERBS
from deploy.cli import call
from deploy.context import Done
from ml.problem import PROBLEMS

VERB_FILES = Path(__file__).parents[2] / "deploy" / "verbs"
HEAVY = {"numpy", "pandas", "pyarrow", "lightgbm", "sklearn", "mlflow", "aiohttp", "jinja2", "azure", "pydantic"}


def imported_by(*words: str, home: Path) -> set[str]:
    """What of the heavy packages a command has imported when it ends."""
    script = f"import sys\nfrom deploy.cli import call\ntry:\n    call({list(words)!r})\nexcept SystemExit: pass\n"
    script += f"print(sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)"
    environment = {**os.environ, "MLOPS_HOME": str(home)}
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    return set(json.loads(ended.stderr.strip().splitlines()[-1].replace("'", '"')))


def test_every_verb_has_its_file_and_every_file_its_verb():
    assert {path.stem for path in VERB_FILES.glob("*.py")} - {"__init__"} == set(VERBS)


def test_help_imports_nothing_heavy(tmp_path):
    assert imported_by("--help", home=tmp_path) == set()


def test_status_imports_no_library_that_works_on_rows(tmp_path):
    assert imported_by("status", home=tmp_path) <= {"pydantic", "numpy"}


def test_a_wrong_word_is_a_fault_with_the_remedy(capsys, home):
    assert call(["statsu"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.search(r"^mlops: argument VERB: invalid choice: 'statsu'.*→ mlops --help", printed.err)
    assert call(["status", "--stack", "test"]) == 2
    assert re.search(r"^mlops: status: .*invalid choice: 'test'.*→ mlops status --help", capsys.readouterr().err)


def test_with_json_a_fault_is_one_object_on_stdout(capsys, home):
    assert call(["plan", "flight-delay", "--stack", "prod", "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["message"] == "prod has no pin for flight-delay"
    assert error["remedy"] == "mlops promote flight-delay --stack prod"


@pytest.mark.parametrize("within", ["a-file/home", "/proc/home"])
def test_a_home_that_cannot_be_made_is_one_line_and_one_object(capsys, monkeypatch, tmp_path, within):
    (tmp_path / "a-file").write_text("in the way")
    monkeypatch.setenv("MLOPS_HOME", str(tmp_path / within))
    assert call(["status", "--json"]) == 2
    printed = capsys.readouterr()
    error = json.loads(printed.out)["error"]
    assert error["where"] == str(tmp_path / within)
    assert error["remedy"] == "set MLOPS_HOME to a folder that can be written"
    assert len(printed.err.splitlines()) == 1


def test_what_nobody_foresaw_is_one_object_and_its_traceback_a_file(capsys, monkeypatch, home):
    def run(arguments, context):
        raise ZeroDivisionError("not\nforeseen")

    monkeypatch.setattr("deploy.verbs.status.run", run)
    assert call(["status", "--json"]) == 1
    printed = capsys.readouterr()
    error = json.loads(printed.out)["error"]
    assert error["message"] == "ZeroDivisionError: not foreseen"
    assert error["where"].startswith(f"{__file__}:")
    assert len(printed.err.splitlines()) == 1
    file = Path(error["remedy"].rpartition(" ")[2])
    assert "Traceback" in file.read_text()
    file.unlink()


def test_a_result_that_is_no_json_is_a_fault_too(capsys, monkeypatch, home):
    monkeypatch.setattr("deploy.verbs.status.run", lambda arguments, context: Done(0, {"a set": {1}}))
    assert call(["status", "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert "set is not JSON serializable" in error["message"]
    Path(error["remedy"].rpartition(" ")[2]).unlink()


def test_a_faulty_problem_file_is_named_with_its_line(capsys, home, tmp_path):
    file = tmp_path / "flights.yaml"
    file.write_text((PROBLEMS / "breast-cancer.yaml").read_text().replace("target:", "tarqet:"))
    assert call(["train", str(file), "--json"]) == 2
    printed = capsys.readouterr()
    error = json.loads(printed.out)["error"]
    at = file.read_text().splitlines().index("columns:") + 1
    assert error["where"] == f"{file}:{at}"
    assert error["message"].startswith("`columns.target` is missing\n")
    assert f"{file}:{at + 1}: unknown key `columns.tarqet`" in error["message"]
    assert printed.err.startswith(f"mlops: {file}:{at}: ")


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        ("gate {}", "mlops train {}"),
        ("report {} --out report.html", "mlops train {}"),
        ("promote {} --stack dev", "mlops train {}"),
        ("promote {} --stack prod", "mlops promote {} --stack dev, then release it"),
        ("plan {}", "mlops promote {} --stack dev"),
        ("monitor {}", "mlops release {} --stack prod"),
        ("score {} --data rows.csv", "mlops release {} --stack prod"),
        ("train {} --from-monitor", "mlops monitor {} --labels FILE"),
    ],
)
@pytest.mark.parametrize("given", ["breast-cancer", "a folder/breast-cancer.yaml"])
def test_a_remedy_names_the_problem_as_it_was_given(capsys, monkeypatch, home, tmp_path, words, remedy, given):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a folder").mkdir()
    shutil.copy(PROBLEMS / "breast-cancer.yaml", tmp_path / "a folder")
    assert call([given if word == "{}" else word for word in [*words.split(), "--json"]]) in (1, 2)
    assert json.loads(capsys.readouterr().out)["error"]["remedy"] == remedy.format(shlex.quote(given))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("logs --lines 0", "`0` is no whole number from 1 on"),
        ("release --wait nan", "`nan` is no number of seconds"),
        ("promote --digest af71d156162c", "`af71d156162c` is no digest, which has 64"),
        (f"train --resume {'x' * 256}", "is no id of a run"),
        ("train --resume ../train", "is no id of a run"),
        ("schedule --stack prod --email models", "`models` is no address"),
        ("release --plan none.json", "none.json: it cannot be read: No such file or directory → `mlops plan"),
        ("changes --since nothing", "unknown revision"),
    ],
)
def test_what_stands_after_an_option_is_refused_in_its_own_words(capsys, home, words, told):
    assert call(words.split()) in (1, 2)
    said = capsys.readouterr().err
    assert told in said
    assert " → " in said
    assert len(said.splitlines()) == 1


def test_an_unknown_problem_is_one_line_and_nothing_has_begun(capsys, home):
    assert call(["run", "nope"]) == 2
    assert capsys.readouterr().err.startswith("mlops: ")


def test_a_day_that_is_none_is_refused(capsys, home):
    assert call(["train", "--until", "31.8.2013"]) == 2
    assert "write it as 2013-09-01" in capsys.readouterr().err


@pytest.mark.parametrize("until", ["2013-06-01", "2013-05-31T23:00:00-01:00", "2012-01-01"])
def test_a_window_that_ends_before_it_begins_is_refused(capsys, home, until):
    assert call(["monitor", "--since", "2013-06-01", "--until", until]) == 2
    assert "is not after --since 2013-06-01 → name a later day" in capsys.readouterr().err


def test_a_problem_without_time_takes_no_day(capsys, home):
    assert call(["train", "breast-cancer", "--until", "2013-09-01"]) == 2
    assert "has no time column" in capsys.readouterr().err


def test_a_platform_without_its_infrastructure_says_what_is_missing(capsys, monkeypatch, home, tmp_path):
    monkeypatch.setenv("MLOPS_STACK_OUTPUTS", str(tmp_path / "outputs.json"))
    assert call(["status", "--platform", "azure"]) == 2
    assert "outputs.json: it cannot be read" in capsys.readouterr().err


def test_status_of_nothing_is_empty(capsys, home):
    assert call(["status", "--stack", "prod", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"stack": "prod", "platform": "local", "endpoints": []}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_the_training_within_two_seconds(home, number):
    process = subprocess.Popen([sys.executable, "-m", "deploy", "train", "breast-cancer", "--json"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)  # fmt: skip
    deadline = time.monotonic() + 20
    while not list((home / "steps").glob("*.tmp")) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(number)
    began = time.monotonic()
    out, _ = process.communicate(timeout=10)
    assert time.monotonic() - began < 2.0
    assert process.returncode == 7
    assert json.loads(out)["error"]["remedy"] == "the same command goes on"
    assert not list((home / "steps").glob("*.tmp"))


def test_a_full_disk_is_one_line(tmp_path):
    """A limit on the size of files stands in for the disk: the kernel answers alike for both."""
    script = "import resource, signal, sys\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    script += "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
    script += "from deploy.cli import call\nsys.exit(call(['train', 'breast-cancer']))"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False,
                           env={**os.environ, "MLOPS_HOME": str(tmp_path / "home")})  # fmt: skip
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr.splitlines()[-1]
    assert "File too large" in ended.stderr
