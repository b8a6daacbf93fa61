"""The captured programs, made once for all tests."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # tests are no packages: the harness stands beside them

from capture import Captured, capture


@pytest.fixture(scope="session")
def shared() -> Captured:
    return capture("shared")


@pytest.fixture(scope="session")
def dev() -> Captured:
    return capture("dev")


@pytest.fixture(scope="session")
def prod() -> Captured:
    return capture("prod")


@pytest.fixture(scope="session")
def stacks(shared: Captured, dev: Captured, prod: Captured) -> dict[str, Captured]:
    return {"shared": shared, "dev": dev, "prod": prod}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "engine: runs the real `pulumi` command")


def pytest_terminal_summary(terminalreporter) -> None:
    """How many engine tests ran: a closing with none is not done."""
    ran = [
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        if "test_engine" in report.nodeid
    ]
    terminalreporter.write_line(f"processor time of the tests themselves: {time.process_time():.0f} s")
    terminalreporter.write_line(f"engine tests run: {len(ran)}")
