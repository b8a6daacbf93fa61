"""The snapshot of the code that jobs get, where the disk has no room for it."""

import resource

import pytest

from deploy.code import staged


def test_half_a_snapshot_is_not_left_on_a_full_disk_and_the_folder_is_named(tmp_path):
    """A limit on the size of files stands in for the disk: the kernel answers alike for both."""
    root, folder = tmp_path / "root", tmp_path / "snapshots"
    (root / "code").mkdir(parents=True)
    (root / "code" / "large.py").write_bytes(b"#" * 100_000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as told:
            staged(root, folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert told.value.filename == str(folder)
    assert list(folder.iterdir()) == []
    assert (staged(root, folder) / "code" / "large.py").stat().st_size == 100_000
