"""Names that promotion makes: of pipelines, modules and files."""

from __future__ import annotations

import keyword
import re
import unicodedata

from cellmill.errors import CellmillError


def pipeline_name(stem: str) -> str:
    """A pipeline's name from a notebook's file name: an identifier, since modules are called after it.

    Examples
    --------
    >>> pipeline_name("03 Churn-Model (v2)")
    'p03_churn_model_v2'
    """
    plain = unicodedata.normalize("NFKC", stem).lower()
    name = re.sub(r"\W+", "_", plain).strip("_") or "pipeline"
    if not name[0].isalpha():
        name = f"p{name}"
    return f"{name}_pipeline" if keyword.iskeyword(name) else name


def check_name(name: str) -> str:
    """A name that the user chose for a pipeline; refused if a module can't be called so."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise CellmillError(
            f"`{name}` can't be a pipeline's name, because its modules are called after it",
            remedy=f"use letters, digits and underscores, such as --name {pipeline_name(name)}",
        )
    return name
