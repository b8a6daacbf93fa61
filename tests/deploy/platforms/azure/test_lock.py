"""One release at a time: a lease that is kept, that ends with its holder, and that is missed when it is gone."""

import pytest

from deploy.platforms.azure import lock as locks
from deploy.platforms.azure.outputs import read_outputs
from deploy.platforms.azure.sdk import Sdk
from deploy.release.state import Observed
from ml.fault import Fault
from tests.deploy.conftest import until
from tests.deploy.platforms.azure.conftest import PROBLEM


def test_a_lock_is_renewed_while_it_is_held(cloud, monkeypatch, tmp_path):
    monkeypatch.setattr(locks, "RENEW_SECONDS", 0.05)
    held = locks.Locks(Sdk(read_outputs("dev", tmp_path)))
    with held.hold(PROBLEM):
        lease = cloud.azure.storage["dev"].containers["mlops"][f"dev/locks/{PROBLEM}"].lease
        first = lease.until
        until(lambda: lease.until > first, 5)
        held.check(PROBLEM)


def test_a_killed_releases_lock_ends_by_itself(cloud, tmp_path):
    sdk = Sdk(read_outputs("dev", tmp_path))
    killed = locks.Locks(sdk).hold(PROBLEM)
    killed.__enter__()
    with pytest.raises(Fault, match="another release is under way"):
        locks.Locks(sdk).hold(PROBLEM).__enter__()
    cloud.azure.storage["dev"].containers["mlops"][f"dev/locks/{PROBLEM}"].lease.until = 0.0  # its time is over
    with locks.Locks(sdk).hold(PROBLEM):
        pass


def test_who_lost_the_lock_writes_nothing_more(cloud, standing, monkeypatch):
    monkeypatch.setattr(locks, "RENEW_SECONDS", 0.05)
    with standing.lock(PROBLEM):
        cloud.azure.storage["dev"].containers["mlops"][f"dev/locks/{PROBLEM}"].lease = None  # broken, and another's
        until(lambda: standing._locks._lost, 5)
        with pytest.raises(Fault, match="the lock of this release was lost"):
            standing.set_traffic(PROBLEM, {"two": 100})
    assert standing.observe(PROBLEM) != Observed(exists=False)
