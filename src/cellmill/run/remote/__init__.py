"""Running a pipeline's tasks on a Dask cluster: this machine decides and keeps the books, workers run the notebooks."""

from __future__ import annotations
