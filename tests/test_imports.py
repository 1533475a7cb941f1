"""The layers: imports point one way, and the core knows no clock, no sockets, no processes."""

import ast
from pathlib import Path

import pytest

import laurel_mp

PACKAGE = Path(laurel_mp.__file__).parent

# Layer to the layers that it may import besides itself. `errors` and `__main__` are single modules.
# Anything may import the package itself, for its version.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "config": {"errors"},
    "outputs": {"errors"},
    "observe": {"errors"},
    "records": {"errors"},
    "events": {"records", "errors"},
    "processes": {"records", "errors"},
    "stages": {"events", "processes", "records", "errors"},
    "reversion": {"events", "records", "errors"},
    "schema": {"records", "errors"},
    "pipeline": {
        "stages", "events", "processes", "records", "config", "outputs", "observe", "errors",
    },
    "loadtest": {
        "pipeline", "stages", "events", "processes", "records", "config", "outputs", "observe",
        "errors",
    },
    "doctor": {"pipeline", "records", "config", "outputs", "observe", "errors"},
    "cli": {
        "doctor", "loadtest", "pipeline", "stages", "events", "processes", "records", "config",
        "outputs", "observe", "reversion", "schema", "errors",
    },
    "manual": {"cli", "config", "errors"},
    "__main__": {"cli"},
}  # fmt: skip

PURE = {"records", "events", "processes", "stages", "reversion", "schema"}

# Whatever would make a stage's answer depend on more than what it was given.
IMPURE = {
    "asyncio",
    "datetime",
    "multiprocessing",
    "select",
    "selectors",
    "subprocess",
    "threading",
    "time",
    "zmq",
}

MODULES = sorted(PACKAGE.rglob("*.py"))


def name_of(path: Path) -> str:
    """Dotted name of the module in `path`."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(name: str) -> str:
    """First part of a module's name below the package; empty for the package itself."""
    return [*name.split("."), ""][1]


def imports_of(source: str, name: str, *, is_package: bool = False) -> set[str]:
    """Dotted names of all that is imported, wherever in the module it stands.

    `from a import b` counts as `a.b`, as b may be a module.
    """
    package = name.split(".") if is_package else name.split(".")[:-1]
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return found


def layers_imported(path: Path) -> set[str]:
    """Layers of ours that the module in `path` imports, but for its own."""
    name = name_of(path)
    imports = imports_of(path.read_text(), name, is_package=path.name == "__init__.py")
    ours = {layer_of(found) for found in imports if found.split(".")[0] == "laurel_mp"}
    return ours - {layer_of(name), "", "__version__"}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_downwards(path: Path) -> None:
    """A module imports only from the layers below its own."""
    layer = layer_of(name_of(path))

    assert not layers_imported(path) - MAY_IMPORT.get(layer, set())


@pytest.mark.parametrize(
    "path", [path for path in MODULES if layer_of(name_of(path)) in PURE], ids=name_of
)
def test_the_core_is_pure(path: Path) -> None:
    """No clock, no processes, no sockets in the core: what goes in decides what comes out."""
    imports = imports_of(path.read_text(), name_of(path), is_package=path.name == "__init__.py")

    assert not {found.split(".")[0] for found in imports} & IMPURE


def test_every_layer_has_its_rule() -> None:
    """A new folder or module at the top needs a place in the map."""
    layers = {layer_of(name_of(path)) for path in MODULES} - {""}

    assert not layers - set(MAY_IMPORT)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import laurel_mp.cli.main", "laurel_mp.cli.main"),
        ("from laurel_mp import cli", "laurel_mp.cli"),
        ("from . import tracker", "laurel_mp.stages.tracker"),
        ("from ..pipeline import wire", "laurel_mp.pipeline.wire"),
        ("def f():\n    import time", "time"),
        ("if TYPE_CHECKING:\n    from laurel_mp.cli import main", "laurel_mp.cli.main"),
    ],
)
def test_no_way_of_importing_is_overlooked(source: str, expected: str) -> None:
    """Relative imports count, and those inside functions and conditions."""
    assert imports_of(source, "laurel_mp.stages.decoder") == {expected}
