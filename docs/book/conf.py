"""Sphinx makes the site of the series; tools/make_book.py gives it the notebooks."""

import re
import tomllib
from pathlib import Path

from docutils.nodes import SkipNode
from latex2mathml.converter import convert

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))
REPOSITORY = PROJECT["project"]["urls"]["Repository"]
JUPYTERHUB = PROJECT["tool"]["book"]["jupyterhub"]

project, author = "crystutor", "The crystutor developers"
project_copyright = "2026, The crystutor developers; text and figures CC BY 4.0, code MIT"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
language = "en"
exclude_patterns = ["_build"]

nb_execution_mode = "off"  # as committed: executed, and checked by the tests
nb_merge_streams = True
default_role = "py:obj"
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

html_theme = "sphinx_book_theme"
html_title = "crystutor"
html_static_path = ["_static"]  # make_book.py adds the pictures of the explorers
html_css_files = ["book.css"]
html_js_files = ["book.js"]
html_math_renderer = "mathml"
html_show_sourcelink = False
html_theme_options = {
    "repository_url": REPOSITORY,
    "repository_branch": "HEAD",
    "use_repository_button": True,
    "use_download_button": True,
    "home_page_in_toc": True,
    "navbar_persistent": [],
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    "launch_buttons": {
        "notebook_interface": "jupyterlab",
        "binderhub_url": "https://mybinder.org",
        "colab_url": "https://colab.research.google.com",
        "jupyterhub_url": JUPYTERHUB,
    },
}


def setup(app):
    """Make formulas MathML, which browsers and screen readers read without a script."""
    app.add_html_math_renderer("mathml", (_inline, None), (_displayed, None))
    app.connect("autodoc-process-docstring", _escape_absolute_values, priority=100)
    app.connect("autodoc-process-docstring", _describe_attributes, priority=100)
    app.connect("html-page-context", _launch_student_copies, priority=900)  # after the theme


def _escape_absolute_values(app, what, name, obj, options, lines):
    """In docstrings `|p|` is a length, and not what reStructuredText takes it for."""
    lines[:] = [re.sub(r"\|([^|`]+)\|", r"\|\1\|", line) for line in lines]


def _describe_attributes(app, what, name, obj, options, lines):
    """Split lines such as "label : what it is", where numpydoc expects a type after the colon."""
    for number, line in enumerate(lines):
        attribute = re.fullmatch(r"(\w+(?:, \w+)*) : (.*)", line)
        if what == "class" and attribute:
            lines[number] = f"{attribute[1]}\n    {attribute[2]}"
    lines[:] = "\n".join(lines).split("\n")


def _launch_student_copies(app, pagename, templatename, context, doctree):
    """On Binder the button opens the copies for students, which binder/postBuild makes."""
    for group in context.get("header_buttons", []):
        for button in group.get("buttons", []):
            if "mybinder.org" in button.get("url", ""):
                button["url"] = button["url"].replace(
                    "/tree/notebooks/", "/tree/crystutor-student/"
                )


def _inline(translator, node):
    translator.body.append(convert(node.astext()))
    raise SkipNode


def _displayed(translator, node):
    translator.body.append(f"<p>{convert(node.astext(), display='block')}</p>")
    raise SkipNode
