"""The command line of `mlops`: every verb with its arguments, and nothing that takes time to import."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import NoReturn

from deploy import argument_kinds as kinds
from ml.fault import invalid

STACKS, PLATFORMS = ("dev", "prod"), ("local", "azure")
TRAINS = "dev"  # the stack in which models are learnt
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
    "plan": "show what a release, or with --back a rollback, would do",
    "release": "bring the endpoint to what the pin names, step by step",
    "rollback": "bring back what the endpoint served before, and set the pin back",
    "status": "show pins, endpoints, deployments and traffic",
    "score": "send rows to an endpoint",
    "batch": "score a file without an endpoint",
    "monitor": "compare what the endpoint was asked with the training data",
    "schedule": "let a stack train on new rows and watch what it serves by the clock",
    "components": "register the pipelines' steps for those who build pipelines in the studio",
    "logs": "show the last lines of the deployments' logs",
    "down": "stop what runs",
    "doctor": "check what the loop here, or a first `up` on Azure, needs",
    "cost": "show what a stack costs a month, idle and busy",
    "drift": "show where Azure is no longer what a stack says",
    "changes": "show what a merge or a pull request concerns",
    "preview": "show what applying a stack would change, what the rules say, what it costs",
    "up": "apply a stack as a preview showed it",
    "propose": "propose a pin as a pull request: decide on it, then open it",
    "verify": "check that the pins of prod name what the gate let through and dev has served",
    "compare": "hold the last run's metrics against those of the last run on main",
    "comment": "write the results of a pull request's jobs into its one comment",
    "issue": "open an issue from a result, or bring the open one up to date",
    "expiry": "show which waivers and pins of actions end soon or have moved",
    "report": "write the report of the last run",
}
# These keep their result in a file for a later job; `new` and `batch` have an `--out` of their own.
KEPT = ("gate", "plan", "preview", "compare", "drift", "monitor", "expiry", "verify", "propose")


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are faults like all others, so that `--json` shows them too."""

    def error(self, message: str) -> NoReturn:
        """Raises the fault (exit code 2)."""
        verb = self.prog.partition(" ")[2]  # each line begins with `mlops:` anyway
        raise invalid(message, verb, f"{self.prog} --help")


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
        one.add_argument("--ci", action="store_true", help="in a pipeline: outputs, a summary, and decisions end green")
        one.add_argument(
            "--explain", action="store_true", help="print the `az` commands that come to the same; run none"
        )
        if verb in KEPT:
            one.add_argument("--out", dest="kept", type=Path, metavar="FILE", help="keep the result in a file")
        if verb != "new":
            usual = usual_platform()
            one.add_argument("--platform", choices=PLATFORMS, default=usual, help="what carries out the work")
        ADD.get(verb, _nothing)(one)
    return parser


def usual_platform() -> str:
    """The platform where none is given; a workflow says it once for all its commands.

    Raises:
        Fault: it is none.
    """
    named = os.environ.get("MLOPS_PLATFORM") or "local"
    if named not in PLATFORMS:
        raise invalid(f"`{named}` is no platform", "MLOPS_PLATFORM", f"one of {', '.join(PLATFORMS)}")
    return named


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
    verb.add_argument("--resume", type=kinds.run_id, metavar="RUN", help="wait for a run that was begun before")


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
    verb.add_argument(
        "--digest",
        help="a registered model by its bytes; default: dev's the last run, prod's what dev serves",
    )


def _plan(verb: argparse.ArgumentParser) -> None:
    _releasing(verb)
    verb.add_argument("--back", action="store_true", help="what a rollback would do instead")
    verb.add_argument("--to", metavar="VERSION", help="of a rollback: to this version; default: to the one before")


def _releasing(verb: argparse.ArgumentParser) -> None:
    _problem(verb)
    _stack(verb, "dev")
    verb.add_argument("--retry", action="store_true", help="release even what was rejected here before")


def _release(verb: argparse.ArgumentParser) -> None:
    _releasing(verb)
    verb.add_argument("--plan", type=Path, metavar="FILE", help="only what this plan of `mlops plan --out` shows")
    _wait(verb)


def _rollback(verb: argparse.ArgumentParser) -> None:
    _problem(verb)
    _stack(verb, "prod")
    verb.add_argument("--to", metavar="VERSION", help="to this version, which served here; default: to the one before")
    verb.add_argument("--reason", default="rolled back by hand", help="kept with the rejected digest")
    _wait(verb)


