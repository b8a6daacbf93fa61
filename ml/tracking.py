"""Tells numbers to the tracking server of the job that this process runs in, where there is one."""

from __future__ import annotations

import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping

from ml.fault import Fault

TRIES, PAUSE_SECONDS, ANSWER_SECONDS = 5, 2.0, 30.0


def log_metrics(metrics: Mapping[str, float | None], environment: Mapping[str, str] = os.environ) -> None:
    """Logs finite metrics to the run that Azure ML has opened for this job; elsewhere it does nothing.

    MLflow's REST interface, asked without MLflow: its import takes longer than most steps, and Azure ML's
    plug-in would bring the cloud SDK along.

    Raises:
        Fault: the server refuses, or does not answer.
    """
    address, run_id = environment.get("MLFLOW_TRACKING_URI", ""), environment.get("MLFLOW_RUN_ID")
    if run_id is None or not address.startswith(("azureml://", "http://", "https://")):
        return
    url = address.replace("azureml://", "https://", 1).split("?")[0].rstrip("/") + "/api/2.0/mlflow/runs/log-batch"
    now = int(time.time() * 1000)
    known = [{"key": k, "value": v, "timestamp": now, "step": 0} for k, v in metrics.items() if v is not None]
    body = json.dumps({"run_id": run_id, "metrics": known, "params": [], "tags": []}).encode()
    headers = {"Content-Type": "application/json"}
    if token := environment.get("MLFLOW_TRACKING_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    _post(urllib.request.Request(url, body, headers))  # noqa: S310 - the scheme is one of the three above


def _post(request: urllib.request.Request) -> None:
    for left in reversed(range(TRIES)):
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS):  # noqa: S310 - see above
                return
        except urllib.error.HTTPError as error:
            if not left or (error.code < 500 and error.code not in (408, 429)):
                message = f"the tracking server answers {error.code}: {error.read(300).decode(errors='replace')}"
                raise Fault(message, request.full_url, "run the job again") from None
        except OSError as error:
            if not left:
                raise Fault(f"the tracking server does not answer: {error}", request.full_url, "run it again") from None
        time.sleep(PAUSE_SECONDS)
