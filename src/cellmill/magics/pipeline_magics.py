"""``%promote`` and ``%run_pipeline``: from the notebook to its pipeline and through it, all from a cell."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.core.magic import Magics, line_magic, magics_class
from IPython.display import display

from cellmill.errors import CellmillError
from cellmill.magics.arguments import Given, Usage, parse_arguments
from cellmill.magics.reading_magics import findings_table, standing_sentence
from cellmill.magics.run_view import RunView
from cellmill.magics.session import Session
from cellmill.magics.tables import Table
from cellmill.magics.told import tells_in_one_line, without_traceback
from cellmill.notebook import project_root
from cellmill.notebook.magic_lines import did_you_mean

if TYPE_CHECKING:
    from cellmill.promote import Plan, Written
    from cellmill.promote.merge import Edits

_PROMOTE = Usage(
    "%promote [NAME] [--keep-edits | --overwrite] [--dry-run] [--diff] [--into DIR] [--notebook FILE]",
    words=1,
    flags=("--keep-edits", "--overwrite", "--force", "--dry-run", "--diff"),
    values=("--into", "--notebook"),
)
_RUN = Usage(
    "%run_pipeline [NAME] [-p NAME=VALUE ...] [--env PROFILE] [--force] [--only STEP | --from STEP] [--skip STEP] "
    "[--repair] [--dry-run]",
    words=1,
    flags=("--force", "--repair", "--dry-run"),
    values=("-p", "--env", "--only", "--from", "--skip"),
)


@magics_class
class PipelineMagics(Magics):
    """Promote and run."""

    def __init__(self, shell: InteractiveShell, session: Session) -> None:
        super().__init__(shell)
        self._session = session

    @line_magic
    @tells_in_one_line
    def promote(self, line: str) -> None:
        """Make a pipeline of this notebook.

            %promote [NAME] [--keep-edits | --overwrite] [--dry-run] [--diff] [--into DIR] [--notebook FILE]

        The folder pipelines/NAME is written, NAME being the notebook's name if none is given. The saved file is read,
        so save first.

        --dry-run        say what would be written, and write nothing
        --diff           show what would change, and write nothing
        --keep-edits     where an edit by hand and the notebook are in conflict, keep the edit
        --overwrite      overwrite all that was edited by hand, or a folder of another notebook; also --force
        --into DIR       write to DIR/NAME
        --notebook FILE  promote this notebook
        """
        from cellmill.promote import make_plan, write_plan
        from cellmill.promote.changes import told_diff

        given = parse_arguments(_PROMOTE, line)
        notebook, unsaved = self._session.read_notebook(given.value("--notebook"))
        only_shown = given.flags & {"--dry-run", "--diff"}
        if unsaved.changed and not only_shown:
            raise CellmillError(str(unsaved).partition(";")[0], remedy="save it (Ctrl+S) and run this cell again")
        force = bool(given.flags & {"--force", "--overwrite"})
        edits: Edits = "keep" if "--keep-edits" in given.flags else "merge"
        if force and edits == "keep":
            raise CellmillError("--keep-edits and --overwrite can't be together", remedy="leave one of them out")
        with _findings_shown(notebook.path.name):
            into = given.value("--into")
            plan = make_plan(notebook.path, name=given.word, into=Path(into).expanduser() if into else None)
            if not only_shown:
                written = write_plan(plan, force=force, edits=edits)
        notes = [*(str(one) for one in plan.findings if one.severity == "warning"), *filter(None, [str(unsaved)])]
        if "--diff" in given.flags:
            shown: Any = _Text(
                told_diff(plan, "overwrite" if force else edits)
                or f"{shown_path(plan.folder)} is current: nothing would change."
            )
        elif "--dry-run" in given.flags:
            shown = _plan_table(plan, notes)
        else:
            shown = _written_table(notebook.path.name, plan.name, written, notes)
        display(shown)  # type: ignore[no-untyped-call]

    @line_magic
    @tells_in_one_line
    def run_pipeline(self, line: str) -> None:
        """Run a promoted pipeline.

            %run_pipeline [NAME] [-p NAME=VALUE ...] [--env PROFILE] [--force] [--only STEP | --from STEP] [--skip STEP]
                          [--repair] [--dry-run]

        NAME is a folder in pipelines/, by default that of this notebook. Tasks that are up to date are skipped; the run
        is recorded in MLflow.

        -p NAME=VALUE  set a parameter
        --env PROFILE  let env.PROFILE.yaml override env.yaml
        --force        run tasks that are up to date as well
        --only STEP    run this step alone
        --from STEP    run this step and those after it
        --skip STEP    leave this step out
        --repair       run what the last run left undone, with its parameters: what failed, and what follows
        --dry-run      say what would run and why, and run nothing
        """
        given = parse_arguments(_RUN, line)
        folder = find_folder(self._session, given.word)
        if "--dry-run" in given.flags:
            display(_expected_table(folder, given))  # type: ignore[no-untyped-call]
            return
        view = RunView(folder)
        failed = run_and_show(folder, given, view)
        if failed:
            raise without_traceback(RuntimeError(failed), failed)


def find_folder(session: Session, name: str | None) -> Path:
    """Find a pipeline by its name or path, or else that of the session's notebook.

    Raises
    ------
    CellmillError
        If there is none.
    """
    from cellmill.promote.names import pipeline_name

    if name and ("/" in name or (Path(name) / "pipeline.yaml").is_file()):
        return Path(name).expanduser()
    if name:
        try:
            start = session.notebook_path()
        except CellmillError:
            start = Path.cwd()
    else:
        start = session.notebook_path()
    pipelines = project_root(start) / "pipelines"
    folder = pipelines / (name or pipeline_name(start.stem))
    if not (folder / "pipeline.yaml").is_file():
        there = sorted(found.parent.name for found in pipelines.glob("*/pipeline.yaml"))
        otherwise = f"the pipelines are {', '.join(there)}" if there else "make it with %promote"
        raise CellmillError(
            f"there is no pipeline {folder.name} in {pipelines}",
            remedy=did_you_mean(name, there, otherwise) if name else "make it with %promote",
        )
    return folder


def run_and_show(folder: Path, given: Given, view: RunView) -> str:
    """Run a pipeline and follow it in a view; gives the sentence that tells why it failed, if it did."""
    from cellmill.run import RunLog, run_pipeline
    from cellmill.run.folder import accepted_parameters
    from cellmill.run.parameters import parse_assignments
    from cellmill.run.warm import keep_warm_processes
    from cellmill.track import Tracker

    parameters = parse_assignments(given.values.get("-p", ()), accepted_parameters(folder), where=folder)
    profile = given.value("--env")
    keep_warm_processes()
    with RunLog(folder, source="magic", parameters=parameters, profile=profile, on_notice=view.notice) as log:
        with Tracker(folder, on_notice=view.notice, start=False) as tracker:
            result = run_pipeline(
                folder,
                parameters=parameters,
                profile=profile,
                **_chosen(given),
                # The record says that the run has ended once MLflow has it all.
                listeners=(view, tracker, log),
                **tracker.hooks,
                run_id=log.run_id,
            )
        log.ended(mlflow=tracker.reference, closing=tracker.closing_lines)
    proven = [standing_sentence(folder)] if (folder / ".promotion.json").is_file() else []
    view.ended(result, [*tracker.closing_lines, *proven])
    if result.state == "succeeded":
        return ""
    return result.failure.sentence if result.failure else "the run was stopped"


def _chosen(given: Given) -> dict[str, Any]:
    """The options that say what is to be run, as ``run_pipeline`` and ``dry_run`` take them."""
    return {
        "force": "--force" in given.flags,
        "only": given.values.get("--only", ()),
        "from_": given.value("--from"),
        "skip": given.values.get("--skip", ()),
        "repair": "--repair" in given.flags,
    }


def _expected_table(folder: Path, given: Given) -> Table:
    """What a run would do, task by task."""
    from cellmill.run import dry_run
    from cellmill.run.folder import accepted_parameters
    from cellmill.run.parameters import parse_assignments

    parameters = parse_assignments(given.values.get("-p", ()), accepted_parameters(folder), where=folder)
    told = dry_run(folder, parameters=parameters, profile=given.value("--env"), **_chosen(given))
    head, *_, closing = told.lines
    rows = [(task.name, task.words) for task in told.tasks]
    return Table(head, ("step", ""), rows, [*told.notices, closing])


class _Text:
    """A text shown as it is."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


