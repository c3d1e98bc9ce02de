"""The storeys import downwards only, and what must stay light stays light."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STOREYS = ("devices", "compressors", "spaces", "search")
FRAMEWORKS = {"tensorflow", "tf_keras", "keras", "autokeras", "keras_tuner", "tensorflow_model_optimization", "optuna"}
READERS = {"polars", "PIL", "soundfile", "scipy", "sklearn"}  # of the user's data
MAY_IMPORT = {
    "devices": {"numpy", "ai_edge_litert"},
    "compressors": {
        "numpy",
        "tensorflow",
        "tf_keras",
        "tensorflow_model_optimization",
        "ai_edge_litert",
        "tflite_micro",
    },
    "spaces": {"numpy", "keras", "tf_keras", "autokeras", "keras_tuner", "optuna", "tree"},
}


def imports_of(path: Path) -> set[str]:
    """Top-level packages that a file imports anywhere, lazily too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def sources(storey: str) -> list[Path]:
    found = sorted((ROOT / storey).rglob("*.py"))
    assert found, f"no sources in {storey}"
    return found


@pytest.mark.parametrize("storey", STOREYS)
def test_no_import_points_upwards(storey: str) -> None:
    """A file imports its own storey and those below, never one above."""
    above = set(STOREYS[STOREYS.index(storey) + 1 :])
    arrows = {str(path.relative_to(ROOT)): imports_of(path) & above for path in sources(storey)}
    assert {path: names for path, names in arrows.items() if names} == {}


@pytest.mark.parametrize("storey", sorted(MAY_IMPORT))
def test_a_storey_knows_only_its_own_libraries(storey: str) -> None:
    """DESIGN section 3: each storey may import a short list of packages beside the standard library."""
    allowed = MAY_IMPORT[storey] | set(STOREYS[: STOREYS.index(storey) + 1]) | set(sys.stdlib_module_names)
    strangers = {str(path.relative_to(ROOT)): imports_of(path) - allowed for path in sources(storey)}
    assert {path: names for path, names in strangers.items() if names} == {}


def test_optuna_is_only_a_type_in_spaces() -> None:
    """Spaces may name a trial's type, never call Optuna: the import stands under TYPE_CHECKING."""
    for path in sources("spaces"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        guarded = {
            id(inner)
            for node in ast.walk(tree)
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
            for inner in ast.walk(node)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom) and "optuna" in ast.unparse(node):
                assert id(node) in guarded, f"{path.name} imports Optuna at run time"


@pytest.mark.parametrize("module", ["search.cli", "search.commands", "search.job", "search.datasets.load"])
def test_readers_of_data_wait_until_they_are_needed(module: str) -> None:
    """A command that reads an .npz, or none, starts without the libraries of images, sounds and tables."""
    code = f"import sys, {module}; print(sorted({READERS!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "module", ["search.cli", "search.summary", "search.front", "search.store", "compressors.plan", "spaces.candidate"]
)
def test_importing_leaves_the_frameworks_out(module: str) -> None:
    """The command line, and whatever reads results, start without TensorFlow."""
    code = f"import sys, {module}; print(sorted({FRAMEWORKS!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == "[]"
