"""Rules about names and the order of steps."""

from __future__ import annotations

from cellmill.rules.rule import Rule


class UndefinedName(Rule):
    """No cell defines the name; the notebook's kernel may still have it from a cell that is gone.

    Why
    ---
    A task starts in a fresh kernel, where the name does not exist.

    Bad
    ---
    %%step load
    rows = [1, 2, 3]
    # %%
    %%step count
    total = len(row)

    Good
    ----
    %%step load
    rows = [1, 2, 3]
    # %%
    %%step count
    total = len(rows)

    Remedy
    ------
    Define it in a cell above, or correct its spelling. Ignore it where the kernel itself brings the name, such as
    `spark`.
    """

    code = "CM201"
    kinds = ("undefined-name",)
    severities = ("error", "warning")
    severity_note = "warning inside a function or on a path that may not be taken"


class UntaggedName(Rule):
    """Only a cell without a tag, or a skipped one, defines the name; such cells are not promoted.

    Why
    ---
    The step that needs the name would fail.

    Bad
    ---
    # %%
    rows = [1, 2, 3]
    # %%
    %%step count
    total = len(rows)

    Good
    ----
    %%step load
    rows = [1, 2, 3]
    # %%
    %%step count
    total = len(rows)

    Remedy
    ------
    Tag that cell: `shared` for imports and functions, else a step.
    """

    code = "CM202"
    kinds = ("untagged-name",)
    severities = ("error",)
    can_be_ignored = False


class UntaggedChange(Rule):
    """A cell without a tag, or a skipped one, changes what a later step uses; such cells are not promoted.

    Why
    ---
    In the pipeline the change does not happen, so that the later step has another value than in the notebook.

    Bad
    ---
    %%step load
    rows = [3, None, 1]
    # %%
    rows = [row for row in rows if row is not None]
    # %%
    %%step count
    print(len(rows))

    Good
    ----
    %%step load
    rows = [3, None, 1]
    # %%
    %%step load
    rows = [row for row in rows if row is not None]
    # %%
    %%step count
    print(len(rows))

    Remedy
    ------
    Tag that cell as part of a step, or `skip` if the pipeline is to go without the change.
    """

    code = "CM212"
    kinds = ("untagged-change",)
    severities = ("error", "warning")
    severity_note = "warning for a cell tagged `skip`, and for process state such as options and seeds"
    can_be_ignored = False


class UsedBeforeDefined(Rule):
    """A step or a shared cell uses a name that only a step further down defines.

    Why
    ---
    The notebook gave that value only because cells had run in another order before.

    Bad
    ---
    %%step count
    total = len(rows)
    # %%
    %%step load
    rows = [1, 2, 3]

    Good
    ----
    %%step load
    rows = [1, 2, 3]
    # %%
    %%step count
    total = len(rows)

    Remedy
    ------
    Move the cell, or tag it as part of that step.
    """

    code = "CM203"
    kinds = ("used-before-defined",)
    severities = ("error",)


class HistoryName(Rule):
    """`_`, `Out[3]`, `In` and their like are IPython's history; a task has none.

    Why
    ---
    In a task they would be other values, or none.

    Bad
    ---
    %%step load
    sum([1, 2, 3])
    # %%
    %%step show
    print(_)

    Good
    ----
    %%step load
    total = sum([1, 2, 3])
    # %%
    %%step show
    print(total)

    Remedy
    ------
    Give the result a name and use that.
    """

    code = "CM204"
    kinds = ("history-name",)
    severities = ("error",)
    can_be_ignored = False


class SharedAfterStep(Rule):
    """A step sets or changes a name that a shared cell further down sets again.

    Why
    ---
    Shared cells run first in every task, so the order would be another than in the notebook.

    Bad
    ---
    %%step load
    limit = 1
    # %%
    %%shared
    limit = 2
    # %%
    %%step show
    print(limit)

    Good
    ----
    %%step load
    limit = 1
    # %%
    %%step widen
    limit = 2
    # %%
    %%step show
    print(limit)

    Remedy
    ------
    Rename one of the two, or make the shared cell a step.
    """

    code = "CM205"
    kinds = ("shared-after-step",)
    severities = ("error",)
    can_be_ignored = False


