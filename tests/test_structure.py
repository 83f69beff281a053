"""The shape of the house, read from its syntax trees: lengths of files and functions, arguments, who imports whom."""

from __future__ import annotations

import ast
import tomllib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "src"
LONGEST_FILE = 600  # lines, as STYLE has it
LONGEST_BODY = 50  # lines of code
MOST_ARGUMENTS = 10  # of what is not public: beyond that a value is missing that several functions pass on
COMMANDS = {"diagnose_model", "measure_complexity", "judge_log"}  # its options are its arguments
Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def texts() -> dict[str, str]:
    """Each module's text, by the module's name."""
    return {
        ".".join(path.relative_to(SOURCES).with_suffix("").parts).removesuffix(".__init__"): path.read_text("utf-8")
        for path in sorted((SOURCES / "benign").rglob("*.py"))
    }


@cache
def trees() -> dict[str, ast.Module]:
    """Each module's syntax tree."""
    return {module: ast.parse(text) for module, text in texts().items()}


@cache
def nodes(module: str) -> list[ast.AST]:
    """All that a module's tree holds, looked for once: walking all of them takes seconds."""
    return list(ast.walk(trees()[module]))


def functions(module: str) -> list[Function]:
    return [node for node in nodes(module) if isinstance(node, Function)]


def lines_of(function: Function, text: list[str]) -> int:
    """Lines of the body that are neither blank nor a comment nor the docstring's."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    lines = text[body[0].lineno - 1 : body[-1].end_lineno] if body else []
    return sum(bool(line.strip()) and not line.strip().startswith("#") for line in lines)


def arguments_of(function: Function) -> int:
    given = function.args
    names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len([name for name in names if name not in {"self", "cls"}])


def test_no_file_is_longer_than_600_lines():
    lengths = {module: len(text.splitlines()) for module, text in texts().items()}
    assert {module: length for module, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_body_of_a_function_is_longer_than_50_lines():
    lengths = {
        f"{module}.{function.name}": lines_of(function, lines)
        for module, lines in ((module, text.splitlines()) for module, text in texts().items())
        for function in functions(module)
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_BODY} == {}


def test_the_linter_has_the_same_number():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]["pylint"]
    assert settings["max-statements"] == LONGEST_BODY


@cache
def exported() -> set[str]:
    """The names that some ``__all__`` holds."""
    return {name for tree in trees().values() for node in tree.body for name in listed(node)}


def listed(node: ast.stmt) -> list[str]:
    """The public names that a statement lists: in ``__all__``, or to be loaded on first use, each as itself."""
    match node:
        case ast.If():
            imports = [inner for inner in node.body if isinstance(inner, ast.ImportFrom)]
            return [alias.name for inner in imports for alias in inner.names if alias.asname]
        case ast.Assign(targets=[ast.Name(id="__all__")], value=ast.List() as names):
            return [str(name) for name in ast.literal_eval(names)]
    return []


def public_functions(tree: ast.Module) -> set[Function]:
    """Exported functions, and what a user calls of exported classes."""
    names = exported() | COMMANDS
    owners: list[ast.Module | ast.ClassDef] = [tree]
    owners += [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name in names]
    return {
        node
        for owner in owners
        for node in owner.body
        if isinstance(node, Function) and (node.name in names or (owner is not tree and not node.name.startswith("_")))
    }


def test_what_is_not_public_takes_at_most_10_arguments():
    found = {
        f"{module}.{function.name}": count
        for module, tree in trees().items()
        for function in set(functions(module)) - public_functions(tree)
        if (count := arguments_of(function)) > MOST_ARGUMENTS
    }
    assert found == {}


def modules_named(node: ast.AST) -> list[str]:
    """Our modules that a statement imports, or a string names as :func:`importlib.import_module` takes it."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names if alias.name in trees()]
    if isinstance(node, ast.ImportFrom):
        inner = [f"{node.module}.{alias.name}" for alias in node.names]
        return [name if name in trees() else str(node.module) for name in inner if str(node.module) in trees()]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value] if node.value.startswith("benign.") and node.value in trees() else []
    return []


@cache
def imports(kind: str) -> dict[str, set[str]]:
    """Who imports whom: ``"runtime"``, ``"typing"`` for the type checker alone, or ``"name"``, lazily."""
    found: dict[str, set[str]] = {}
    for module in trees():
        guarded = {
            inner
            for node in nodes(module)
            if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
            for inner in ast.walk(node)
        }
        is_lazy = any(isinstance(node, ast.Name) and node.id == "load_on_first_use" for node in nodes(module))
        kinds = {True: "name" if is_lazy else "typing", False: "runtime"}
        found[module] = {
            name
            for node in nodes(module)
            if kind == ("name" if isinstance(node, ast.Constant) else kinds[node in guarded])
            for name in modules_named(node)
            if name != module
        }
    return found


def circles(graph: dict[str, set[str]]) -> set[frozenset[str]]:
    """The sets of modules that all reach each other."""
    reach = {module: reached_from(module, graph) for module in graph}
    return {
        frozenset({module, *(other for other in reach[module] if module in reach[other])})
        for module in graph
        if module in reach[module]
    }


def reached_from(module: str, graph: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = [module]
    while waiting:
        new = graph.get(waiting.pop(), set()) - reached
        reached |= new
        waiting.extend(new)
    return reached


def test_no_import_runs_in_a_circle():
    assert circles(imports("runtime")) == set()


def test_no_import_by_name_closes_a_circle():
    """The lazy lists of packages name what they hold, and nothing below imports these lists."""
    both = {module: names | imports("name")[module] for module, names in imports("runtime").items()}
    assert circles(both) == set()


def test_a_circle_is_found():
    graph = {"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"d"}}
    assert circles(graph) == {frozenset({"b", "c"}), frozenset({"d"})}
