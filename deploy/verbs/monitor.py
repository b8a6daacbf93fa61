"""`mlops monitor`: compares what the endpoint was asked with the training data, and with labels that came."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deploy.arguments import TRAINS
from deploy.context import Context, Done
from deploy.exit_codes import DONE, DRIFT, FAULT, WAITING
from deploy.monitor.lines import lines_of
from deploy.platforms.protocol import Platform
from deploy.release.state import ModelRef
from ml.digest import of_file
from ml.fault import Fault, invalid
from ml.problem import Problem, find, load_problem

if TYPE_CHECKING:
    from deploy.monitor.asked import Asked

CODES = {"ok": DONE, "drift": DRIFT, "degraded": DRIFT, "inconclusive": WAITING}
REPLAYED_ROWS_A_REQUEST = 100
ARRIVED_WITHIN_SECONDS, LOOK_SECONDS = 90.0, 0.5


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    return every(arguments, context) if arguments.all else one(arguments, context)


def every(arguments: argparse.Namespace, context: Context) -> Done:
    """Looks at every problem that the stack serves; one that cannot be looked at stops no other."""
    looked = {name: _one_of_all(name, arguments, context) for name in context.platform(arguments.stack).endpoints()}
    codes = {done.code for done in looked.values()}
    moved = [name for name, done in looked.items() if done.code == DRIFT]
    result = {
        "problems": {name: done.result for name, done in looked.items()},
        "retrain": moved,
        "labelled": [name for name in moved if _is_labelled(context, name)],
    }
    code = FAULT if FAULT in codes else DRIFT if moved else WAITING if WAITING in codes else DONE
    return Done(code, result, tuple(f"{name}: {line}" for name, done in looked.items() for line in done.lines))


def _one_of_all(name: str, arguments: argparse.Namespace, context: Context) -> Done:
    try:
        return one(argparse.Namespace(**{**vars(arguments), "problem": name}), context)
    except Fault as fault:
        context.screen.warn(f"{name}: {fault}")
        return Done(FAULT, {"error": str(fault)}, (str(fault),))


def one(arguments: argparse.Namespace, context: Context) -> Done:
    """Looks at one problem."""
    _window(arguments)  # a day that is none is said before anything is looked at
    problem = load_problem(find(arguments.problem))
    model = served(context, arguments.stack, problem.name)
    asked = _asked(arguments, context, model)
    labels = arguments.labels or _labels(context, arguments.stack, problem.name)
    result = look(context, arguments.stack, problem, model, asked, labels)
    lines = lines_of(result, context.called(problem.name))
    if labels is not None and (arguments.labels is not None or _looks_at_all(arguments)):
        try:
            result["labelled_rows"] = _keep_labelled(context, arguments.stack, problem, model, asked, labels)
        except Fault as fault:  # whoever may only read has an answer all the same
            result["labelled_rows"] = 0
            lines = [*lines, f"the labelled rows were not kept for training: {fault}"]
    return Done(CODES[result["decision"]], result, tuple(lines))


def served(context: Context, stack: str, problem: str) -> ModelRef:
    """The model that the stack serves.

    Raises:
        Fault: nothing was released there.
    """
    good = context.platform(stack).observe(problem).tags.last_good
    if good is None:
        raise Fault(
            f"nothing has been released to {stack}", problem, f"mlops release {context.called(problem)} --stack {stack}"
        )
    return good


def look(
    context: Context, stack: str, problem: Problem, model: ModelRef, asked: Asked, labels: Path | None
) -> dict[str, Any]:
    """The verdict in JSON's own types."""
    from deploy.monitor.monitor import monitor

    platform = context.platform(stack)
    verdict = monitor(problem, platform.fetch(model), asked, labels, platform.origin(model).evaluation)
    return {"stack": stack, "problem": problem.name, "model": vars(model), **verdict.to_json()}


def monitor_after_run(context: Context, problem: Problem, send: bool) -> dict[str, Any]:
    """The last stage of `mlops run`: prod is asked held-back rows, whose labels are known here."""
    platform, sent = context.platform("prod"), 0
    model = served(context, "prod", problem.name)
    if send:
        context.screen.working("held-back rows are sent to prod")
        sent = replay(platform, problem.name, model)
        context.screen.done(f"prod was asked {sent:,} held-back rows")
    context.screen.working("compare with the training data")
    asked = _arrived(context, problem.name, model, sent)
    labels = platform.origin(model).live if problem.columns.id else None
    result = look(context, "prod", problem, model, asked, labels)
    show = context.screen.done if result["decision"] == "ok" else context.screen.warn
    show(f"{result['decision']}: {result['reasons'][0]}" + (" …" if len(result["reasons"]) > 1 else ""))
    return result


