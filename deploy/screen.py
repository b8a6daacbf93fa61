"""What a person sees while it works: one line that changes on a terminal, plain lines in a log."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import TextIO

CLEAR_LINE = "\r\x1b[2K"
DIM, BOLD, GREEN, RED, YELLOW, OFF = "\x1b[2m", "\x1b[1m", "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[0m"


@dataclass
class Screen:
    """Progress on stderr; stdout belongs to the result."""

    stream: TextIO = field(default_factory=lambda: sys.stderr)
    began: float = field(default_factory=time.monotonic)

    @property
    def terminal(self) -> bool:
        """Whether a person looks on."""
        return self.stream.isatty()

    def stage(self, title: str) -> None:
        """A new part of the work begins."""
        self._line(self._paint(BOLD, title))

    def working(self, what: str) -> None:
        """Something goes on; shown on a terminal alone, until the next line."""
        if self.terminal:
            self.stream.write(f"{CLEAR_LINE}  {self._paint(DIM, what + ' …')}")
            self.stream.flush()

    def done(self, what: str, note: str = "") -> None:
        """Something is finished."""
        self._line(f"  {self._paint(GREEN, '✓')} {what}" + (f"  {self._paint(DIM, note)}" if note else ""))

    def warn(self, what: str) -> None:
        """Something that a person should know."""
        self._line(f"  {self._paint(YELLOW, '!')} {what}")

    def fail(self, what: str, note: str = "") -> None:
        """Something did not work."""
        self._line(f"  {self._paint(RED, '✗')} {what}" + (f"  {self._paint(DIM, note)}" if note else ""))

    def _line(self, text: str) -> None:
        self.stream.write((CLEAR_LINE if self.terminal else "") + text + "\n")
        self.stream.flush()

    def _paint(self, colour: str, text: str) -> str:
        return f"{colour}{text}{OFF}" if self.terminal else text
