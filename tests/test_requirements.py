import re
from pathlib import Path

import pytest

ENVIRONMENTS = Path(__file__).parents[1] / "environments"
LOCKS = sorted(ENVIRONMENTS.glob("*/requirements.txt"))


def pinned(path: Path) -> dict[str, str]:
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", path.read_text(), re.MULTILINE))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.parent.name)
def test_every_requirement_is_locked_by_hash_and_names_no_registry(lock):
    text = lock.read_text()
    entries = re.split(r"\n(?=[A-Za-z0-9])", text)
    assert all("--hash=sha256:" in entry for entry in entries if "==" in entry.split("\n")[0])
    assert "://" not in text
    assert "--index-url" not in text


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.parent.name)
def test_every_direct_dependency_is_in_its_lock(lock):
    direct = re.findall(r"^([A-Za-z][A-Za-z0-9._-]*)", lock.with_suffix(".in").read_text(), re.MULTILINE)
    assert {re.sub(r"[._-]+", "-", name).lower() for name in direct} <= set(pinned(lock))


def test_all_groups_agree_on_every_version():
    largest = pinned(ENVIRONMENTS / "development" / "requirements.txt")
    for group in ("local", "training", "serving"):
        small = pinned(ENVIRONMENTS / group / "requirements.txt")
        assert {name: largest.get(name) for name in small} == small


@pytest.mark.parametrize("group", ["local", "training", "serving"])
def test_the_local_loop_installs_no_cloud_sdk(group):
    assert not [
        name for name in pinned(ENVIRONMENTS / group / "requirements.txt") if name.startswith(("azure", "pulumi"))
    ]
