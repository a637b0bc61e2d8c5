"""The shape of the code: how long functions and files are, which names stand twice, which imports run upwards.

    python -m tests.support.shape

prints it, and ends with exit code 1 if a bound does not hold: a function over 50 lines, or an import that runs upwards.
A name counts if it is public and a module defines it at its top level as a function, a class or a constant.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

ROOT = Path(__file__).parents[2]
CLIENT = "router_policy_client"
LAYERS = ("policy", "storage", "jobs", "console")  # each may import those before it
FOLDERS = {**{name: ROOT / name for name in (*LAYERS, "migrations")}, CLIENT: ROOT / "client" / CLIENT}
GLOSSARY = ROOT / "docs" / "glossary.md"
GLOSSARY_HEADING = "Names that stand in two modules"
MOST_FUNCTION_LINES, MOST_FILE_LINES = 50, 300
# A bot's own database is no store: it is read through connections of its own.
READERS_OF_OTHER_DATABASES = {"jobs.sources.database"}
ROWS_AND_ENGINES = {"Engine", "Row", "RowMapping", "create_engine", "select"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One source file: its dotted name, its text and what Python reads in it."""

    name: str
    text: str
    tree: ast.Module

    @property
    def package(self) -> str:
        return self.name.partition(".")[0]

    @property
    def line_count(self) -> int:
        return len(self.text.splitlines())


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function's name with its module's, and its lines from `def` to its last one."""

    name: str
    line_count: int


def modules(folders: Mapping[str, Path] = FOLDERS) -> list[Module]:
    """Read every module of the packages, by name."""
    return [
        _module(package, folder, path) for package, folder in folders.items() for path in sorted(folder.rglob("*.py"))
    ]


def _module(package: str, folder: Path, path: Path) -> Module:
    parts = [package, *path.relative_to(folder).with_suffix("").parts]
    text = path.read_text("utf-8")
    return Module(name=".".join(parts).removesuffix(".__init__"), text=text, tree=ast.parse(text))


def functions(sources: Iterable[Module]) -> list[Function]:
    """Return every function and method, the longest first."""
    lengths = [
        Function(name=f"{module.name}.{node.name}", line_count=(node.end_lineno or node.lineno) - node.lineno + 1)
        for module in sources
        for node in ast.walk(module.tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    return sorted(lengths, key=lambda function: (-function.line_count, function.name))


def public_names(module: Module) -> Iterator[str]:
    """Yield the public functions, classes and constants that a module defines."""
    for node in module.tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names = [name]
            case ast.Assign(targets=targets):
                names = [target.id for target in targets if isinstance(target, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name)):
                names = [name]
            case _:
                names = []
        yield from (name for name in names if not name.startswith("_"))


def repeated_names(sources: Iterable[Module]) -> dict[str, list[str]]:
    """Return the public names that several modules define, each with those modules."""
    definitions: defaultdict[str, list[str]] = defaultdict(list)
    for module in sources:
        for name in sorted(set(public_names(module))):
            definitions[name].append(module.name)
    return {name: owners for name, owners in sorted(definitions.items()) if len(owners) > 1}


def explained_names(glossary: Path = GLOSSARY) -> set[str]:
    """Return the names that the glossary's table gives a reason for; none if there is no such table."""
    text = glossary.read_text("utf-8") if glossary.exists() else ""
    _, _, section = text.partition(GLOSSARY_HEADING)
    table = re.split(r"^#", section, maxsplit=1, flags=re.MULTILINE)[0]
    first_cells = re.findall(r"^\|([^|]*)\|", table, flags=re.MULTILINE)
    return {name for cell in first_cells for name in re.findall(r"`(\w+)`", cell)}


def imported(module: Module) -> Iterator[str]:
    """Yield the dotted names that a module imports, wherever in it; of `from a import b` both `a` and `a.b`."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def upward_imports(sources: Iterable[Module]) -> list[str]:
    """Return the imports of a higher layer, and those between the client and the service, as `importer -> imported`."""
    return sorted(
        {f"{module.name} -> {name}" for module in sources for name in imported(module) if _is_upward(module, name)}
    )


def _is_upward(module: Module, name: str) -> bool:
    importer, owner = module.package, name.partition(".")[0]
    if importer == CLIENT:
        return owner in (*LAYERS, "migrations")
    if owner == CLIENT:
        return not module.name.startswith("jobs.demo")  # the demo plays a router
    if importer in LAYERS and owner in LAYERS:
        return LAYERS.index(owner) > LAYERS.index(importer)
    return owner == "migrations" and importer in LAYERS


def connection_callers(sources: Iterable[Module]) -> list[str]:
    """Return the modules above storage that open the store's connections themselves, or handle SQLAlchemy's rows."""
    return [
        module.name
        for module in sources
        if module.package in ("jobs", "console") and module.name not in READERS_OF_OTHER_DATABASES
        if _imports_rows_or_engines(module) or _uses_an_engine_of_the_store(module)
    ]


def _imports_rows_or_engines(module: Module) -> bool:
    names = set(imported(module))
    return "storage.database.transaction" in names or any(f"sqlalchemy.{name}" in names for name in ROWS_AND_ENGINES)


def _uses_an_engine_of_the_store(module: Module) -> bool:
    return any(
        isinstance(node, ast.Attribute)
        and node.attr in ("reader", "writer")
        and ast.unparse(node.value)[-5:] == "store"
        for node in ast.walk(module.tree)
    )


def broken_bounds(sources: Sequence[Module]) -> list[str]:
    """Return what must not be: functions over 50 lines and imports that run upwards."""
    long = [function for function in functions(sources) if function.line_count > MOST_FUNCTION_LINES]
    return [
        *(f"{function.name} has {function.line_count} lines" for function in long),
        *(f"{pair} runs upwards" for pair in upward_imports(sources)),
    ]


def report(sources: Sequence[Module], explained: set[str]) -> Iterator[str]:
    """Yield the lines of the listing."""
    lengths = functions(sources)
    counts = [function.line_count for function in lengths]
    yield f"functions: {len(counts)}, median {median(counts):g} lines, 90th of 100 {quantiles(counts, n=10)[-1]:g}"
    yield from (f"  {function.line_count} {function.name}" for function in lengths[:5])
    long_files = [module for module in sources if module.line_count > MOST_FILE_LINES]
    yield from _listed(f"files over {MOST_FILE_LINES} lines", [f"{file.line_count} {file.name}" for file in long_files])
    service = repeated_names(module for module in sources if module.package in LAYERS)
    yield from _listed("public names in more than one module", _with_owners(service, explained))
    client = repeated_names(module for module in sources if module.package == CLIENT)
    yield from _listed("public names in more than one module of the client", _with_owners(client, explained))
    yield from _listed("callers of SQLAlchemy connections outside storage", connection_callers(sources))
    yield from _listed("imports that run upwards", upward_imports(sources))


def _listed(title: str, lines: Sequence[str]) -> Iterator[str]:
    yield f"{title}: {len(lines) or 'none'}"
    yield from (f"  {line}" for line in lines)


def _with_owners(names: Mapping[str, Sequence[str]], explained: set[str]) -> list[str]:
    return [
        f"{name}{' (see the glossary)' if name in explained else ''}: {', '.join(owners)}"
        for name, owners in names.items()
    ]


def main() -> int:
    """Print the listing, and what is out of bounds on standard error; return the exit code."""
    sources = modules()
    sys.stdout.write("".join(f"{line}\n" for line in report(sources, explained_names())))
    broken = broken_bounds(sources)
    sys.stderr.write("".join(f"out of bounds: {line}\n" for line in broken))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
