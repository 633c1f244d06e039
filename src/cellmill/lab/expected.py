"""What a run would do and why, asked in a process of its own: it loads Ploomber, which takes seconds."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping
from typing import Any

from cellmill.lab.refusal import Refused
from cellmill.run.command import as_process

_LONGEST = 60.0


async def expected_run(prepared: Mapping[str, Any]) -> dict[str, Any]:
    """What a run that was checked would do; nothing is run.

    Raises
    ------
    Refused
        If it could not run, or that can't be said in time.
    """
    words = [prepared["kind"], prepared["folder"], *prepared["words"], "--dry-run", "--json"]
    process = await asyncio.create_subprocess_exec(
        # -P: the project may hold a file of the user's that is named like a library.
        *as_process(words),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=prepared["root"],
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    try:
        told, complaint = await asyncio.wait_for(process.communicate(), _LONGEST)
    except TimeoutError:
        raise Refused(504, "It takes too long to find out what would run.") from None
    finally:
        # Also where the browser did not wait.
        if process.returncode is None:
            process.kill()
    try:
        found = json.loads(told)
    except ValueError:
        lines = complaint.decode(errors="replace").strip().splitlines() or ["nothing was said"]
        raise Refused(400, f"{lines[-1].removeprefix('Error: ')[:2000]}") from None
    return {
        "tasks": [
            {
                "name": task["name"],
                "state": task["state"],
                "reasons": [one["text"] for one in task["reasons"]],
                "reason": task["reason"],
            }
            for task in found["tasks"]
        ],
        "notices": found["notices"],
    }
