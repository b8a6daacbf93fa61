"""Faults as a step's process tells them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from ml.fault import Fault, from_json

STEP = """
from ml.fault import entry
@entry
def main():
    {}
main()
"""


def told(body: str) -> Fault | None:
    ended = subprocess.run([sys.executable, "-c", STEP.format(body)], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    return from_json(ended.stderr.splitlines()[-1])


@pytest.mark.parametrize(
    ("body", "message", "where"),
    [
        ("with open('/dev/full', 'w') as file: file.write('rows')", "No space left on device", "the disk"),
        ("import os; raise PermissionError(13, os.strerror(13), 'rows.csv')", "Permission denied", "rows.csv"),
    ],
)
def test_what_the_machine_refuses_is_a_fault(body, message, where):
    fault = told(body)
    assert (fault.message, fault.where, fault.code) == (message, where, 1)
    assert fault.remedy


def test_what_is_a_mistake_in_the_code_keeps_its_traceback():
    assert told("open('/no/such/file')") is None
