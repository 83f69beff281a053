"""Every block of README and docs is code that runs where the README leaves its reader; the reference lists all.

`make docs` runs the cells of the pages, each page in a kernel of its own. Here run the other blocks: commands in a
fresh copy of the examples, page by page, in order and alone.
"""

import importlib
import importlib.util
import re
import shlex
import shutil
import sys
import types
from itertools import pairwise
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import benign
from benign import runs
from benign.cli.main import app
from benign.diagnosis import CODES as DIAGNOSIS_CODES
from benign.experiments.declaration import resolve
from benign.histories import CODES
from tests.optional import needs
from tests.workers import end_workers

ROOT = Path(__file__).parents[1]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [ROOT / "README.md", *DOCS]
PUBLIC = ["benign"] + [
    f"benign.{room}"
    for room in ("curves", "diagnosis", "histories", "implicit", "linear", "networks", "plots", "procedures", "sources")
]
# Minutes, a server, the reader's own files, or what tests/cli runs already: their arguments are checked.
LONG = re.compile(r"benign (demo|figure |emc my_model|.*postgresql:|triage .*--follow|diagnose (?!.*--max-trainings))")

in_the_copy = pytest.mark.usefixtures("copy")


def _blocks(page: Path) -> list[tuple[str, str]]:
    """Language and text of each block of a page."""
    found = re.findall(r"^```(\{?[\w-]*\}?)[^\n]*\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [(language.strip("{}"), text) for language, text in found]


def _commands(page: Path) -> list[list[str]]:
    """What is typed into a terminal on a page, comments and output left out."""
    text = "\n".join(text for language, text in _blocks(page) if language in ("", "console"))
    lines = re.findall(r"^(?:\$ )?((?:benign|make) .*)$", text.replace("\\\n", " "), re.MULTILINE)
    return [words for line in lines if "..." not in line and (words := shlex.split(line, comments=True))]


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A fresh copy of the examples, with a store of its own, as working directory."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples", ignore=shutil.ignore_patterns("__pycache__", "*.db"))
    experiment = tmp_path / "examples" / "digits.toml"  # its shape, for seconds
    text = experiment.read_text("utf-8").replace("to = 1200, step = 10", "to = 110, step = 50")
    experiment.write_text(text.replace("replicates = 10 ", "replicates = 4 "), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENIGN_STORE", str(tmp_path / "store.db"))
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    end_workers()  # they, too, have imported modules of this copy
    for name in [name for name in sys.modules if name.partition(".")[0] == "examples"]:
        del sys.modules[name]


def _run(words: list[str]) -> str:
    """Run a command in this process, on a small budget; an id of a run stands for that of the run that is there."""
    runner = CliRunner()
    if "--max-minutes" in words:
        place = words.index("--max-minutes")
        words = [*words[:place], "--max-trainings", "40", *words[place + 2 :]]
    if re.fullmatch(r"digits-[0-9a-f]{8}", words[-1]):
        words = [*words[:-1], benign.open_run("digits").id]
    done = runner.invoke(app, words[1:])
    assert done.exit_code == 0, (words, done.output, done.exception)
    return done.output


def _check(words: list[str]) -> None:
    """Check the arguments of a command without running it."""
    typer.main.get_group(app).commands[words[1]].make_context(words[1], words[2:])


@pytest.mark.parametrize("page", [page for page in PAGES if _commands(page)], ids=lambda page: page.stem)
@in_the_copy
def test_commands_run(page):
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    for words in _commands(page):
        if words[0] == "make":
            assert words[1] in targets
        elif LONG.match(shlex.join(words)):
            _check(words)
        else:
            assert _run(words) or words[1] == "resume"


def test_the_tests_of_each_promise_are_there():
    named = re.findall(r"`(tests/[\w/]+\.py)`", (ROOT / "SECURITY.md").read_text("utf-8"))
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.stem)
def test_every_block_is_of_a_kind_that_is_run(page):
    kinds = {language for language, _ in _blocks(page)}
    assert kinds <= {"code-cell", "python", "console", "text", "toml", "eval-rst", "toctree", "literalinclude"}
    assert "code-cell" not in kinds or "file_format: mystnb" in page.read_text("utf-8")


