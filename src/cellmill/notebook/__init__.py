"""Reading notebooks: cells, tags and magic lines. Everything after this works on what these functions return."""

from __future__ import annotations

from cellmill.notebook.group import read_steps
from cellmill.notebook.headings import propose_tags
from cellmill.notebook.project import project_root
from cellmill.notebook.read import read_notebook
from cellmill.notebook.tag_writer import write_tags

__all__ = ["project_root", "propose_tags", "read_notebook", "read_steps", "write_tags"]
