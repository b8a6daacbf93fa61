"""The command line of `mlops`: every verb with its arguments, and nothing that takes time to import."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from ml.fault import invalid

STACKS, PLATFORMS = ("dev", "prod"), ("local", "azure")
DEFAULT_PROBLEM = "flight-delay"
EXIT_CODES = """\
exit codes: 0 done or nothing to do · 1 fault · 2 wrong usage or invalid input · 3 refused by the gate ·
4 inconclusive or waiting for a person · 5 rolled back · 6 drift or degradation found · 7 interrupted, resumable"""

VERBS = {
    "run": "the whole loop on this machine, from the data to prod and the report",
    "new": "write a problem file from a CSV or Parquet file",
    "data": "bring a problem's raw rows to where training reads them (push), or from there (pull)",
    "train": "run the training pipeline",
    "gate": "hold the last run against champion and floors; register it where it passes",
    "promote": "set a stack's pin: dev's to what the gate registered, prod's to dev's after an approval",
    "plan": "show what a release would do",
    "release": "bring the endpoint to what the pin names, step by step",
    "rollback": "bring back what the endpoint served before, and set the pin back",
    "status": "show pins, endpoints, deployments and traffic",
    "score": "send rows to an endpoint",
    "batch": "score a file without an endpoint",
    "monitor": "compare what the endpoint was asked with the training data",
    "logs": "show the last lines of the deployments' logs",
    "down": "stop what runs",
    "doctor": "check what the loop here, or a first `up` on Azure, needs",
    "cost": "show what a stack costs a month, idle and busy",
    "drift": "show where Azure is no longer what a stack says",
}


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are faults like all others, so that `--json` shows them too."""

    def error(self, message: str) -> NoReturn:
        """Raises the fault (exit code 2)."""
        raise invalid(message, self.prog, f"{self.prog} --help")


def make_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = Parser(
        prog="mlops",
        description="From a CSV to a guarded production endpoint, and keep it there.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, text in VERBS.items():
        one = verbs.add_parser(verb, help=text, description=text[0].upper() + text[1:] + ".")
        one.add_argument("--json", action="store_true", help="print one JSON object on stdout, all else on stderr")
        if verb != "new":
            one.add_argument("--platform", choices=PLATFORMS, default="local", help="what carries out the work")
        ADD.get(verb, _nothing)(one)
    return parser


def _nothing(verb: argparse.ArgumentParser) -> None:
    pass


def _problem(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("problem", nargs="?", default=DEFAULT_PROBLEM, help="its name, or the path of its YAML file")


def _stack(verb: argparse.ArgumentParser, default: str | None) -> None:
    verb.add_argument("--stack", choices=STACKS, default=default, help=f"default: {default or 'both'}")


def _yes(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--yes", action="store_true", help="give the approval for prod")


def _run(verb: argparse.ArgumentParser) -> None:
    _problem(verb)
    _training(verb)
    _yes(verb)


def _training(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--until", metavar="DATE", help="train as of a day: labelled rows end there")
    verb.add_argument("--from-monitor", action="store_true", help="add collected requests whose labels have come")


def _train(verb: argparse.ArgumentParser) -> None:
    _problem(verb)
    _stack(verb, "dev")
    _training(verb)
    verb.add_argument("--no-wait", action="store_true", help="return as soon as the run has begun")
    verb.add_argument("--resume", metavar="RUN", help="wait for a run that was begun before")


def _data(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("action", choices=("push", "pull"))
    _problem(verb)
    _stack(verb, "dev")
    verb.add_argument("--version", help="of a push; default: the newest")


def _gate(verb: argparse.ArgumentParser) -> None:
    _problem(verb)
    verb.add_argument("--run", metavar="RUN", help="a run's id; default: the last one")


def _new(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("name", help="lower-case letters, digits and hyphens; the endpoint's name too")
    verb.add_argument("--data", type=Path, required=True, help="a CSV or Parquet file, or a folder of such files")
    verb.add_argument("--target", required=True, help="the column to predict")
    verb.add_argument("--time", help="the column that orders the rows in time")
    verb.add_argument("--group", help="the column whose values stay together (a patient, a customer)")
    verb.add_argument("--id", help="the column that names a row")
    verb.add_argument("--out", type=Path, help="default: ml/problems/NAME.yaml")
    verb.add_argument("--force", action="store_true", help="write over a file that is there")


def _promote(verb: argparse.ArgumentParser) -> None:
    _problem(verb)
    _stack(verb, "prod")
    _yes(verb)


def _plan(verb: argparse.ArgumentParser) -> None:
    _problem(verb)
    _stack(verb, "dev")
    verb.add_argument("--retry", action="store_true", help="release even what was rejected here before")


def _rollback(verb: argparse.ArgumentParser) -> None:
    _problem(verb)
    _stack(verb, "prod")
    verb.add_argument("--reason", default="rolled back by hand", help="kept with the rejected digest")


def _status(verb: argparse.ArgumentParser) -> None:
    _stack(verb, None)


def _score(verb: argparse.ArgumentParser) -> None:
    _problem(verb)
    _stack(verb, "prod")
    verb.add_argument("--data", type=Path, required=True, help="rows as CSV or Parquet, or a request's body as .json")
    verb.add_argument("--deployment", help="ask this deployment, whatever the traffic says")
    verb.add_argument("--rows", type=int, default=None, help="send so many rows at most")


def _batch(verb: argparse.ArgumentParser) -> None:
    _problem(verb)
    _stack(verb, "prod")
    verb.add_argument("--data", type=Path, required=True, help="rows as CSV or Parquet")
    verb.add_argument(
        "--out", type=Path, required=True, help="where the rows with their predictions go (.csv, .parquet)"
    )
    verb.add_argument("--pipeline", action="store_true", help="azure: as a pipeline of which scoring is a step")


def _monitor(verb: argparse.ArgumentParser) -> None:
    _problem(verb)
    _stack(verb, "prod")
    verb.add_argument("--requests", type=Path, help="look at the rows of a file instead of what was collected")
    verb.add_argument("--labels", type=Path, help="a file with the id (or request_id) and the target, as labels came")
    verb.add_argument("--since", metavar="DATE", help="only requests from this day on")
    verb.add_argument("--until", metavar="DATE", help="only requests before this day")


def _logs(verb: argparse.ArgumentParser) -> None:
    _problem(verb)
    _stack(verb, "prod")
    verb.add_argument("--lines", type=int, default=20, help="so many of each deployment")


def _doctor(verb: argparse.ArgumentParser) -> None:
    _stack(verb, "dev")


def _drift(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--stack", choices=("shared", *STACKS), required=True)


def _down(verb: argparse.ArgumentParser) -> None:
    _stack(verb, None)


ADD = {
    "run": _run, "new": _new, "data": _data, "train": _train, "gate": _gate, "promote": _promote, "plan": _plan,
    "release": _plan, "rollback": _rollback, "status": _status, "score": _score, "batch": _batch, "monitor": _monitor,
    "logs": _logs, "down": _down, "doctor": _doctor, "cost": _doctor, "drift": _drift,
}  # fmt: skip