@contextmanager
def _findings_shown(name: str) -> Iterator[None]:
    """Show what the one sentence of a refusal has no room for: all errors, or where edits are in conflict."""
    from cellmill.promote import PromotionRefused

    try:
        yield
    except PromotionRefused as refusal:
        errors = [one for one in refusal.findings if one.severity == "error"]
        if len(errors) > 1:
            display(findings_table(name, errors))  # type: ignore[no-untyped-call]
        if refusal.preview:
            display(_Text(refusal.preview))  # type: ignore[no-untyped-call]
        raise


def _plan_table(plan: Plan, notes: list[str]) -> Table:
    from cellmill.promote.write import changed_files

    changed = set(changed_files(plan))
    rows = [
        (name, f"{len(content):,} bytes", "would be written" if name in changed else "is current")
        for name, content in sorted(plan.files.items())
    ]
    return Table(f"The pipeline {shown_path(plan.folder)} would hold:", ("file", "size", ""), rows, notes)


def _written_table(notebook: str, name: str, written: Written, notes: list[str]) -> Table:
    from cellmill.promote.overwriting import told_of_edits

    folder = shown_path(written.folder)
    states = dict.fromkeys(written.merged, "merged with the edits")
    rows = [(path, states.get(path, "written")) for path in written.changed] + [
        (path, "removed") for path in written.removed
    ]
    if not rows:
        caption = f"The pipeline {folder} is current: nothing was written."
    elif written.created:
        caption = f"{notebook} is now the pipeline {folder}."
    else:
        caption = f"The pipeline {folder} is again as {notebook} has it."
    how = f"%run_pipeline {name} runs it here, cellmill run {folder} in a terminal."
    edits = [*told_of_edits(written), *(f"In conflict, and the edit was kept: {one}." for one in written.decided)]
    return Table(caption, ("file", ""), rows, [*notes, *edits, how, standing_sentence(written.folder)])


def shown_path(path: Path) -> str:
    """The path as the user would type it."""
    return os.path.relpath(path)
