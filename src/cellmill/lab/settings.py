"""What an administrator sets for the server's half of the extension, in Jupyter's own configuration."""

from __future__ import annotations

import os

from traitlets import Bool, default
from traitlets.config import Configurable

VARIABLE = "CELLMILL_LAB_SCHEDULER"


class CellmillLab(Configurable):
    """Settings under ``c.CellmillLab`` of a Jupyter server's configuration."""

    host_scheduler = Bool(
        help="Run a scheduler for the projects below the server's root while the server runs, where no other one does. "
        f"Also by the environment: {VARIABLE}=1."
    ).tag(config=True)

    @default("host_scheduler")
    def _from_environment(self) -> bool:
        return os.environ.get(VARIABLE, "").strip().lower() in ("1", "true", "yes", "on")
