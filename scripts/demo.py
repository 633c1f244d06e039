"""The main job, shown on one example: a tagged notebook, checked, promoted, verified, run, tracked and tested.

`make demo` calls it. The checkout stays clean: the pipeline is checked in, and what runs leave is ignored by git.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import click

ROOT = Path(__file__).parents[1]
BIN = Path(sysconfig.get_path("scripts"))
NAME = "breast_cancer"
NOTEBOOK = f"notebooks/{NAME}.ipynb"
PIPELINE = f"pipelines/{NAME}"

STEPS = (
    ("What stands between the notebook and production?", f"cellmill check {NOTEBOOK}"),
    ("Promote it: the same notebook gives the same pipeline, which is checked in", f"cellmill promote {NOTEBOOK}"),
    ("Does the pipeline give what the notebook gives?", f"cellmill verify {PIPELINE}"),
    ("Run it: only what is outdated, each task recorded in MLflow", f"cellmill run {PIPELINE}"),
    ("Test every task against the notebook's saved outputs", f"pytest --nbval {PIPELINE}/tests -q"),
)


def main() -> None:
    start = time.monotonic()
    for number, (why, words) in enumerate(STEPS, start=1):
        click.secho(f"\n{number}/{len(STEPS)}  {why}", bold=True)
        click.secho(f"$ {words}", fg="cyan")
        _run(words.split())
    click.secho(f"\nDone in {time.monotonic() - start:.0f} s.\n", bold=True)
    click.echo(closing())


def _run(words: list[str]) -> None:
    sys.stdout.flush()
    # Tools find each other as in an activated environment.
    environment = os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"}
    done = subprocess.run([BIN / words[0], *words[1:]], cwd=ROOT, env=environment, check=False)
    if done.returncode:
        click.secho(
            f"\nThe demo stops here: {' '.join(words)} ended with exit status {done.returncode}.", fg="red", err=True
        )
        sys.exit(1)


def closing() -> str:
    """What was made, and how to look at it."""
    output = ROOT / PIPELINE / "output"
    reports = sorted(output.glob("*.html"))
    bin_folder = BIN.relative_to(ROOT) if BIN.is_relative_to(ROOT) else BIN
    rows = (
        ("Pipeline", f"{PIPELINE}/ (README.md tells what is in it)"),
        ("Notebooks", f"{PIPELINE}/output/*.ipynb, {len(reports)} executed by Papermill"),
        ("Reports", f"{PIPELINE}/output/*.html, such as {reports[-1].name if reports else '-'}"),
        ("MLflow", f"{bin_folder}/mlflow ui --backend-store-uri sqlite:///mlflow.db, then open http://127.0.0.1:5000"),
        ("Lab", f"{bin_folder}/jupyter lab {NOTEBOOK}"),
    )
    return "\n".join(f"  {label:<11}{text}" for label, text in rows)


if __name__ == "__main__":
    main()