def _arrived(context: Context, problem: str, model: ModelRef, sent: int) -> Asked:
    """What prod has collected, once as many rows are there as were sent: a container carries them off by and by."""
    deadline = time.monotonic() + ARRIVED_WITHIN_SECONDS
    while True:
        asked = _collected(context, "prod", problem, model)
        if asked.rows.num_rows >= sent or time.monotonic() > deadline:
            return asked
        time.sleep(LOOK_SECONDS)


def replay(platform: Platform, endpoint: str, model: ModelRef) -> int:
    """Sends a sample of the model's held-back rows, many a request; returns how many rows were answered."""
    from deploy.held_back import HeldBackRows

    rows = HeldBackRows(platform.origin(model).live, platform.fetch(model), REPLAYED_ROWS_A_REQUEST)
    replies = (platform.invoke(endpoint, body) for body in rows.bodies())
    return sum(len(json.loads(reply.body)) for reply in replies if reply.status == 200)


def _asked(arguments: argparse.Namespace, context: Context, model: ModelRef) -> Asked:
    from deploy.monitor.requests_file import asked_in
    from ml.model.model import Model

    platform = context.platform(arguments.stack)
    if arguments.requests is not None:
        asked = asked_in(arguments.requests, Model.load(platform.fetch(model)))
    else:
        asked = _collected(context, arguments.stack, load_problem(find(arguments.problem)).name, model)
    since, until = _window(arguments)
    time = load_problem(find(arguments.problem)).columns.time
    return asked.between(time, since, until) if since or until else asked


def _collected(context: Context, stack: str, problem: str, model: ModelRef) -> Asked:
    """What the model answered to users; a canary's, an older model's and a probe's answers are another story."""
    from deploy.monitor.collected import asked_of
    from ml.model.model import Model
    from ml.serving.collection import PROBE, read_collected

    platform = context.platform(stack)
    asked = (one for one in read_collected(platform.collected(problem)) if not one.request_id.startswith(PROBE))
    return asked_of(asked, Model.load(platform.fetch(model)), model.digest)


def _keep_labelled(context: Context, stack: str, problem: Problem, model: ModelRef, asked: Asked, labels: Path) -> int:
    """Keeps the rows whose labels have come where dev trains, for `mlops train --from-monitor`.

    The stack's own labels have one file, made anew of all that is still collected; each other file has its own.
    """
    from deploy.monitor.labels import join_labels
    from deploy.monitor.retraining import write_labelled
    from ml.model.model import Model

    card = Model.load(context.platform(stack).fetch(model)).card
    whose = stack if labels.is_dir() else of_file(labels)[:12]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{whose}-{model.digest[:12]}.parquet"
        count = write_labelled(asked, join_labels(labels, asked, card), card, path)
        if count:
            context.platform(TRAINS).keep_labelled(problem.name, path)
    return count


def _looks_at_all(arguments: argparse.Namespace) -> bool:
    """Whether all that was collected is looked at: a part of it must not stand for what was kept of the whole."""
    return not (arguments.requests or arguments.since or arguments.until)


def _labels(context: Context, stack: str, problem: str) -> Path | None:
    """The labels that the stack has of what its endpoint was asked; hidden files are none, as for `open_raw`."""
    came = context.platform(stack).labels(problem)
    return None if all(path.name.startswith((".", "_")) for path in came.iterdir()) else came


def _is_labelled(context: Context, problem: str) -> bool:
    """Whether there is more to train with than the problem's own rows."""
    return any(context.platform(TRAINS).labelled(problem).glob("*.parquet"))


def _window(arguments: argparse.Namespace) -> tuple[dt.datetime | None, dt.datetime | None]:
    since, until = _moment(arguments.since, "--since"), _moment(arguments.until, "--until")
    if since is not None and until is not None and since >= until:
        raise invalid(f"`{arguments.until}` is not after --since {arguments.since}", "--until", "name a later day")
    return since, until


def _moment(text: str | None, where: str) -> dt.datetime | None:
    if text is None:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
    except ValueError:
        raise invalid(f"`{text}` is no day", where, "write it as 2013-07-01") from None
