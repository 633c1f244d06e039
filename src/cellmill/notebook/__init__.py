"""Reading notebooks: cells, tags and magic lines. Everything after this works on what these functions return."""

from __future__ import annotations

from cellmill.notebook.group import read_steps
from cellmill.notebook.project import project_root
from cellmill.notebook.read import read_notebook

__all__ = ["project_root", "read_notebook", "read_steps"]
