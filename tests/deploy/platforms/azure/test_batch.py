"""Batch scoring through the real SDK: the stand-in's job calls the real scoring script on the uploaded code."""

from __future__ import annotations

import csv
import io

import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from deploy.platforms.azure import batch as batch_module
from deploy.platforms.azure.batch import Batch
from deploy.platforms.azure.outputs import read_outputs
from deploy.platforms.azure.registry import Registry
from deploy.platforms.azure.sdk import Sdk
from deploy.runs import Run
from deploy.screen import Screen
from ml.batch import cutting
from ml.batch.scoring import score
from ml.fault import Fault
from ml.sources.breast_cancer import FILE
from tests.stand_in.pointing import point
from tests.stand_in.service import StandIn

PROBLEM = "breast-cancer"


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patched:
        started = StandIn.start(tmp_path_factory.mktemp("azure"))
        for name, value in started.variables().items():
            patched.setenv(name, value)
        point(started.server.url)
        started.assets.computes["mlw-dev"]["cpu-small"] = started.assets.resource("/computes/cpu-small", "computes", {})
        patched.setattr(batch_module, "POLL_SECONDS", 0.05)
        patched.setattr(cutting, "PART_ROWS", 64)
        patched.setattr(cutting.cut, "__defaults__", (256,))
        yield started
        started.stop()


@pytest.fixture(scope="module")
def scoring(service, registered, tmp_path_factory):
    """A stack's batch scoring, a registered model, and its rows as a file."""
    home, models = registered
    folder = tmp_path_factory.mktemp("dev")
    (folder / "evaluation").mkdir()
    (folder / "evaluation" / "measures.json").write_text("{}")
    sdk = Sdk(read_outputs("dev", folder))
    registry = Registry(sdk, folder / "models")
    of = home / "models" / PROBLEM / models["1"].digest / "model"
    run = Run(
        "run", PROBLEM, "", "", 1.0, "default", "commit", "d" * 64, str(of), str(folder / "evaluation"), "",
        str(home / "live"), models["1"].digest, (),
    )  # fmt: skip
    model = registry.register(run, b"{}", "PASS")
    return Batch(sdk, registry, folder / "batch"), model, of, home / FILE


@pytest.fixture
def screen():
    return Screen(io.StringIO())


def scored_here(of, rows, out):
    score(of, rows, out, lambda done: None)
    return out


def raw(service):
    return service.storage["dev"].list("raw", "batch/")


@pytest.mark.parametrize(("pipeline", "written"), [(False, ".csv"), (True, ".parquet")])
def test_a_file_is_scored_by_a_job_exactly_as_on_this_machine(service, scoring, screen, tmp_path, pipeline, written):
    batch, model, of, rows = scoring
    done = batch.score(model, rows, tmp_path / f"out{written}", screen, pipeline)
    here = scored_here(of, rows, tmp_path / f"here{written}")
    if written == ".csv":
        assert (tmp_path / "out.csv").read_bytes() == here.read_bytes()
    else:
        assert pq.read_table(tmp_path / "out.parquet") == pq.read_table(here)
    assert done["rows"] == pq.ParquetFile(rows).metadata.num_rows
    assert done["files"] == 3
    assert raw(service) == [], "nothing of the rows is left in the storage"


def test_the_second_time_nothing_is_made_anew_and_every_file_is_a_mini_batch(service, scoring, screen, tmp_path):
    batch, model, _, rows = scoring
    before = len(service.server.ledger)
    service.batch.tried.clear()
    batch.score(model, rows, tmp_path / "again.csv", screen, False)
    again = [call.path for call in service.server.ledger[before:] if call.method == "PUT"]
    assert [path for path in again if "/batchEndpoints/" in path or "/codes/" in path] == []
    assert sorted(service.batch.tried) == [[f"{number:05}.csv.parquet"] for number in range(3)]


@pytest.mark.parametrize("name", ["no-folder/out.csv", "."])
def test_a_place_where_no_file_can_stand_is_refused_before_anything_is_sent(scoring, service, screen, tmp_path, name):
    batch, model, _, rows = scoring
    before = len(service.server.ledger)
    with pytest.raises(Fault, match=r"no file can stand there|does not say a format"):
        batch.score(model, rows, tmp_path / name, screen, False)
    assert service.server.ledger[before:] == []


def test_a_row_that_cannot_be_scored_is_told_with_its_place_and_nothing_is_written(service, scoring, screen, tmp_path):
    batch, model, _, rows = scoring
    table = pq.read_table(rows)
    pyarrow.csv.write_csv(table, tmp_path / "rows.csv")
    lines = (tmp_path / "rows.csv").read_text().splitlines()
    names = next(csv.reader(lines[:1]))
    lines[300] = ",".join(
        "wide" if name == "mean radius" else value for name, value in zip(names, lines[300].split(","), strict=True)
    )
    (tmp_path / "rows.csv").write_text("\n".join(lines) + "\n")
    service.batch.tried.clear()
    with pytest.raises(Fault) as told:
        batch.score(model, tmp_path / "rows.csv", tmp_path / "out.csv", screen, False)
    assert "00001.csv.csv" in told.value.message
    assert "wide" in told.value.message
    assert "row 258" in told.value.message
    assert "https://ml.azure.com/runs/" in told.value.remedy
    assert not (tmp_path / "out.csv").exists()
    assert service.batch.tried.count(["00001.csv.csv"]) == 3, "the deployment tries a file twice more"


def test_an_interrupted_command_takes_its_job_up_again_through_hiccups(service, scoring, screen, tmp_path, monkeypatch):
    batch, model, of, rows = scoring
    server = service.server

    def interrupted(*_):
        raise KeyboardInterrupt

    server.trouble("PUT", "/rows/", None, times=2)
    with monkeypatch.context() as patched:
        patched.setattr(Batch, "_wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            batch.score(model, rows, tmp_path / "out.csv", screen, False)
    server.refuse("GET", "/jobs/batchjob-", 429, "TooManyRequests", "slow down", times=1, retry_after=1)
    server.refuse("GET", "/jobs/batchjob-", 503, "ServiceUnavailable", "later", times=12)
    jobs, before = set(service.batch.jobs), len(server.ledger)
    batch.score(model, rows, tmp_path / "out.csv", screen, False)
    assert set(service.batch.jobs) == jobs
    assert [c for c in server.ledger[before:] if c.method == "PUT" and "/rows/" in c.path] == []
    assert (tmp_path / "out.csv").read_bytes() == scored_here(of, rows, tmp_path / "here.csv").read_bytes()


def test_missing_rights_are_told_with_the_role(service, scoring, screen, tmp_path):
    batch, model, _, rows = scoring
    service.server.trouble("PUT", "/rows/", _forbidden(), times=1)
    with pytest.raises(Fault) as told:
        batch.score(model, rows, tmp_path / "out.csv", screen, False)
    assert "Storage Blob Data Contributor" in told.value.remedy


def _forbidden():
    from tests.stand_in.server import Answer

    text = b'<?xml version="1.0"?><Error><Code>AuthorizationPermissionMismatch</Code><Message>no</Message></Error>'
    return Answer(403, text, {"x-ms-error-code": "AuthorizationPermissionMismatch", "Content-Type": "application/xml"})
