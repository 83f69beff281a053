"""Sphinx builds these pages and runs the code in them: `make docs`."""

from importlib.metadata import version as installed_version

project = "benign"
author = "The benign authors"
project_copyright = "2026, The benign authors"
version = release = installed_version("benign")

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
exclude_patterns = ["_build", "jupyter_execute"]
suppress_warnings = ["mystnb.unknown_mime_type"]

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist", "smartquotes"]
myst_heading_anchors = 3

# Every page is run anew, and a cell that fails fails the build.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 60
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

# Public names must resolve. Other libraries' inventories would need the network, and a type deep inside the package,
# benign.room.module.Name, need not have an entry of its own.
nitpick_ignore_regex = [(r"py:.*", r"(?!benign\.\w+(\.\w+)?$).*")]

html_theme = "furo"
html_title = "benign"
html_copy_source = False
html_show_sphinx = False
