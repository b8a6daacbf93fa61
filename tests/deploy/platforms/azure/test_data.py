"""A problem's raw rows as versions of a data asset."""

import io
import json
from pathlib import Path

import pytest

from deploy.cli import call
from deploy.screen import Screen
from ml import digest
from ml.fault import Fault
from ml.problem import load_problem
from tests.deploy.platforms.azure import small_pipeline as small


class Pushed:
    """A problem with rows, and the stack that they go to."""

    def __init__(self, cloud, folder, path):
        self.cloud, self.folder, self.server = cloud, folder, cloud.azure.server
        self.file = folder / "small-one.yaml"
        text = small.PROBLEM.format(says="A number.", model="{}")
        self.file.write_text(text.replace("path: rows.csv", f"path: {path}"))

    def push(self):
        return self.cloud.platform().push(load_problem(self.file), self.file, Screen(io.StringIO()))

    def pull(self, version=None):
        return self.cloud.platform().pull(load_problem(self.file), self.file, version, Screen(io.StringIO()))

    def sent(self):
        return [call.path for call in self.server.calls("PUT", "^/stdev/raw/")]


@pytest.fixture
def file(cloud, tmp_path):
    (tmp_path / "rows.csv").write_text("x,y\n1,2\n")
    return Pushed(cloud, tmp_path, "rows.csv")


@pytest.fixture
def folder(cloud, tmp_path):
    for name in ("a.csv", "below/b c.csv"):
        path = tmp_path / "rows" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"x,y\n{len(name)},2\n")
    return Pushed(cloud, tmp_path, "rows")


def test_a_file_is_pushed_as_a_folder_that_holds_it_and_comes_back_the_same(file):
    pushed = file.push()
    assert pushed.uploaded
    assert pushed.version == pushed.digest[:32]
    pulled = file.pull()
    assert (pulled.version, pulled.digest) == (pushed.version, pushed.digest)
    assert (Path(pulled.place) / "rows.csv").read_text() == "x,y\n1,2\n"


def test_what_is_there_is_not_sent_again(folder):
    assert folder.push().uploaded
    before, sent = len(folder.server.ledger), len(folder.sent())
    again = folder.push()
    assert not again.uploaded
    assert len(folder.sent()) == sent
    assert len(folder.server.ledger) - before <= 3, "one look at the version, one of the SDK's own, one at the schedule"


def test_a_push_that_broke_off_sends_only_the_rest(folder):
    folder.server.trouble("PUT", "^/stdev/raw/.*b%20c|^/stdev/raw/.*b c", None, times=100)
    with pytest.raises(Fault):
        folder.push()
    first = len([path for path in folder.sent() if path.endswith("a.csv")])
    folder.server.troubles.clear()
    folder.push()
    assert len([path for path in folder.sent() if path.endswith("a.csv")]) == first == 1


def test_a_folder_that_grew_is_a_new_version_and_the_old_one_stays(folder):
    old = folder.push()
    (folder.folder / "rows" / "c.csv").write_text("x,y\n9,9\n")
    new = folder.push()
    assert new.version != old.version
    assert folder.pull().version == new.version, "the newest"
    assert not (Path(folder.pull(old.version).place) / "c.csv").exists()
    assert digest.of_path(Path(folder.pull(old.version).place)) == old.digest


def test_bytes_that_were_changed_in_the_storage_are_not_taken(folder):
    version = folder.push().version
    folder.cloud.azure.storage["dev"].put("raw", f"small-one/{version}/a.csv", b"forged")
    with pytest.raises(Fault, match="were changed"):
        folder.pull()


def test_a_version_that_somebody_else_has_registered_is_not_taken_for_rows(file):
    version = file.push().version
    file.cloud.azure.assets.workspaces["mlw-dev"].assets["data"]["small-one"][version]["properties"]["tags"].clear()
    for asked in (file.push, lambda: file.pull(version)):
        with pytest.raises(Fault, match="was registered by something else → archive that version, then push again"):
            asked()
    with pytest.raises(Fault, match="there is no data of small-one"):
        file.pull()


def test_a_copy_that_was_changed_here_is_fetched_again(folder):
    folder.push()
    place = Path(folder.pull().place)
    (place / "a.csv").write_text("mine")
    assert digest.of_path(Path(folder.pull().place)) == folder.pull().digest


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        ((), 1, "there is no data of small-one"),
        (("--version", ""), 1, "there is no data of small-one"),
        (("--version", "0"), 2, "no small-one:0"),
    ],
)
def test_what_was_never_pushed_is_told_with_the_command_that_pushes(file, capsys, words, code, sentence):
    assert file.cloud.mlops("data", "pull", str(file.file), *words) == code
    told = capsys.readouterr().err
    assert sentence in told
    assert "mlops data push small-one --stack dev --platform azure" in told


def test_rows_that_are_not_here_are_one_line(file, capsys):
    (file.folder / "rows.csv").unlink()
    assert file.cloud.mlops("data", "push", str(file.file)) == 2
    assert "there is no such file or folder" in capsys.readouterr().err


def test_both_platforms_call_the_same_rows_by_the_same_version(file, capsys):
    found = []
    for platform in ("local", "azure"):
        assert call(["data", "push", str(file.file), "--platform", platform, "--json"]) == 0
        found.append(json.loads(capsys.readouterr().out))
    assert found[0]["version"] == found[1]["version"]
    assert found[0]["place"] == str(file.folder / "rows.csv")
    assert (found[0]["uploaded"], found[1]["uploaded"]) == (False, True)


def test_this_machine_has_the_rows_as_they_are_now_only(file, capsys):
    assert call(["data", "pull", str(file.file), "--version", "older"]) == 2
    assert "not older" in capsys.readouterr().err
