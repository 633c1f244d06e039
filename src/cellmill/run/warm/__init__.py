"""Warm kernels: each step's kernel is forked from a process that has imported already what the pipeline imports.

``inside`` runs in that process, in whatever environment the kernel's Python is; the rest runs in the process that
starts the kernels, and speaks to Jupyter as a kernel provisioner.
"""

from __future__ import annotations

from cellmill.run.warm.imports import Imported, pipeline_imports
from cellmill.run.warm.kept_processes import keep_warm_processes, keeps_processes
from cellmill.run.warm.pool import WarmPool

__all__ = ["Imported", "WarmPool", "keep_warm_processes", "keeps_processes", "pipeline_imports"]
