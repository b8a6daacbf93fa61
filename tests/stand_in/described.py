"""Bodies against the service's own description, which azure-ai-ml did not write."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

from azure.mgmt.machinelearningservices import models

from tests.stand_in.server import Refused

# What the service has learnt since the described version (2023-04-01): by class, the keys and no more.
LATER = {
    "BatchDeploymentProperties": {"deploymentConfiguration"},
    "ManagedOnlineDeployment": {"dataCollector"},
    "KubernetesOnlineDeployment": {"dataCollector"},
    "ModelVersionProperties": {"stage"},
    "DataVersionBaseProperties": {"stage"},
    "ScheduleActionBase": {"monitorDefinition"},  # looked at by schedules.py
}
# And by class and attribute, the words in lower case.
LATER_WORDS = {("ScheduleActionBase", "action_type"): {"createmonitor"}}


def check(described: str, body: Any) -> None:
    """Refuses what the description does not allow.

    Raises:
        Refused: (400) with every fault's place.
    """
    faults = list(faults_of(described, body, "$"))
    if faults:
        raise Refused(400, "InvalidRequestContent", "; ".join(faults))


def faults_of(described: str, value: Any, place: str) -> Iterator[str]:
    """What is wrong with a value of a described type; a mark's form is msrest's: str, [str], {str}, Class."""
    if value is None:
        return
    if described.startswith("["):
        yield from _faults_of_list(described[1:-1], value, place)
    elif described.startswith("{"):
        yield from _faults_of_map(described[1:-1], value, place)
    elif hasattr(getattr(models, described, None), "_attribute_map"):
        yield from _faults_of_object(getattr(models, described), value, place)
    else:
        yield from _faults_of_word(described, value, place)


def _faults_of_list(described: str, value: Any, place: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{place}: a list is wanted"
        return
    for number, one in enumerate(value):
        yield from faults_of(described, one, f"{place}[{number}]")


def _faults_of_map(described: str, value: Any, place: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place}: an object is wanted"
        return
    for key, one in value.items():
        if described == "str" and key == "hash_version" and isinstance(one, int):
            continue  # what every version of the SDK sends; the service reads a number as its text
        yield from faults_of(described, one, f"{place}.{key}")


def _faults_of_object(described: Any, value: Any, place: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{place}: an object is wanted"
        return
    described = _kind(described, value)
    keys = {entry["key"].split(".")[0]: (name, entry["type"]) for name, entry in described._attribute_map.items()}
    later = {key for one in described.__mro__ for key in LATER.get(one.__name__, ())}
    for key in value.keys() - keys.keys() - later:
        yield f"{place}.{key}: {described.__name__} has no such key"
    for key, (name, kind) in keys.items():
        rules = described._validation.get(name, {})
        if value.get(key) is None:
            if rules.get("required"):
                yield f"{place}.{key}: it is required"
            continue
        yield from faults_of(kind, value[key], f"{place}.{key}")
        words = _words(described).get(name, set()) | LATER_WORDS.get((described.__name__, name), set())
        if words and isinstance(value[key], str) and value[key].lower() not in words:
            yield f"{place}.{key}: {value[key]!r} is none of {sorted(words)}"
        pattern = rules.get("pattern")
        if pattern and isinstance(value[key], str) and not re.search(pattern, value[key]):
            yield f"{place}.{key}: it does not fit {pattern}"


def _kind(described: Any, value: dict[str, Any]) -> Any:
    """The class that the discriminator names."""
    while subtypes := vars(described).get("_subtype_map"):  # its own, not what it inherits
        (name, kinds), *_ = subtypes.items()
        word = value.get(described._attribute_map[name]["key"])
        by_word = {key.lower(): kind for key, kind in kinds.items()}
        if str(word).lower() not in by_word:
            return described
        described = getattr(models, by_word[str(word).lower()])
    return described


def _faults_of_word(described: str, value: Any, place: str) -> Iterator[str]:
    wanted = {"str": str, "int": int, "float": (int, float), "bool": bool, "iso-8601": str, "duration": str}
    kind = wanted.get(described)
    if kind is not None and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
        yield f"{place}: {described} is wanted, not {value!r}"
    if described == "duration" and isinstance(value, str) and not re.fullmatch(r"P(\d+D)?(T[\dHMS.]+)?", value):
        yield f"{place}: {value!r} is no duration of ISO 8601"


@functools.cache
def _words(described: Any) -> dict[str, set[str]]:
    """By attribute, the words that an enumeration allows, in lower case: the package tells them in its docstrings."""
    told = re.findall(r":ivar (\w+): (.*?):vartype", " ".join((described.__doc__ or "").split()))
    known = ((name, re.search(r"Known values are: (.*)", text)) for name, text in told)
    return {name: {word.lower() for word in re.findall(r'"([^"]*)"', found[1])} for name, found in known if found}
