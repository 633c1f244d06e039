"""The server half of the JupyterLab extension: a REST interface and a stream of events.

A server's start costs only this module and its handlers; what reads notebooks and pipelines is loaded when it is first
asked for, in a process or a thread of its own.
"""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    """Tell Jupyter Server which module to load."""
    return [{"module": "cellmill.lab"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Add the routes; called once, at the server's start."""
    from pathlib import Path

    from cellmill.lab.handlers import Workspace, routes
    from cellmill.lab.hosting import Hosting
    from cellmill.lab.root import Root
    from cellmill.lab.watch import Watch
    from cellmill.lab.worker_process import Worker

    root = Root(Path(server.root_dir))
    schedules = Worker(root.folder, server.log)
    hosting = Hosting(schedules, server)
    workspace = Workspace(root, Worker(root.folder, server.log), Watch(root, server.log), schedules, hosting)
    server.web_app.add_handlers(".*$", routes(server.web_app.settings["base_url"], workspace))
    hosting.begin()
