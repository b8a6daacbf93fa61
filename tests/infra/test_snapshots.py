"""What each stack is made of, by URN and type: a rename or a lost resource is seen in review.

`UPDATE=1 make test-infra` writes the snapshots anew.
"""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

FOLDER = Path(__file__).with_name("snapshots")


def compared(file, text):
    if os.environ.get("UPDATE"):
        FOLDER.mkdir(exist_ok=True)
        file.write_text(text)
    assert file.read_text() == text, "see the difference; UPDATE=1 writes it anew"


@pytest.mark.parametrize("stack", ["shared", "dev", "prod"])
def test_the_urns_of_a_stack_are_the_recorded_ones(stacks, stack):
    urns = sorted(r.urn.split("::", 2)[2] for r in stacks[stack].resources)
    compared(FOLDER / f"{stack}.urns.txt", "\n".join(urns) + "\n")


@pytest.mark.parametrize("stack", ["shared", "dev", "prod"])
def test_the_inventory_of_a_stack_is_the_recorded_one(stacks, stack):
    counted = Counter(r.type for r in stacks[stack].resources if r.custom)
    compared(FOLDER / f"{stack}.inventory.txt", "".join(f"{n:3} {t}\n" for t, n in sorted(counted.items())))
