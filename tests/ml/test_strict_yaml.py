from pathlib import Path

import pytest

from ml.fault import Fault
from ml.strict_yaml import Strict, load, load_document


class Inner(Strict):
    seconds: float = 1.0


class Outer(Strict):
    name: str
    watch: Inner = Inner()
    steps: list[int] = []


def written(folder: Path, text: str) -> Path:
    path = folder / "some.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_fault_is_named_at_once_with_its_line_and_the_likely_word(tmp_path):
    path = written(tmp_path, "nmae: x\nwatch:\n  secnds: 2\nsteps: [1, two]\n")
    with pytest.raises(Fault) as caught:
        load(path, Outer)
    text = str(caught.value)
    assert "some.yaml:1: unknown key `nmae`; did you mean `name`?" in text
    assert "some.yaml:3: unknown key `watch.secnds`; did you mean `seconds`?" in text
    assert "`name` is missing" in text
    assert "some.yaml:4: `steps.1`" in text
    assert caught.value.code == 2


def test_a_key_that_stands_twice_is_refused_with_its_line(tmp_path):
    with pytest.raises(Fault, match=r"some.yaml:2.*duplicate key"):
        load_document(written(tmp_path, "name: a\nname: b\n"))


def test_no_is_a_word_and_a_version_is_not_rounded(tmp_path):
    document = load_document(written(tmp_path, "country: no\nversion: '1.10'\n"))
    assert document["country"] == "no"
    assert document["version"] == "1.10"


def test_one_type_is_not_turned_into_another(tmp_path):
    with pytest.raises(Fault, match=r"`name`: Input should be a valid string, not 5"):
        load(written(tmp_path, "name: 5\n"), Outer)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"a: \xff", "byte 3 is not UTF-8"), (b"a: [1", "mend the YAML"), (b"- a", "not keys and values")],
)
def test_a_file_that_cannot_be_read_is_one_clear_line(tmp_path, content, sentence):
    path = tmp_path / "some.yaml"
    path.write_bytes(content)
    with pytest.raises(Fault) as caught:
        load(path, Outer)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(Fault, match="there is no such file"):
        load_document(tmp_path / "absent.yaml")
