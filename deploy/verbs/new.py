"""`mlops new`: writes a problem file from a CSV or Parquet file."""

from __future__ import annotations

import argparse
from dataclasses import asdict

from deploy.context import Context, Done
from deploy.exit_codes import DONE
from deploy.new import Written, new


def run(arguments: argparse.Namespace, context: Context) -> Done:
    """The verb."""
    context.screen.working(f"read {arguments.data}")
    written = new(
        arguments.name,
        arguments.data,
        arguments.target,
        arguments.time,
        arguments.group,
        arguments.id,
        arguments.out,
        arguments.force,
    )
    return Done(DONE, {**asdict(written), "file": str(written.file)}, tuple(_lines(written, bool(arguments.out))))


def _lines(written: Written, elsewhere: bool) -> list[str]:
    lines = [f"wrote {written.file}: {written.task}, {written.rows:,} rows, {len(written.features)} features"]
    lines += [f"  left out  {name}: {why}" for name, why in written.left_out.items()]
    lines += [f"  look at   {name}: {why}" for name, why in written.look_at.items()]
    return [*lines, f"next: mlops run {written.file if elsewhere else written.name}"]
