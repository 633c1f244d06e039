"""The process that analyses and promotes for the server: pure Python work, which must not hold the server's loop.

It reads a line of JSON (``do``, ``query``, ``size``) and a body of that size, and answers in the same way (``status``,
``size``). It ends when its input does.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

from cellmill.errors import CellmillError
from cellmill.lab.answers import encoded
from cellmill.lab.refusal import Refused
from cellmill.lab.root import Root

Work = Callable[[Root, bytes, Mapping[str, str]], dict[str, Any]]


def main(folder: str) -> None:
    """Answer requests until there are no more."""
    answers = os.fdopen(os.dup(1), "wb")
    # Nothing else may write between two answers.
    os.dup2(2, 1)
    warnings.simplefilter("ignore")
    root = Root(Path(folder))
    works = _works()
    _say(answers, 200, b"{}")
    requests = sys.stdin.buffer
    while line := requests.readline():
        asked = json.loads(line)
        body = requests.read(asked["size"])
        _say(answers, *answer(works[asked["do"]], root, body, asked["query"]))


def _works() -> dict[str, Work]:
    from cellmill.lab.analysis import analyse_notebook, suggest_steps
    from cellmill.lab.pipelines import list_pipelines, show_pipeline
    from cellmill.lab.preparing import prepare_look, prepare_run
    from cellmill.lab.promotion import plan_promotion, promote
    from cellmill.lab.sweeps import check_sweep

    return _schedule_works() | {
        "analyse": analyse_notebook,
        "suggest": suggest_steps,
        "plan": plan_promotion,
        "promote": promote,
        "pipelines": list_pipelines,
        "pipeline": show_pipeline,
        "prepare": prepare_run,
        "expect": prepare_look,
        "sweep": check_sweep,
    }


def _schedule_works() -> dict[str, Work]:
    from cellmill.lab import schedule_form, schedules

    return {
        "schedules": schedules.list_schedules,
        "who-serves": schedules.who_serves,
        "schedule-history": schedules.show_history,
        "schedule-pause": schedules.pause,
        "schedule-resume": schedules.resume,
        "schedule-run-now": schedules.run_now,
        "schedule-check": schedule_form.check_schedule,
        "schedule-plan": schedule_form.plan_schedule,
        "schedule-save": schedule_form.save_schedule,
    }


def answer(work: Work, root: Root, body: bytes, query: Mapping[str, str]) -> tuple[int, bytes]:
    """Do one thing; whatever goes wrong becomes a status and a sentence."""
    try:
        return 200, encoded(work(root, body, query))
    except Refused as refused:
        return refused.status, encoded(refused.as_dict())
    except CellmillError as error:
        return 400, encoded({"message": str(error)})
    except RecursionError:
        return 422, encoded({"message": "The code in this notebook is nested too deep to be read; write it flatter."})
    except Exception as error:
        traceback.print_exc()
        words = " ".join(str(error).split())[:200]
        message = f"cellmill could not do this ({type(error).__name__}: {words}); the server's log has all of it."
        return 422, encoded({"message": message})


def _say(answers: IO[bytes], status: int, content: bytes) -> None:
    answers.write(json.dumps({"status": status, "size": len(content)}).encode() + b"\n" + content)
    answers.flush()


if __name__ == "__main__":
    main(sys.argv[1])
