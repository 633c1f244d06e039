"""Rules about what the pipeline folder would hold."""

from __future__ import annotations

from cellmill.rules.rule import Rule


class NotInstalled(Rule):
    """A cell imports a module that is not installed here, so `requirements.lock` can't name its version.

    Why
    ---
    The machine that runs the pipeline installs what the lock names, and the import would fail there.

    Bad
    ---
    %%step load
    import a_module_that_nobody_has

    Good
    ----
    %%step load
    import pathlib

    Remedy
    ------
    Install it before you promote.
    """

    code = "CM401"
    kinds = ("not-installed",)
    severities = ("warning",)


class SharedAwait(Rule):
    """A shared cell awaits at its top level; it becomes a module, which can't.

    Why
    ---
    Only IPython lets code await outside a function.

    Bad
    ---
    %%shared
    import asyncio
    await asyncio.sleep(0)
    # %%
    %%step load
    rows = [1, 2, 3]

    Good
    ----
    %%step load
    import asyncio
    await asyncio.sleep(0)

    Remedy
    ------
    Tag the cell as a step.
    """

    code = "CM402"
    kinds = ("shared-await",)
    severities = ("error",)
    can_be_ignored = False


class NoOutputs(Rule):
    """The notebook was saved without outputs; the tests that promotion writes have nothing to compare with.

    Why
    ---
    The reference notebooks below `tests/` hold what the cells showed when the author saved them.

    Bad
    ---
    %%step load
    print(1)

    Remedy
    ------
    Run the notebook and save it before you promote.
    """

    code = "CM403"
    kinds = ("no-outputs",)
    severities = ("info",)
    reads_saved_outputs = True


class RaisesException(Rule):
    """A tagged cell has the tag `raises-exception`.

    Why
    ---
    In the notebook it may fail; in a task Papermill stops at every error.

    Bad
    ---
    # %% step:load raises-exception
    rows = [1, 2, 3]

    Good
    ----
    # %% step:load
    rows = [1, 2, 3]

    Remedy
    ------
    Catch the exception in the cell, or tag the cell `skip`.
    """

    code = "CM404"
    kinds = ("raises-exception",)
    severities = ("error",)
    can_be_ignored = False


class ComputedParameter(Rule):
    """A line of the parameters cell computes with a parameter.

    Why
    ---
    New values are set after that cell has run, so the result stays that of the default.

    Bad
    ---
    %%parameters
    folder = "data"
    path = folder + "/rows.csv"
    # %%
    %%step load
    print(path)

    Good
    ----
    %%parameters
    folder = "data"
    # %%
    %%step load
    path = folder + "/rows.csv"
    print(path)

    Remedy
    ------
    Move the line to the step that needs it, or to a shared cell.
    """

    code = "CM405"
    kinds = ("computed-parameter",)
    severities = ("warning",)


class FixedParameter(Rule):
    """A line of the parameters cell assigns an object, a tuple or a dict with numbers for keys.

    Why
    ---
    Runs can set numbers, texts, `True`, `None`, and lists and dicts of these. This value stays as it is.

    Bad
    ---
    %%parameters
    limits = (1, 2)
    # %%
    %%step load
    print(limits)

    Good
    ----
    %%parameters
    limits = [1, 2]
    # %%
    %%step load
    print(limits)

    Remedy
    ------
    Write such a value to make it a parameter, or move the line to a shared cell.
    """

    code = "CM406"
    kinds = ("fixed-parameter",)
    severities = ("info",)


class UndecidedConflict(Rule):
    """A file of the pipeline holds a conflict with git's marks, which nobody has decided.

    Why
    ---
    `cellmill promote --conflicts mark` and `git merge` write both sides and leave the choice to you. Until then the
    file is no Python, or a text that nobody meant; nothing is run or promoted.

    Remedy
    ------
    Open the file at that line, keep the lines that are right, and take out the marks (`<<<<<<<`, `=======`, `>>>>>>>`).
    `cellmill promote NOTEBOOK --overwrite-file FILE` takes the notebook's side of the whole file.
    """

    code = "CM407"
    kinds = ("undecided-conflict",)
    severities = ("error",)
    can_be_ignored = False
