"""How `make docs` builds these pages: Sphinx with MyST, an API reference from the docstrings, warnings as errors."""

from importlib.metadata import version as installed

project = "wwm_models"
author = "The wwm_models developers"
release = installed("wwm-models")
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinxcontrib.bibtex"]
bibtex_bibfiles = ["references.bib"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
autodoc_typehints = "none"
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False
html_theme = "furo"
html_title = "wwm_models"
exclude_patterns = ["_build"]
