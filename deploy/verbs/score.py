"""`mlops score`: sends rows of a file, or a request as it is, to a stack's endpoint."""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from deploy.context import Context, Done
from deploy.exit_codes import DONE, FAULT, USAGE
from deploy.release.state import ModelRef
from ml.fault import Fault, invalid
from ml.problem import find, load_problem

if TYPE_CHECKING:
    import pyarrow as pa

    from deploy.platforms.protocol import Reply
    from ml.raw.stream import Part, StreamReading

ROWS_A_REQUEST = 100
MOST_PREDICTIONS = 10_000  # returned; the rows after them are sent and counted
SHOWN_PREDICTIONS = 10
LONGEST_QUOTE = 200
OF_THE_INPUT = (400, 413, 415, 422)

Place = Callable[[int, int | None], str]  # of a row (from 0) and the position of a column, where there is one


class Request(NamedTuple):
    """One request.

    Attributes:
        body: JSON.
        place: where a row of it comes from.
    """

    body: bytes
    place: Place


@dataclass
class Answered:
    """What came back so far."""

    predictions: list[Any] = field(default_factory=list)
    requests: int = 0
    rows: int = 0
    deployments: Counter[str] = field(default_factory=Counter)

    def add(self, answers: list[Any], deployment: str) -> None:
        """Counts the answers to one request, and keeps them as long as there are few."""
        self.requests += 1
        self.rows += len(answers)
        self.deployments[deployment] += len(answers)
        self.predictions += answers[: MOST_PREDICTIONS - len(self.predictions)]


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    problem = load_problem(find(arguments.problem)).name
    platform = context.platform(arguments.stack)
    answered, began = Answered(), time.monotonic()
    status = f"mlops status --stack {arguments.stack}{context.here}"
    for request in _requests(arguments, context, problem):
        reply = platform.invoke(problem, request.body, arguments.deployment)
        if reply.status != 200:
            raise refusal(reply, request.place, status)
        answered.add(answers(reply, request.place, status), _header(reply, "azureml-model-deployment"))
        context.screen.working(f"{answered.rows:,} rows")
    if not answered.requests:
        raise invalid("there is no row to send", str(arguments.data), "add rows")
    result = {
        **vars(answered),
        "deployments": dict(answered.deployments),
        "seconds": round(time.monotonic() - began, 3),
    }
    return Done(DONE, result, tuple(_lines(answered)))


def _requests(arguments: argparse.Namespace, context: Context, problem: str) -> Iterator[Request]:
    data: Path = arguments.data
    if data.suffix.lower() != ".json":
        model = asked_model(context, arguments.stack, problem, arguments.deployment)
        return requests_in(data, context.platform(arguments.stack).fetch(model), arguments.rows)
    if arguments.rows is not None:
        raise invalid("a request is sent as it is", "--rows", "leave it out, or name a CSV or Parquet file")
    if not data.is_file():
        raise invalid("there is no such file", str(data), "check the path")
    if arguments.deployment is not None:  # otherwise the traffic decides, which nobody has to ask for
        asked_model(context, arguments.stack, problem, arguments.deployment)
    return iter([Request(data.read_bytes(), lambda row, column: str(data))])


def asked_model(context: Context, stack: str, problem: str, deployment: str | None) -> ModelRef:
    """The model whose columns are sent: the named deployment's, or that of the one with most of the traffic.

    Raises:
        Fault: there is no such deployment, or none with traffic.
    """
    observed = context.platform(stack).observe(problem)
    if deployment is not None:
        named = observed.deployment(deployment)
        if named is None:
            known = ", ".join(d.name for d in observed.deployments) or "none"
            raise invalid(f"{stack} {problem} has no deployment `{deployment}`", "--deployment", f"there are: {known}")
        return named.model
    served = max(observed.deployments, key=lambda d: observed.traffic.get(d.name, 0), default=None)
    if served is None or not observed.traffic:
        raise Fault(f"{stack} serves nothing", problem, f"mlops release {context.called(problem)} --stack {stack}")
    return served.model


