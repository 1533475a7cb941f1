"""The layers: imports point one way, and the core knows no clock, no sockets, no processes."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import laurel_mp

# Each package to the packages that its modules may import, besides those of its own. `errors` and
# `__main__` are single modules. Anything may import laurel_mp itself, for its version.
CORE = {"formats", "records", "events.rendering", "events.reassembly", "processes", "errors"}
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "config": {"errors"},
    "system": {"config", "errors"},
    "observe": {"errors"},
    "outputs": {"formats", "records", "system", "config", "errors"},
    "records": {"errors"},
    "formats": {"records", "errors"},
    "events.rendering": {"formats", "records", "errors"},
    "events.reassembly": {"events.rendering", "formats", "records", "errors"},
    "events.fast": {"events.reassembly", "events.rendering", "formats", "records", "errors"},
    "processes": {"formats", "records", "errors"},
    "stages": {"events.fast", *CORE},
    "reversion": {"events.rendering", "formats", "records", "errors"},
    "schema": {"formats", "records", "errors"},
    "pipeline.host": {"processes", "system", "config", "errors"},
    "pipeline.counters": {"pipeline.host", "stages", "processes", "observe", "errors"},
    "pipeline.intake": {"stages", "records", "system", "config", "errors"},
    "pipeline.runner": {
        "pipeline.counters", "pipeline.host", "stages", *CORE, "outputs", "observe", "system",
        "config",
    },
    "pipeline.supervisor": {
        "pipeline.runner", "pipeline.intake", "stages", *CORE, "outputs", "system", "config",
    },
    "pipeline.status": {
        "pipeline.supervisor", "pipeline.runner", "pipeline.intake", "pipeline.counters",
        "observe", "system", "config", "errors",
    },
    "pipeline.daemon": {
        "pipeline.status", "pipeline.supervisor", "pipeline.runner", "pipeline.intake",
        "stages", "formats", "records", "outputs", "observe", "system", "config", "errors",
    },
    "loadtest": {
        "pipeline.supervisor", "pipeline.runner", "pipeline.intake", "stages", *CORE, "outputs",
        "observe", "system", "config",
    },
    "doctor": {"pipeline.runner", "records", "outputs", "observe", "system", "config", "errors"},
    "cli": {
        "doctor", "loadtest", "reversion", "schema", "pipeline.daemon", "pipeline.status",
        "pipeline.supervisor", "pipeline.runner", "pipeline.intake", "records", "stages", "outputs",
        "observe", "system", "config", "errors",
    },
    "manual": {"cli", "config", "errors"},
    "__main__": {"cli"},
}  # fmt: skip

PURE = {"formats", "records", "events", "processes", "stages", "reversion", "schema"}

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


class Tree:
    """The modules below a folder, and what they import of each other."""

    def __init__(self, folder: Path) -> None:
        self.paths = {name_of(path, folder): path for path in sorted(folder.rglob("*.py"))}

    def imports(self, name: str) -> set[str]:
        """All that a module imports, of ours and of others."""
        path = self.paths[name]
        return imports_of(path.read_text(), name, is_package=path.name == "__init__.py")

    def graph(self) -> dict[str, set[str]]:
        """Each module with the modules of the tree that it imports; `a.b.C` counts as `a.b`."""
        return {
            name: {self._module(found) for found in self.imports(name)} - {name, ""}
            for name in self.paths
        }

    def _module(self, found: str) -> str:
        while found and found not in self.paths:
            found = found.rpartition(".")[0]
        return found


def name_of(path: Path, folder: Path) -> str:
    """Dotted name of the module in `path`, with the name of the package `folder`."""
    parts = path.relative_to(folder.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def package_of(name: str) -> str:
    """The package with a rule that a module belongs to; empty for laurel_mp itself."""
    within = name.partition(".")[2]
    while within and within not in MAY_IMPORT:
        within = within.rpartition(".")[0]
    return within


def packages(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    """The same graph between packages."""
    found: dict[str, set[str]] = {}
    for name, imported in graph.items():
        others = {package_of(each) for each in imported} - {package_of(name), ""}
        found.setdefault(package_of(name), set()).update(others)
    return found


def circle(graph: dict[str, set[str]]) -> list[str]:
    """A circle in a graph; empty if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


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


TREE = Tree(Path(laurel_mp.__file__).parent)
GRAPH = TREE.graph()


def test_imports_point_downwards() -> None:
    """A module imports only from the packages that the rule of its own package names."""
    wrong = {
        (name, imported)
        for name, all_imported in GRAPH.items()
        for imported in all_imported - {"laurel_mp"}
        if package_of(imported) not in MAY_IMPORT.get(package_of(name), set()) | {package_of(name)}
    }

    assert not wrong


def test_no_circles() -> None:
    """No module imports itself by way of others, and no package does."""
    assert not circle({name: found - {"laurel_mp"} for name, found in GRAPH.items()})
    assert not circle(packages(GRAPH))


def test_a_circle_is_found(tmp_path: Path) -> None:
    """Inside a package, and also if an import stands in a function."""
    folder = tmp_path / "laurel_mp"
    package = folder / "pipeline" / "runner"
    package.mkdir(parents=True)
    for each in (folder, folder / "pipeline", package):
        (each / "__init__.py").write_text("")
    (package / "inline.py").write_text("from laurel_mp.pipeline.runner.wire import Share\n")
    (package / "wire.py").write_text(
        "def share():\n    from laurel_mp.pipeline.runner import inline\n"
    )
    found = circle(Tree(folder).graph())

    assert {"laurel_mp.pipeline.runner.inline", "laurel_mp.pipeline.runner.wire"} == set(found)


def test_the_core_is_pure() -> None:
    """No clock, no processes, no sockets in the core: what goes in decides what comes out."""
    impure = {
        (name, found)
        for name in TREE.paths
        if package_of(name).partition(".")[0] in PURE
        for found in TREE.imports(name)
        if found.partition(".")[0] in IMPURE
    }

    assert not impure


def test_every_package_has_its_rule() -> None:
    """A new package or module at the top needs a place in the map, and a rule names none twice."""
    without = {name for name in GRAPH if "." in name and not package_of(name)}

    assert without <= {"laurel_mp.pipeline", "laurel_mp.events"}
    assert set(MAY_IMPORT) == {package_of(name) for name in GRAPH} - {""}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import laurel_mp.cli.main", "laurel_mp.cli.main"),
        ("from laurel_mp import cli", "laurel_mp.cli"),
        ("from . import tracker", "laurel_mp.stages.tracker"),
        ("from ..pipeline import runner", "laurel_mp.pipeline.runner"),
        ("def f():\n    import time", "time"),
        ("if TYPE_CHECKING:\n    from laurel_mp.cli import main", "laurel_mp.cli.main"),
    ],
)
def test_no_way_of_importing_is_overlooked(source: str, expected: str) -> None:
    """Relative imports count, and those inside functions and conditions."""
    assert imports_of(source, "laurel_mp.stages.decoder") == {expected}
