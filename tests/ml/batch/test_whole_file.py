from __future__ import annotations

import errno
from pathlib import Path
from typing import BinaryIO

import pytest

from ml.batch.whole_file import whole_file, writing
from ml.fault import FAULT, INVALID_INPUT, Fault


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_name_holds_the_old_content_until_the_new_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    out.write_bytes(b"old")
    with whole_file(out) as file:
        file.write(b"new" * 100_000)
        assert out.read_bytes() == b"old"
    assert out.read_bytes() == b"new" * 100_000
    assert names(tmp_path) == ["out.csv"]


def _write_and_raise(file: BinaryIO, exception: type[BaseException]) -> None:
    file.write(b"new")
    raise exception


@pytest.mark.parametrize("exception", [ValueError, KeyboardInterrupt, SystemExit])
def test_after_an_exception_nothing_new_is_there(tmp_path: Path, exception: type[BaseException]) -> None:
    out = tmp_path / "out.csv"
    out.write_bytes(b"old")
    with pytest.raises(exception), whole_file(out) as file:
        _write_and_raise(file, exception)
    assert (names(tmp_path), out.read_bytes()) == (["out.csv"], b"old")


def test_what_a_killed_process_left_is_written_over(tmp_path: Path) -> None:
    (tmp_path / ".out.csv.part").write_bytes(b"half of something longer")
    with whole_file(tmp_path / "out.csv") as file:
        file.write(b"new")
    assert (names(tmp_path), (tmp_path / "out.csv").read_bytes()) == (["out.csv"], b"new")


def test_only_one_writes_a_file_at_a_time(tmp_path: Path) -> None:
    with whole_file(tmp_path / "out.csv") as first:
        first.write(b"first")
        with pytest.raises(Fault, match="another process is writing this file"), whole_file(tmp_path / "out.csv"):
            pass
    assert (tmp_path / "out.csv").read_bytes() == b"first"


def test_who_waited_for_a_file_that_was_then_put_in_place_takes_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between opening and locking, the other process ends; its file must not be emptied."""
    import ml.batch.whole_file as module

    out, right, others = tmp_path / "out.csv", module.fcntl.flock, iter([b"others"])

    def lock_late(file: object, how: int) -> None:
        for content in others:
            (tmp_path / ".out.csv.part").write_bytes(content)
            (tmp_path / ".out.csv.part").replace(out)
        right(file, how)

    monkeypatch.setattr(module.fcntl, "flock", lock_late)
    with whole_file(out) as file:
        assert out.read_bytes() == b"others"
        file.write(b"ours")
    assert (names(tmp_path), out.read_bytes()) == (["out.csv"], b"ours")


@pytest.mark.parametrize("name", ["none/out.csv", "folder"])
def test_where_no_file_can_stand_is_told_before_anything_is_done(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(Fault) as caught, whole_file(tmp_path / name):
        pass
    assert (caught.value.code, caught.value.where) == (INVALID_INPUT, str(tmp_path / name))


def test_what_the_disk_refuses_names_the_file_and_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(Fault) as caught, writing(tmp_path / "out.csv"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.code == FAULT
    assert caught.value.message == "cannot be written: No space left on device"
    assert "free some space" in caught.value.remedy