class StepCycle(Rule):
    """Cells of one step stand before and after another step, and each needs the other.

    Why
    ---
    A step runs as a whole, so neither of the two could run first.

    Bad
    ---
    %%step load
    rows = [1, 2, 3]
    # %%
    %%step count
    total = len(rows)
    # %%
    %%step load
    print(total)

    Good
    ----
    %%step load
    rows = [1, 2, 3]
    # %%
    %%step count
    total = len(rows)
    # %%
    %%step show
    print(total)

    Remedy
    ------
    Give the later cells a step name of their own.
    """

    code = "CM206"
    kinds = ("step-cycle",)
    severities = ("error",)
    can_be_ignored = False


class ReservedName(Rule):
    """A parameter is called `upstream`, `product` or `resources_`, which Ploomber sets in every task.

    Why
    ---
    Ploomber's value would take the place of the parameter's.

    Bad
    ---
    %%parameters
    product = "report"
    # %%
    %%step show
    print(product)

    Good
    ----
    %%parameters
    product_name = "report"
    # %%
    %%step show
    print(product_name)

    Remedy
    ------
    Rename the parameter.
    """

    code = "CM207"
    kinds = ("reserved-name",)
    severities = ("error",)
    can_be_ignored = False


class DynamicNames(Rule):
    """`eval`, `exec` or `globals()` may use any variable, so all of them are handed over.

    Why
    ---
    Which variables the text names is known only when it runs; saving all of them costs time and room.

    Bad
    ---
    %%step load
    rows, word = [1, 2, 3], "len(rows)"
    # %%
    %%step show
    print(eval(word))

    Good
    ----
    %%step load
    rows = [1, 2, 3]
    # %%
    %%step show
    print(len(rows))

    Remedy
    ------
    Write the names that are meant.
    """

    code = "CM208"
    kinds = ("dynamic-names",)
    severities = ("warning", "error")
    severity_note = "error where a step above makes names that only a run knows"


class UnknownNames(Rule):
    """A star import, `%run` or `exec` may define any name, so every later step depends on this one.

    Why
    ---
    Steps that could run side by side wait for each other, and a misspelt name is found only when its task fails.

    Bad
    ---
    %%step load
    %run prepare.py
    # %%
    %%step show
    print(2)

    Good
    ----
    %%step load
    from pathlib import Path
    # %%
    %%step show
    print(Path("x"))

    Remedy
    ------
    Import or define the names one by one.
    """

    code = "CM209"
    kinds = ("unknown-names",)
    severities = ("warning",)


class UnknownOutput(Rule):
    """`--outputs` names a variable that the step does not make.

    Why
    ---
    There would be nothing to save under that name.

    Bad
    ---
    %%step load --outputs row
    rows = [1, 2, 3]

    Good
    ----
    %%step load --outputs rows
    rows = [1, 2, 3]

    Remedy
    ------
    Correct the name, or take it out.
    """

    code = "CM210"
    kinds = ("unknown-output",)
    severities = ("error",)
    can_be_ignored = False


class SharedAgain(Rule):
    """A step gives the name of a shared function or class that keeps state another meaning.

    Why
    ---
    What a shared function or class keeps travels from task to task by its name, and would be lost.

    Bad
    ---
    %%shared
    class Log:
        lines = []
    # %%
    %%step load
    Log.lines.append("loaded")
    log = Log()
    # %%
    %%step show
    class Log:
        pass
    print(log.lines)

    Good
    ----
    %%shared
    class Log:
        lines = []
    # %%
    %%step load
    Log.lines.append("loaded")
    log = Log()
    # %%
    %%step show
    class Page:
        pass
    print(log.lines)

    Remedy
    ------
    Give the new one another name.
    """

    code = "CM211"
    kinds = ("shared-again",)
    severities = ("error",)
    can_be_ignored = False
