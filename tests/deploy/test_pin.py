"""Pins: what is written is read, what is damaged is named, and two writers lose nothing."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.pin import Pins
from deploy.release.state import ModelRef
from ml.fault import Fault

DIGEST = st.text("0123456789abcdef", min_size=64, max_size=64) | st.sampled_from(["1" * 64, "1e" + "0" * 62, "0" * 64])
VERSIONS = st.integers(1, 10**6).map(str) | st.sampled_from(["1.10", "010", "1e3", "no"])
MODELS = st.builds(ModelRef, st.sampled_from(["flight-delay", "small"]), VERSIONS, DIGEST)


def model(number):
    return ModelRef("delay", str(number), f"{number:064x}")


@given(st.dictionaries(st.sampled_from(["flight-delay", "breast-cancer", "on", "no-1"]), MODELS, max_size=4))
def test_what_is_pinned_is_read_again(tmp_path_factory, models):
    pins = Pins(tmp_path_factory.mktemp("pins"))
    for problem, pinned in models.items():
        pins.write("prod", problem, pinned)
    assert {problem: pins.read("prod", problem) for problem in models} == models
    assert set(pins.problems("prod")) == set(models)
    assert pins.problems("dev") == ()


def test_a_pin_says_model_version_and_digest_in_three_lines(tmp_path):
    Pins(tmp_path).write("prod", "delay", model(3))
    assert (tmp_path / "prod.yaml").read_text().splitlines()[1:] == [
        "delay:",
        "  model: delay",
        '  version: "3"',
        f'  digest: "{model(3).digest}"',
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["prod.yaml"]


def test_a_pin_that_says_so_already_is_left_alone(tmp_path):
    pins = Pins(tmp_path)
    pins.write("prod", "delay", model(1))
    text = "# by hand\n" + (tmp_path / "prod.yaml").read_text()
    (tmp_path / "prod.yaml").write_text(text)
    pins.write("prod", "delay", model(1))
    assert (tmp_path / "prod.yaml").read_text() == text


DAMAGED = {
    "another key": "delay: {model: delay, version: 1, digest: DIGEST, more: 1}",
    "a key too few": "delay: {model: delay, digest: DIGEST}",
    "a digest that is short": "delay: {model: delay, version: 1, digest: abc}",
    "a digest that is none": f"delay: {{model: delay, version: 1, digest: {'x' * 64}}}",
    "a list": "- delay",
    "a word": "delay: latest",
    "a key twice": "delay: {model: a, version: 1, digest: DIGEST}\ndelay: {model: b, version: 1, digest: DIGEST}",
    "no YAML": "delay: {",
    "nothing": "",
    "a comment alone": "# What prod shall serve.\n",
    "a torn end": "delay:\n  model: delay\n  vers",
}


@pytest.mark.parametrize("what", DAMAGED)
def test_a_damaged_file_is_named_and_stays_as_it_is(tmp_path, what):
    pins, text = Pins(tmp_path), DAMAGED[what].replace("DIGEST", "a" * 64)
    pins.path("prod").write_text(text)
    for act in (lambda: pins.read("prod", "delay"), lambda: pins.write("prod", "delay", model(1))):
        with pytest.raises(Fault) as fault:
            act()
        assert "prod.yaml" in fault.value.where
        assert fault.value.code == 2
    assert pins.path("prod").read_text() == text


def test_writers_at_once_lose_nothing(tmp_path):
    pins, names = Pins(tmp_path), [f"problem-{number}" for number in range(12)]
    threads = [threading.Thread(target=pins.write, args=("dev", name, model(1))) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(pins.problems("dev")) == set(names)
