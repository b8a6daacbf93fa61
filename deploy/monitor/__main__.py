"""`python -m deploy.monitor`: one look at what was collected, as a scheduled job has it."""

from __future__ import annotations

import argparse
import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.exit_codes import DRIFT, WAITING
from ml.fault import Fault, entry
from ml.lean import without_pandas

if TYPE_CHECKING:
    from deploy.monitor.verdict import Verdict


@entry
def main() -> None:
    """Writes `verdict.json` and ends well only where nothing was found.

    Raises:
        Fault: drift or degradation (exit code 6), too few requests (4), or a file that does not fit.
    """
    given = _parser().parse_args()
    without_pandas()
    verdict = _look(given.problem, given.model, given.collected, given.days)
    given.verdict.mkdir(parents=True, exist_ok=True)
    text = json.dumps(verdict.to_json(), ensure_ascii=False, indent=1)
    (given.verdict / "verdict.json").write_text(text, encoding="utf-8")
    print("\n".join([verdict.decision, *verdict.reasons]))
    if verdict.decision != "ok":
        code = WAITING if verdict.decision == "inconclusive" else DRIFT
        raise Fault(
            f"{verdict.decision}: {verdict.reasons[0]}", str(given.collected), "`mlops monitor` shows more", code
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m deploy.monitor", description=__doc__)
    parser.add_argument("--problem", type=Path, required=True, help="its YAML file")
    parser.add_argument("--model", type=Path, required=True, help="the folder of the model that answers")
    parser.add_argument("--collected", type=Path, required=True, help="the folder of the collected requests")
    parser.add_argument("--days", type=int, default=7, help="so many days back")
    parser.add_argument("--verdict", type=Path, required=True, help="a folder for the verdict")
    return parser


def _look(problem: Path, model: Path, collected: Path, days: int) -> Verdict:
    from deploy.monitor.collected import asked_of
    from deploy.monitor.monitor import monitor
    from ml.digest import of_path
    from ml.model.model import Model
    from ml.problem import load_problem
    from ml.serving.collection import PROBE, read_collected

    since = dt.datetime.now(dt.UTC) - dt.timedelta(days=days)
    records = (one for one in read_collected(collected, since) if not one.request_id.startswith(PROBE))
    return monitor(load_problem(problem), model, asked_of(records, Model.load(model), of_path(model)))


if __name__ == "__main__":
    main()
