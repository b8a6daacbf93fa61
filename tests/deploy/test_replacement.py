"""A file is replaced whole or not at all."""

import contextlib
import resource

import pytest

from deploy.replacement import replace_file


@contextlib.contextmanager
def full_disk():
    """No file may grow beyond ten bytes; only around the call, for the test's own output is a file too."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="File too large"), full_disk():
        replace_file(path, b"much more than ten bytes")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_new_content_is_there_at_once(tmp_path):
    for content in (b"one", b"two"):
        replace_file(tmp_path / "a.json", content)
        assert (tmp_path / "a.json").read_bytes() == content
    assert len(list(tmp_path.iterdir())) == 1
