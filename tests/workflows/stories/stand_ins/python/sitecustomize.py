"""Lets a story's release to prod die as a machine does, at once after it has told of some action."""

import os
import signal
import sys
from pathlib import Path

WORDS = os.environ.get("STORY_DIES_AFTER")


class _Mortal:
    def __init__(self, stream):
        self.stream = stream

    def write(self, text):
        self.stream.write(text)
        if WORDS in text and "✓" in text:
            self.stream.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        return len(text)

    def __getattr__(self, name):
        return getattr(self.stream, name)


CALLED = Path("/proc/self/cmdline").read_bytes().split(b"\0") if WORDS else []
if b"release" in CALLED and b"prod" in CALLED:
    sys.stderr = _Mortal(sys.stderr)
