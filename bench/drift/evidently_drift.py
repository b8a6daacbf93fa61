"""Evidently's DataDriftPreset on two Parquet files; runs in Evidently's own environment."""

from __future__ import annotations

import argparse
import json
import re
import time
from pathlib import Path

import pandas as pd
from evidently import Report
from evidently.presets import DataDriftPreset


def main() -> None:
    """Prints one JSON line for each current file: seconds, drift by column, peak megabytes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("reference")
    parser.add_argument("current", nargs="+")
    parser.add_argument("--method", help="one statistic for all columns, such as psi; Evidently's choice by default")
    options = parser.parse_args()
    reference = pd.read_parquet(options.reference)
    for path in options.current:
        current = pd.read_parquet(path)
        began = time.perf_counter()
        preset = DataDriftPreset(method=options.method)
        found = Report([preset]).run(current_data=current, reference_data=reference).dict()
        seconds = time.perf_counter() - began
        peak = peak_mb()
        print(json.dumps({"seconds": seconds, "peak_mb": peak, "drifted": sorted(_drifted(found))}), flush=True)


def peak_mb() -> float:
    """The most memory that this process had, on Linux; `getrusage` would count its parent's too."""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+)", status)[0]) / 1024


def _drifted(found: dict) -> list[str]:
    names = []
    for metric in found["metrics"]:
        config = metric.get("config", {})
        if "column" in config:
            method, value, threshold = config["method"], float(metric["value"]), config["threshold"]
            # A p-value drifts below its threshold, a distance above.
            if value < threshold if "p_value" in method else value >= threshold:
                names.append(config["column"])
    return names


if __name__ == "__main__":
    main()
