"""Sphinx builds these pages and runs the code in them: `make docs`."""

# ruff: noqa: ARG001 (Sphinx passes its listeners more than they need)

from __future__ import annotations

import ast
import inspect
import re
import sys
from importlib.metadata import version as installed_version
from typing import TYPE_CHECKING

from sphinx.addnodes import literal_emphasis
from sphinx.domains.python import PyObject

if TYPE_CHECKING:
    from docutils.nodes import document
    from sphinx.application import Sphinx

project = "benign"
author = "The benign authors"
project_copyright = "2026, The benign authors"
version = release = installed_version("benign")

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
exclude_patterns = ["_build", "jupyter_execute"]
suppress_warnings = ["mystnb.unknown_mime_type"]

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist", "smartquotes"]
myst_heading_anchors = 3

# Every page is run anew, alone and in an empty folder, and a cell that fails fails the build.
nb_render_markdown_format = "myst"  # whose tables cells make
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 60
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_preserve_defaults = True
autodoc_type_aliases = {"ArrayLike": "numpy.typing.ArrayLike"}
napoleon_numpy_docstring = False
napoleon_use_ivar = True

# Public names must resolve. Other libraries' inventories would need the network, and a type deep inside the package,
# benign.room.module.Name, or a module need not have an entry of its own.
nitpick_ignore_regex = [(r"py:.*", r"(?!benign\.\w+(\.\w+)?$).*"), (r"py:mod", r".*")]

html_theme = "furo"
html_title = "benign"
html_copy_source = False
html_show_sphinx = False
html_static_path = ["_static"]
html_css_files = ["benign.css"]


def setup(app: Sphinx) -> None:
    """Connect what makes docstrings and signatures readable."""
    app.connect("autodoc-before-process-signature", import_for_type_checkers)
    app.connect("autodoc-process-docstring", keep_colons, priority=100)  # before napoleon
    app.connect("autodoc-process-docstring", shorten_types, priority=900)  # after it
    app.connect("autodoc-process-signature", shorten_defaults)
    app.connect("doctree-read", drop_tildes)
    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Fields"


def import_for_type_checkers(app: object, subject: object, is_bound: bool) -> None:
    """Import what the subject's module imports for type checkers alone: so the types that it names are found."""
    module = sys.modules.get(str(getattr(subject, "__module__", "")))
    if module is None or not module.__name__.startswith("benign."):
        return
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            exec(ast.unparse(ast.Module(node.body, [])), vars(module))  # noqa: S102 (our own imports)


def keep_colons(app: object, what: str, name: str, subject: object, options: object, lines: list[str]) -> None:
    """Let a property's first line and what is returned hold a colon: napoleon takes what is before it for a type.

    An empty comment stands before them, so that it looks for a type there.
    """
    for number in reversed([number for number, line in enumerate(lines) if line.strip() == "Returns:"]):
        indent = len(lines[number]) - len(lines[number].lstrip()) + 4
        lines[number + 1 : number + 1] = [" " * indent + "..", ""]
    if what in ("property", "attribute"):
        lines[:0] = ["..", ""]


def shorten_types(app: object, what: str, name: str, subject: object, options: object, lines: list[str]) -> None:
    """Types of fields without the modules that they live in: ``Landmark``, not ``benign.curves.landmarks.Landmark``.

    The star of a shape, ``"n *sample"``, begins no emphasis.
    """
    for number, line in enumerate(lines):
        if line.startswith(":vartype "):
            lines[number] = re.sub(r"\b(?:[a-z_]\w*\.)+(?=[A-Z_])", "", line).replace("*", r"\*")


def shorten_defaults(
    app: object, what: str, name: str, subject: object, options: object, signature: str | None, returns: str | None
) -> tuple[str | None, str | None] | None:
    """A default that is an object of many settings by its name alone: ``training=Training(...)``."""
    if signature is None:
        return None
    return re.sub(r"=(\w+)\((?:[^()]|\([^()]*\))+\)", r"=\1(...)", signature), returns


def drop_tildes(app: object, doctree: document) -> None:
    """After a ``Literal`` in a type Sphinx leaves ``~collections.abc.Sequence`` for ``Sequence``: shorten it here."""
    for node in list(doctree.findall(literal_emphasis)):
        if node.astext().startswith("~"):
            node.replace_self(literal_emphasis("", node.astext().rpartition(".")[2]))
