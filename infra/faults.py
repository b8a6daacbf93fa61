"""What a person is told when the infrastructure's configuration is wrong."""

from __future__ import annotations

from difflib import get_close_matches


class ConfigurationFault(Exception):
    """Every fault of a stack's configuration, told at once.

    Attributes:
        faults: one sentence for each: the key, what is wrong with its value, and the remedy.
    """

    def __init__(self, where: str, faults: list[str]) -> None:
        self.where, self.faults = where, tuple(faults)
        super().__init__("\n".join(f"{where}: {fault}" for fault in faults))


def did_you_mean(word: str, known: list[str]) -> str:
    """`; did you mean …?` where a known word is near, else nothing."""
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean `{near[0]}`?" if near else ""