def _wait(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--wait", type=kinds.seconds, default=0.0, metavar="SECONDS", help="for a release that is under way"
    )


def _status(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("problem", nargs="?", help="only this one's endpoints; its name, or the path of its YAML file")
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
    verb.add_argument("--all", action="store_true", help="every problem that the stack serves")
    verb.add_argument("--requests", type=Path, help="look at the rows of a file instead of what was collected")
    verb.add_argument("--labels", type=Path, help="a file with the id (or request_id) and the target, as labels came")
    verb.add_argument("--since", metavar="DATE", help="only requests from this day on")
    verb.add_argument("--until", metavar="DATE", help="only requests before this day")


def _schedule(verb: argparse.ArgumentParser) -> None:
    _problem(verb)
    _stack(verb, "dev")
    how = verb.add_mutually_exclusive_group()
    how.add_argument("--update", action="store_true", help="bring those up to date that are there, and make none")
    how.add_argument("--remove", action="store_true", help="remove them")
    verb.add_argument(
        "--email",
        type=kinds.address,
        action="append",
        default=[],
        metavar="ADDRESS",
        help="prod: whom Azure ML's model monitor tells; default: as before",
    )


def _components(verb: argparse.ArgumentParser) -> None:
    _stack(verb, "dev")


def _logs(verb: argparse.ArgumentParser) -> None:
    _problem(verb)
    _stack(verb, "prod")
    verb.add_argument("--lines", type=kinds.count, default=20, help="so many of each deployment")


def _doctor(verb: argparse.ArgumentParser) -> None:
    _stack(verb, "dev")


def _drift(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--stack", choices=("shared", *STACKS), required=True)


def _down(verb: argparse.ArgumentParser) -> None:
    _stack(verb, None)


def _changes(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--since", metavar="COMMIT", help="default: the last commit that was delivered from main")
    verb.add_argument("--problems", default="", metavar="NAMES", help="those that are delivered; default: all")


def _preview(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--stack", choices=("shared", *STACKS), required=True)
    verb.add_argument("--approved", default="", metavar="URNS", help="apart by blanks: what a person gives up")
    verb.add_argument("--since", metavar="COMMIT", help="show the difference of cost to a commit")


def _up(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--stack", choices=("shared", *STACKS), required=True)
    verb.add_argument("--plan", type=Path, metavar="FILE", required=True, help="what `mlops preview --out` kept")


def _propose(verb: argparse.ArgumentParser) -> None:
    _problem(verb)
    verb.add_argument("--back", action="store_true", help="set prod's pin to what prod serves, after a rollback")
    verb.add_argument("--open", type=Path, metavar="FILE", help="open the pull request that `--out` kept")


def _verify(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--since", metavar="COMMIT", required=True, help="the base: pins that differ from its are checked"
    )


def _compare(verb: argparse.ArgumentParser) -> None:
    _problem(verb)
    verb.add_argument("--evidence", type=Path, help="the champion's; default: what the last run on main left")


def _comment(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--request", type=int, metavar="NUMBER", help="the pull request; default: only print the comment")
    verb.add_argument("--parts", type=Path, required=True, metavar="FOLDER", help="what the jobs kept with --out")


def _issue(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--parts", type=Path, required=True, metavar="FOLDER", help="what the jobs kept with --out")


def _expiry(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--within", type=int, default=21, metavar="DAYS", help="what ends in so many days")


def _report(verb: argparse.ArgumentParser) -> None:
    _problem(verb)
    verb.add_argument("--out", type=Path, metavar="FILE", required=True, help="where the HTML file goes")


ADD = {
    "run": _run, "new": _new, "data": _data, "train": _train, "gate": _gate, "promote": _promote, "plan": _plan,
    "release": _release, "rollback": _rollback, "status": _status, "score": _score, "batch": _batch,
    "monitor": _monitor, "schedule": _schedule, "components": _components, "logs": _logs,
    "down": _down, "doctor": _doctor, "cost": _doctor, "drift": _drift, "changes": _changes, "preview": _preview,
    "up": _up, "propose": _propose, "verify": _verify, "compare": _compare, "comment": _comment, "issue": _issue,
    "expiry": _expiry, "report": _report,
}  # fmt: skip
