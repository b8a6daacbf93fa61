import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

WANTED = os.environ.get("MLOPS_WORKFLOWS") == "run"
RAN: list[bool] = []


def pytest_runtest_logreport(report):
    if report.when == "call" and not report.skipped and "/stories/" in report.nodeid:
        RAN.append(report.passed)


def pytest_terminal_summary(terminalreporter):
    if WANTED:
        terminalreporter.write_line(f"{len(RAN)} stories executed by act, {sum(RAN)} of them to their end")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    """Where the stories were asked for and none ran, that is no success."""
    if WANTED and not RAN and exitstatus == 0:
        session.exitstatus = 1