def requests_in(data: Path, model: Path, most_rows: int | None) -> Iterator[Request]:
    """The rows of a CSV or Parquet file or folder, several a request, in Azure ML's form.

    Each has the model's features, and of the columns that requests may carry those that the files have.

    Raises:
        Fault: the file is broken, a feature is missing, or a value does not fit its column.
    """
    from ml.model.encoder import Encoder
    from ml.model.model import CARD, ENCODER, Card, inner
    from ml.raw.folder import open_raw
    from ml.raw.stream import PartReader, parts

    if most_rows is not None and most_rows < 1:
        raise invalid(f"{most_rows} is no number of rows", "--rows", "send at least one")
    raw, card = open_raw(data), Card.load(inner(model) / CARD)
    readings = {feature.name: feature.kind for feature in Encoder.load(inner(model) / ENCODER).features}
    readings |= {n: "date" if n == card.time else "category" for n in card.carried if n in raw.columns}
    reader, left = PartReader.of(raw, cast("dict[str, StreamReading]", readings)), most_rows
    for part in parts(raw, list(readings), ROWS_A_REQUEST):
        rows = reader.read(part)[:left]
        yield Request(body(rows), _placing(part, rows.column_names))
        left = None if left is None else left - rows.num_rows
        if left == 0:
            return


def body(rows: pa.Table) -> bytes:
    """The rows as a request."""
    data = [list(row.values()) for row in rows.to_pylist()]
    split = {"columns": rows.column_names, "index": list(range(len(data))), "data": data}
    return json.dumps({"input_data": split}, default=lambda moment: moment.isoformat(), ensure_ascii=False).encode()


def _placing(part: Part, columns: list[str]) -> Place:
    def place(row: int, column: int | None) -> str:
        return part.place(row, "" if column is None else columns[column])

    return place


def refusal(reply: Reply, place: Place, status: str) -> Fault:
    """The fault that says what the endpoint's problem document (RFC 9457) says, where it is in the file."""
    said, errors = _told(reply.body)
    message = " ".join(["the endpoint answers", str(reply.status), said]).strip()
    message = "; ".join([message, *(f"{pointer}: {detail}" for pointer, detail in errors)])
    where = place(*_cell(errors[0][0])) if errors else place(0, None)
    if reply.status in OF_THE_INPUT:
        return Fault(message, where, "correct it, and send it again", USAGE)
    return Fault(message, where, f"`{status}` shows how it is", FAULT)


def _told(body: bytes) -> tuple[str, list[tuple[str, str]]]:
    """A problem document's title with its detail, and its errors; of another body the beginning."""
    try:
        document = json.loads(body)
        errors = [(str(error["pointer"]), str(error["detail"])) for error in document.get("errors", ())]
        return f"{document['title']}: {document['detail']}", errors
    except (ValueError, KeyError, TypeError, AttributeError):
        return " ".join(body[:LONGEST_QUOTE].decode(errors="replace").split()), []


def _cell(pointer: str) -> tuple[int, int | None]:
    """The row and the position of the column that a pointer into a request of ours names."""
    parts = pointer.split("/")[1:]
    row = int(parts[2]) if parts[:2] == ["input_data", "data"] and len(parts) > 2 else 0
    return row, int(parts[3]) if len(parts) > 3 else None


def answers(reply: Reply, place: Place, status: str) -> list[Any]:
    """The predictions of an answer.

    Raises:
        Fault: something else than the model has answered, such as a proxy with its own page.
    """
    try:
        answer = json.loads(reply.body)
        return list(answer["predictions"] if isinstance(answer, dict) else answer)
    except (ValueError, KeyError, TypeError):
        message = f"the endpoint answers 200, and no predictions: {_told(reply.body)[0]}"
        raise Fault(message, place(0, None), f"`{status}` shows how it is") from None


def _header(reply: Reply, wanted: str) -> str:
    return next((value for name, value in reply.headers.items() if name.lower() == wanted), "unknown")


def _lines(answered: Answered) -> Iterator[str]:
    for prediction in answered.predictions[:SHOWN_PREDICTIONS]:
        yield json.dumps(prediction, ensure_ascii=False)
    more = answered.rows - SHOWN_PREDICTIONS
    if more > 0:
        yield f"… and {more:,} more; `--json` prints {MOST_PREDICTIONS:,}, `mlops batch` writes all into a file"
    shares = ", ".join(f"{name} {rows:,}" for name, rows in answered.deployments.items())
    yield f"{_counted(answered.rows, 'row')} in {_counted(answered.requests, 'request')}, answered by {shares}"


def _counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
