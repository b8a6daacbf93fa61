"""The OpenAPI 3.1 document of a model's scoring server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from ml.model.encoder import Encoder, Feature
from ml.model.model import Card
from ml.serving.request import Limits
from ml.serving.scorer import Scorer
from ml.serving.served import Served

EXAMPLE = "input_example.json"
Schema = dict[str, Any]

_TYPES = {
    "number": ["number"],
    "category": ["string", "integer", "boolean"],
    "boolean": ["boolean"],
    "date": ["string"],
}
_STAND_INS = {"number": 0.0, "category": "", "boolean": False, "date": "2013-06-01T10:30:00"}
_SCALAR: Schema = {"type": ["string", "number", "boolean", "null"]}
_REFUSALS = {
    400: "The body is no JSON, has a key twice, or is not what its Content-Encoding says.",
    413: "The body or the number of rows is too large.",
    415: "The content type is not application/json, or the content encoding neither gzip nor deflate.",
    422: "The rows do not fit the model; `errors` says where.",
    500: "The server failed, or the model's answer is not a number.",
}


def openapi(scorer: Scorer, served: Served, folder: Path | None = None) -> bytes:
    """The document as JSON.

    Args:
        scorer: its model is described, and answers the example.
        served: what answers.
        folder: where MLflow's input example may lie; without one that fits, a row is made up.
    """
    example = _example(scorer, folder)
    answer = msgspec.json.decode(scorer.score(msgspec.json.encode({"input_data": example})).body)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": _info(scorer.model.card, served),
            "servers": [{"url": "/"}],
            "security": [{"key": []}],
            "paths": _paths(scorer, example, answer),
            "components": _components(scorer.model.encoder, scorer.model.card),
        }
    )


def _example(scorer: Scorer, folder: Path | None) -> dict[str, Any]:
    """Rows that this model answers, in MLflow's split form."""
    try:
        given = json.loads(((folder or Path()) / EXAMPLE).read_text(encoding="utf-8"))
        example = {"columns": given["columns"], "data": given["data"][:2]}
        if scorer.score(msgspec.json.encode({"input_data": example})).status == 200:
            return example
    except (OSError, ValueError, KeyError, TypeError):
        pass
    features = scorer.model.encoder.features
    return {"columns": [f.name for f in features], "data": [[_stand_in(f) for f in features]]}


def _stand_in(feature: Feature) -> Any:
    return feature.categories[0] if feature.categories else _STAND_INS[feature.kind]


def _info(card: Card, served: Served) -> Schema:
    return {
        "title": f"Scoring: {card.problem}",
        "version": served.version,
        "description": f"Predicts `{card.target}` ({card.task}) by {served.model_version}.",
    }


def _paths(scorer: Scorer, example: dict[str, Any], answer: list[Any]) -> Schema:
    records = [dict(zip(example["columns"], row, strict=True)) for row in example["data"]]
    columns = {name: [record[name] for record in records] for name in example["columns"]}
    bodies = {
        "input_data": {"value": {"input_data": example}},
        "dataframe_split": {"value": {"dataframe_split": example}},
        "dataframe_records": {"value": {"dataframe_records": records}},
        "inputs": {"value": {"inputs": columns}},
    }
    answers = {"input_data": {"value": answer}, "others": {"value": {"predictions": answer}}}
    return {
        "/score": {"post": _scoring("score", bodies, answers, scorer.limits)},
        "/invocations": {"post": _scoring("invocations", bodies, answers, scorer.limits)},
        "/live": {"get": _reading("live", "Whether the process answers.", "Health")},
        "/ready": {"get": _reading("ready", "Whether the model is loaded.", "Health")},
        "/version": {"get": _reading("version", "What is deployed.", "Served")},
    }


def _scoring(name: str, bodies: Schema, answers: Schema, limits: Limits) -> Schema:
    refusal = {"application/problem+json": {"schema": _reference("Refusal")}}
    return {
        "operationId": name,
        "summary": "Answers rows, in the order they came.",
        "description": f"At most {limits.rows} rows, {limits.body} bytes. Columns may stand in any order.",
        "parameters": [
            {
                "name": "content-encoding",
                "in": "header",
                "description": "How the body is compressed; the limit is of what it unpacks to.",
                "schema": {"enum": ["gzip", "deflate"]},
            },
            {
                "name": "x-request-id",
                "in": "header",
                "description": "Names the request in the answer and in what is collected.",
                "schema": {"type": "string", "pattern": "^[A-Za-z0-9_.:-]{1,128}$"},
            },
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _reference("Request"), "examples": bodies}},
        },
        "responses": {
            "200": {
                "description": "One prediction a row.",
                "headers": {key: {"schema": {"type": "string"}} for key in _HEADERS},
                "content": {"application/json": {"schema": _reference("Answer"), "examples": answers}},
            },
            **{str(status): {"description": text, "content": refusal} for status, text in _REFUSALS.items()},
        },
    }


