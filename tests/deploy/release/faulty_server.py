"""The scoring server, misbehaving for one digest: FAULTY_HOW is fails, is-slow or hangs (once it carries
traffic), hangs-at-once, or never-starts."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from ml.serving.__main__ import main
from ml.serving.app import App

SLOW_SECONDS = 0.25
HOW = os.environ["FAULTY_HOW"]
GIVEN = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=False))
RECORD = Path(GIVEN["--collect"]).parent / "endpoint.json"
answer_well = App.__call__


def carries() -> bool:
    return json.loads(RECORD.read_text())["traffic"].get(GIVEN["--deployment"], 0) > 0


async def answer_badly(self, scope, receive, send):
    if scope["type"] != "http" or scope["path"] != "/score" or not (HOW == "hangs-at-once" or carries()):
        return await answer_well(self, scope, receive, send)
    if HOW == "fails":
        await send({"type": "http.response.start", "status": 500, "headers": []})
        return await send({"type": "http.response.body", "body": b"{}"})
    await asyncio.sleep(SLOW_SECONDS if HOW == "is-slow" else 3600)
    return await answer_well(self, scope, receive, send)


if os.environ["FAULTY_DIGEST"] in sys.argv:
    App.__call__ = answer_badly
    if HOW == "never-starts":
        time.sleep(3600)
main()
