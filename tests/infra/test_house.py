"""The house of infra: nothing imported across, short constructors, one component a file."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "infra").rglob("*.py"))
COMPONENTS = sorted((ROOT / "infra" / "components").glob("[a-z]*.py"))


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(ROOT)))
def test_a_file_imports_nothing_of_ml_or_deploy_and_no_function_is_longer_than_sixty_lines(file):
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            assert node.module.split(".")[0] not in ("ml", "deploy")
        if isinstance(node, ast.Import):
            assert not [name for name in node.names if name.name.split(".")[0] in ("ml", "deploy")]
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno - node.lineno < 60, node.name
    document = ast.get_docstring(tree)
    assert document


@pytest.mark.parametrize("file", COMPONENTS, ids=lambda f: f.name)
def test_a_file_of_components_holds_one_that_is_called_like_it(file):
    if file.name == "__init__.py":
        return
    classes = [node for node in ast.parse(file.read_text()).body if isinstance(node, ast.ClassDef)]
    components = [c.name for c in classes if any("ComponentResource" in ast.unparse(base) for base in c.bases)]
    assert [name.lower() for name in components] == [file.stem.replace("_", "")]


def test_every_file_stays_near_a_hundred_lines():
    long = {str(f.relative_to(ROOT)): n for f in FILES if (n := len(f.read_text().splitlines())) > 350}
    assert not long
