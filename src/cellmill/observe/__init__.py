"""Observed evidence: runs a notebook once, or watches the kernel of who writes it, and keeps what was seen.

``inside`` looks inside the kernel and ``kernel_code`` gets it there, ``execute`` and ``run`` run the notebook,
``looks`` says when to look, ``record`` keeps what was seen, ``live`` watches a session, ``analysis`` joins it with what
the source says.
"""

from __future__ import annotations

from cellmill.observe.analysis import analyse_notebook
from cellmill.observe.record import read_evidence, record_path
from cellmill.observe.run import Observation, observe

__all__ = ["Observation", "analyse_notebook", "observe", "read_evidence", "record_path"]
