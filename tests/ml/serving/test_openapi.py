"""The OpenAPI document, checked by a validator of others and against the server's own answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from ml.serving.openapi import openapi
from ml.serving.scorer import Scorer
from ml.serving.served import Served

Records = list[dict[str, Any]]
MODELS = ("regression", "binary", "three", "three-labels", "sklearn")


def document_of(scorer: Scorer, folder: Path | None = None) -> dict[str, Any]:
    return json.loads(openapi(scorer, Served("blue", "small", "3", "abc"), folder))


def checker(document: dict[str, Any], name: str) -> jsonschema.Draft202012Validator:
    """Checks instances of a named schema of the document."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("name", MODELS)
def test_the_document_is_openapi_3_1(scorers: dict[str, Scorer], name: str) -> None:
    OpenAPIV31SpecValidator(document_of(scorers[name])).validate()


@pytest.mark.parametrize("name", MODELS)
def test_each_example_fits_the_schema_and_is_answered_as_shown(scorers: dict[str, Scorer], name: str) -> None:
    document = document_of(scorers[name])
    for operation in (document["paths"][path]["post"] for path in ("/score", "/invocations")):
        bodies = operation["requestBody"]["content"]["application/json"]["examples"]
        answers = operation["responses"]["200"]["content"]["application/json"]["examples"]
        assert set(bodies) == {"input_data", "dataframe_split", "dataframe_records", "inputs"}
        for member, body in bodies.items():
            checker(document, "Request").validate(body["value"])
            answer = scorers[name].score(json.dumps(body["value"]).encode())
            assert answer.status == 200
            assert json.loads(answer.body) == answers[member if member in answers else "others"]["value"]
            checker(document, "Answer").validate(json.loads(answer.body))


def test_the_models_own_example_is_shown(scorer: Scorer, records: Records, tmp_path: Path) -> None:
    example = {"columns": list(records[0]), "data": [list(record.values()) for record in records[:2]]}
    (tmp_path / "input_example.json").write_text(json.dumps(example))
    operation = document_of(scorer, tmp_path)["paths"]["/score"]["post"]
    shown = operation["requestBody"]["content"]["application/json"]["examples"]["input_data"]["value"]
    assert shown == {"input_data": example}


@pytest.mark.parametrize("text", ["", "{}", '{"columns": ["x"], "data": [[1]]}', '{"columns": 1, "data": 2}', "[NaN]"])
def test_an_example_that_the_model_cannot_answer_is_replaced(scorer: Scorer, tmp_path: Path, text: str) -> None:
    (tmp_path / "input_example.json").write_text(text)
    assert document_of(scorer, tmp_path) == document_of(scorer)


def test_what_the_schema_takes_is_what_the_server_takes(
    scorer: Scorer, records: Records, body_of: Callable[[Records], Any]
) -> None:
    request = checker(document_of(scorer), "Request")
    row = records[0]
    good = [row, {**row, "carrier": 7}, {**row, "wind speed": None}, {**row, "flight_id": "x"}]
    bad = [
        {**row, "distance": "1"},
        {**row, "distance": True},
        {**row, "holiday": 1},
        {**row, "distance": None},
        {**row, "more": 1},
        {k: v for k, v in row.items() if k != "distance"},
        {**row, "crew": []},
    ]
    by_position = "data" in str(body_of(records[:1]))  # the split formats' schema cannot tell the columns apart
    for record in good + bad:
        body = body_of([record])
        taken = scorer.score(json.dumps(body).encode()).status == 200
        assert taken == (record in good)
        assert request.is_valid(body) or not taken
        assert by_position or request.is_valid(body) == taken


def test_a_refusal_fits_its_schema(scorer: Scorer) -> None:
    refusal = checker(document_of(scorer), "Refusal")
    for body in (b"", b'{"inputs": [{}]}', b'{"a": 1, "a": 2}'):
        refusal.validate(json.loads(scorer.score(body).body))


def test_the_server_shows_it_under_both_names(server: Any) -> None:
    shown = [server.ask("GET", path)[2] for path in ("/openapi.json", "/swagger.json")]
    assert shown[0] == shown[1]
    OpenAPIV31SpecValidator(json.loads(shown[0])).validate()
    for path, item in json.loads(shown[0])["paths"].items():
        if "get" in item:
            status, _, body = server.ask("GET", path)
            assert status == 200
            schema = item["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].rsplit("/")[-1]
            checker(json.loads(shown[0]), schema).validate(json.loads(body))