_HEADERS = ("x-request-id", "azureml-model-deployment", "mlops-model-version", "mlops-model-digest")


def _reading(name: str, summary: str, schema: str) -> Schema:
    content = {"application/json": {"schema": _reference(schema)}}
    return {
        "operationId": name,
        "summary": summary,
        "responses": {"200": {"description": "Yes.", "content": content}},
    }


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _components(encoder: Encoder, card: Card) -> Schema:
    text: Schema = {"type": "string"}
    named = dict.fromkeys(("deployment", "model", "version", "digest"), text)
    flaw = {
        "type": "object",
        "properties": {"pointer": text, "detail": text},
        "required": ["pointer", "detail"],
    }
    refusal = {
        "type": text,
        "title": text,
        "status": {"type": "integer"},
        "detail": text,
        "errors": {"type": "array", "maxItems": 20, "items": flaw},
    }
    return {
        "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "The endpoint's key."}},
        "schemas": {
            **_request_schemas(encoder, card),
            "Answer": _answer_schema(card),
            "Refusal": {
                "type": "object",
                "properties": refusal,
                "required": ["type", "title", "status", "detail"],
            },
            "Health": {"type": "object", "properties": {"status": text}, "required": ["status"]},
            "Served": {"type": "object", "properties": named, "required": list(named)},
        },
    }


def _request_schemas(encoder: Encoder, card: Card) -> Schema:
    columns = {feature.name: _value_schema(feature) for feature in encoder.features}
    carried = dict.fromkeys(card.carried, _SCALAR)
    required = list(columns)
    lists = {name: {"type": "array", "minItems": 1, "items": schema} for name, schema in {**columns, **carried}.items()}
    records = {"type": "array", "minItems": 1, "items": _reference("Record")}
    return {
        "Record": _closed({**columns, **carried}, required),
        "Columns": _closed(lists, required),
        "Split": _split_schema([*columns, *carried], len(columns)),
        "Request": {
            "oneOf": [
                _closed({"input_data": _reference("Split")}, ["input_data"]),
                _closed({"dataframe_split": _reference("Split")}, ["dataframe_split"]),
                _closed({"dataframe_records": records}, ["dataframe_records"]),
                _closed({"inputs": {"oneOf": [_reference("Columns"), records]}}, ["inputs"]),
            ]
        },
    }


def _closed(properties: Schema, required: list[str]) -> Schema:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _split_schema(names: list[str], fewest: int) -> Schema:
    columns = {"type": "array", "items": {"enum": names}, "minItems": fewest, "uniqueItems": True}
    data = {"type": "array", "minItems": 1, "items": {"type": "array", "minItems": fewest, "items": _SCALAR}}
    return _closed({"columns": columns, "index": {"type": ["array", "null"]}, "data": data}, ["columns", "data"])


def _value_schema(feature: Feature) -> Schema:
    schema: Schema = {"type": _TYPES[feature.kind] + (["null"] if feature.nullable else [])}
    if feature.kind == "date":
        schema["description"] = "An ISO 8601 date or date with time; an offset is brought to UTC."
    if feature.categories:
        schema |= {
            "description": "Levels that training did not see are accepted.",
            "examples": feature.categories[:3],
        }
    return schema


def _answer_schema(card: Card) -> Schema:
    one: Schema = {"type": "number"}
    if card.task == "classification" and card.answer == "label":
        one = {"enum": card.labels}
    elif card.task == "classification":
        one = {"type": "number", "minimum": 0, "maximum": 1}
        if len(card.classes) > 2:
            one = {
                "type": "array",
                "minItems": len(card.classes),
                "maxItems": len(card.classes),
                "items": one,
            }
    answers = {"type": "array", "items": one}
    return {"oneOf": [answers, _closed({"predictions": answers}, ["predictions"])]}