@pytest.mark.parametrize("page", [page for page in DOCS if "python" in dict(_blocks(page))], ids=lambda page: page.stem)
def test_python_that_is_no_cell_runs(page, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for (language, text), (after, printed) in pairwise([*_blocks(page), ("", "")]):
        if language != "python":
            continue
        for module in re.findall(r"^(?:import|from) (torch|flax)\b", text, re.MULTILINE):
            needs(module, importlib.util.find_spec(module) is not None, f"{module} is not installed")
        exec(compile(_on_a_small_budget(text), page.name, "exec"), names)
        found = capsys.readouterr().out
        if after == "text" and _on_a_small_budget(text) == text:
            assert _without_numbers(found) == _without_numbers(printed)
    assert names.keys() > {"__builtins__"}  # each block ran to its end, and a page's blocks share what they define


def _on_a_small_budget(text: str) -> str:
    """The code with fewer sizes, replicates and trainings."""
    smaller = {"max_trainings=40": "max_trainings=8", "replicates=4, **grid": "replicates=2, **grid"}
    for asked, less in smaller.items():
        text = text.replace(asked, less)
    return re.sub(r'"sizes": \[[\d, ]+\]', '"sizes": [4, 16]', text)


def _without_numbers(printed: str) -> list[str]:
    """The words of what was printed: numbers of networks differ from machine to machine."""
    return re.sub(r"\d[\d.,]*(e-?\d+)?", "#", printed).split()


@pytest.mark.parametrize("page", [page for page in DOCS if "toml" in dict(_blocks(page))], ids=lambda page: page.stem)
def test_experiments_of_the_docs_are_some(page, tmp_path):
    for text in [text for language, text in _blocks(page) if language == "toml"]:
        whole = "samples" in text
        file = tmp_path / "page.toml"
        file.write_text(text if whole else f'samples = [10]\nsource = "mml"\nprocedure = "polynomial"\n{text}', "utf-8")
        assert resolve(benign.Experiment.from_toml(file)).grid.key


def _is_documented(package: str, name: str) -> bool:
    """Whether the reference has an entry for it, here or under ``benign`` itself; of a package, for what is in it."""
    reference = (ROOT / "docs" / "reference.md").read_text("utf-8")
    own = rf"{re.escape(package)}\.([\w.]+\.)?{name}"
    return re.search(rf"\.\. auto\w+:: (benign\.{name}|{own})(\.|$)", reference, re.MULTILINE) is not None


@pytest.mark.parametrize("package", PUBLIC)
def test_every_public_object_is_in_the_reference(package):
    assert [name for name in importlib.import_module(package).__all__ if not _is_documented(package, name)] == []


def test_every_code_of_triage_is_explained():
    table = (ROOT / "docs" / "triage.md").read_text("utf-8").partition("one of 21 codes")[2]
    assert re.findall(r"^\| `([a-z-]+)` \| [^|]+ \|$", table, re.MULTILINE) == list(CODES)


def test_every_code_of_a_diagnosis_is_explained():
    table = (ROOT / "docs" / "diagnose.md").read_text("utf-8").partition("| code | what was found |")[2]
    assert dict(re.findall(r"^\| `([a-z_]+)` \| ([^|]+) \|$", table, re.MULTILINE)) == DIAGNOSIS_CODES


def test_what_the_pages_import_is_in_the_reference():
    sources = [*PAGES, *(ROOT / "examples").glob("*.py")]
    imports = re.findall(
        r"^from (benign[\w.]*) import ([^(\n]+|\([^)]+\))",
        "\n".join(path.read_text("utf-8") for path in sources),
        re.MULTILINE,
    )
    names = {(package, name) for package, imported in imports for name in re.findall(r"\w+", imported)}
    names -= {("benign.schema", "METRICS")}  # a page prints them
    assert len(names) > 10
    assert [name for name in names if not _is_documented(*name)] == []


@pytest.fixture
def configuration():
    needs("docs", importlib.util.find_spec("sphinx") is not None, "Sphinx is not installed")
    spec = importlib.util.spec_from_file_location("docs_configuration", ROOT / "docs" / "conf.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _as_rendered(configuration: types.ModuleType, what: str, subject: object) -> str:
    """A docstring as Sphinx gets it, through our listeners and napoleon."""
    napoleon = importlib.import_module("sphinx.ext.napoleon")
    lines = (subject.__doc__ or "").splitlines()
    configuration.keep_colons(None, what, "", subject, None, lines)
    lines = napoleon.GoogleDocstring(lines, napoleon.Config(), what=what, name="name", obj=subject).lines()
    configuration.shorten_types(None, what, "", subject, None, lines)
    return "\n".join(lines)


def test_a_colon_in_a_docstring_makes_no_type(configuration):
    assert ":type:" not in _as_rendered(configuration, "property", benign.Surface.notes)
    assert ":rtype:" not in _as_rendered(configuration, "function", benign.figure)


def test_the_star_of_a_shape_begins_no_emphasis(configuration):
    lines = [':vartype inputs: jaxtyping.Float[ndarray, "n *sample"]', "of *any* shape"]
    configuration.shorten_types(None, "class", "", None, None, lines)
    assert lines == [r':vartype inputs: Float[ndarray, "n \*sample"]', "of *any* shape"]


def test_a_type_that_type_checkers_alone_import_is_found(configuration, monkeypatch):
    from sphinx.util.inspect import signature

    monkeypatch.delattr(runs, "Forecast", raising=False)
    configuration.import_for_type_checkers(None, runs.plan, False)
    assert signature(runs.plan).return_annotation is vars(runs)["Forecast"]


def test_signatures_name_long_defaults_alone(configuration):
    shortened = configuration.shorten_defaults(None, "class", "", None, None, "(*, a=T(b='c', d=(1, 2)), e=())", None)
    assert shortened == ("(*, a=T(...), e=())", None)
