"""Rules about tags, magic lines and step names."""

from __future__ import annotations

from cellmill.rules.rule import Rule


class NoSteps(Rule):
    """No cell is tagged as a step, so there is nothing to promote.

    Why
    ---
    A pipeline is made of steps. Cells without a tag stay in the notebook.

    Bad
    ---
    # %%
    rows = [1, 2, 3]

    Good
    ----
    %%step load
    rows = [1, 2, 3]

    Remedy
    ------
    Put `%%step NAME` on the first line of cells, or have tags proposed: `cellmill tag NOTEBOOK --from-headings`.
    """

    code = "CM101"
    kinds = ("no-steps",)
    severities = ("error",)
    can_be_ignored = False


class BadMagicLine(Rule):
    """A magic line can't be read: an unknown option, no name, a `%metric` without a value.

    Why
    ---
    What the line was to say would be missing from the pipeline.

    Bad
    ---
    %%step train --retry 2
    model = [1]

    Good
    ----
    %%step train --retries 2
    model = [1]

    Remedy
    ------
    Write it as the finding shows; `%%step?` in a cell gives the help.
    """

    code = "CM102"
    kinds = ("bad-magic-line",)
    severities = ("error",)
    can_be_ignored = False


class TwoRoles(Rule):
    """A cell has two tags or two magic lines of cellmill, such as `step:load` and `shared`.

    Why
    ---
    A cell runs in one place. Which of the two was meant can't be known.

    Bad
    ---
    # %% step:load shared
    rows = [1, 2, 3]

    Good
    ----
    # %% step:load
    rows = [1, 2, 3]

    Remedy
    ------
    Keep one; split the cell if it does two jobs (*Edit > Split Cell*).
    """

    code = "CM103"
    kinds = ("two-roles",)
    severities = ("error",)
    can_be_ignored = False


class MisspeltTag(Rule):
    """A tag looks like one of cellmill's and is not, such as `Step:load`, `steps:load` or `parameter`; it is not read.

    Why
    ---
    The cell is not part of the pipeline, though its author thinks so.

    Bad
    ---
    # %% step:load
    rows = [1, 2, 3]
    # %% Step:show
    print(2)

    Good
    ----
    # %% step:load
    rows = [1, 2, 3]
    # %% step:show
    print(2)

    Remedy
    ------
    Write the tag as the finding shows.
    """

    code = "CM104"
    kinds = ("misspelt-tag",)
    severities = ("warning",)


class TagOnTextCell(Rule):
    """A Markdown or raw cell has one of cellmill's tags; no pipeline runs it.

    Why
    ---
    Often the cell was code when it was tagged, and its kind was changed by a slip of the keyboard (`M` in Jupyter).

    Bad
    ---
    # %% step:load
    rows = [1, 2, 3]
    # %% [markdown] step:show
    print(rows)

    Good
    ----
    # %% step:load
    rows = [1, 2, 3]
    # %% step:show
    print(rows)

    Remedy
    ------
    Move the tag to a code cell.
    """

    code = "CM105"
    kinds = ("tag-on-text-cell",)
    severities = ("warning",)


class TagAndMagicDiffer(Rule):
    """Tag and magic line of a cell say different things; the magic line is taken.

    Why
    ---
    Who reads the tag in Jupyter's sidebar expects the cell in another step.

    Bad
    ---
    # %% step:load
    %%step fetch
    rows = [1, 2, 3]

    Good
    ----
    # %% step:fetch
    %%step fetch
    rows = [1, 2, 3]

    Remedy
    ------
    Remove the tag.
    """

    code = "CM106"
    kinds = ("tag-and-magic-differ",)
    severities = ("warning",)


class UnknownMagic(Rule):
    """A cell begins with a misspelt magic of cellmill, such as `%%stpe`.

    Why
    ---
    The cell has no role, so it would be missing from the pipeline.

    Bad
    ---
    %%stpe load
    rows = [1, 2, 3]

    Good
    ----
    %%step load
    rows = [1, 2, 3]

    Remedy
    ------
    Correct its spelling.
    """

    code = "CM107"
    kinds = ("unknown-magic",)
    severities = ("error",)
    can_be_ignored = False


class MisplacedMagicLine(Rule):
    """`%%step` and its like stand further down in a cell, where they do nothing.

    Why
    ---
    IPython reads a cell magic on the first line only; in the notebook the cell fails, or the line is lost.

    Bad
    ---
    # %% step:load
    rows = [1, 2, 3]
    %%step show
    print(rows)

    Good
    ----
    %%step load
    rows = [1, 2, 3]
    # %%
    %%step show
    print(rows)

    Remedy
    ------
    Move the line to the top of the cell, or split the cell above it.
    """

    code = "CM108"
    kinds = ("misplaced-magic-line",)
    severities = ("error",)
    can_be_ignored = False


class BadStepName(Rule):
    """A step's name is no Python identifier; it becomes a file's and a module's name.

    Why
    ---
    Ploomber names the task by it, and `tasks/NAME.py` and the products are found by it.

    Bad
    ---
    %%step load-data
    rows = [1, 2, 3]

    Good
    ----
    %%step load_data
    rows = [1, 2, 3]

    Remedy
    ------
    Take the name that the finding proposes.
    """

    code = "CM109"
    kinds = ("bad-step-name",)
    severities = ("error",)
    can_be_ignored = False


class StepNameCollision(Rule):
    """Two steps differ only in case, or a name is taken: `parameters`, `upstream`, `product`, `reference`, `conftest`, a file name that Windows reserves.

    Why
    ---
    Both would be one file on machines that do not tell case apart, or overwrite a file of the pipeline's own.

    Bad
    ---
    %%step load
    rows = [1, 2, 3]
    # %%
    %%step Load
    print(2)

    Good
    ----
    %%step load
    rows = [1, 2, 3]
    # %%
    %%step show
    print(2)

    Remedy
    ------
    Rename the step.
    """  # noqa: E501

    code = "CM110"
    kinds = ("step-name-collision",)
    severities = ("error",)
    can_be_ignored = False


class UnknownAfter(Rule):
    """`--after` names a step that does not exist.

    Why
    ---
    The order that was asked for could not be kept.

    Bad
    ---
    %%step load
    rows = [1, 2, 3]
    # %%
    %%step show --after laod
    print(2)

    Good
    ----
    %%step load
    rows = [1, 2, 3]
    # %%
    %%step show --after load
    print(2)

    Remedy
    ------
    Correct the name.
    """

    code = "CM111"
    kinds = ("unknown-after",)
    severities = ("error",)
    can_be_ignored = False


class OrderCycle(Rule):
    """The `--after` of several steps go round in a circle.

    Why
    ---
    None of the steps could run first.

    Bad
    ---
    %%step load --after show
    rows = [1, 2, 3]
    # %%
    %%step show --after load
    print(2)

    Good
    ----
    %%step load
    rows = [1, 2, 3]
    # %%
    %%step show --after load
    print(2)

    Remedy
    ------
    Take one of them away.
    """

    code = "CM112"
    kinds = ("order-cycle",)
    severities = ("error",)
    can_be_ignored = False


class CheckOfUnknownStep(Rule):
    """`%%check NAME` or `check:NAME` names a step that does not exist.

    Why
    ---
    The check would never run, and nobody would see that.

    Bad
    ---
    %%step load
    rows = [1, 2, 3]
    # %%
    %%check laod
    assert rows

    Good
    ----
    %%step load
    rows = [1, 2, 3]
    # %%
    %%check load
    assert rows

    Remedy
    ------
    Correct the name.
    """

    code = "CM113"
    kinds = ("check-of-unknown-step",)
    severities = ("error",)
    can_be_ignored = False


class CheckBeforeStep(Rule):
    """A check stands above the step that it checks, or below another one that changes what it looks at.

    Why
    ---
    In the pipeline it runs at the end of its step. In the notebook it looks at what was there before the step, or at
    what another step made of it.

    Bad
    ---
    %%check load
    assert True
    # %%
    %%step load
    rows = [1, 2, 3]

    Good
    ----
    %%step load
    rows = [1, 2, 3]
    # %%
    %%check load
    assert True

    Remedy
    ------
    Move the cell to the end of its step.
    """

    code = "CM114"
    kinds = ("check-before-step", "check-after-change")
    severities = ("warning",)


class SyntaxProblem(Rule):
    """A tagged cell is not Python, IPython's additions included.

    Why
    ---
    Its task could not run, and what the cell needs and makes can't be read.

    Bad
    ---
    %%step load
    rows = [1, 2, 3

    Good
    ----
    %%step load
    rows = [1, 2, 3]

    Remedy
    ------
    Run the cell and mend it, or take its tag away.
    """

    code = "CM115"
    kinds = ("syntax-error",)
    severities = ("error",)
    can_be_ignored = False


class OptionsDiffer(Rule):
    """Two cells of one step give different `--retries` or `--timeout`.

    Why
    ---
    A step is one task, and has one of each.

    Bad
    ---
    %%step load --retries 1
    rows = [1, 2, 3]
    # %%
    %%step load --retries 2
    print(rows)

    Good
    ----
    %%step load --retries 2
    rows = [1, 2, 3]
    # %%
    %%step load
    print(rows)

    Remedy
    ------
    Write the option in one cell of the step.
    """

    code = "CM116"
    kinds = ("options-differ",)
    severities = ("error",)
    can_be_ignored = False


class AuthorOnlyMagic(Rule):
    """A tagged cell has `%steps`, `%readiness`, `%promote`, `%reproduce`, `%run_pipeline` or `%sweep`: left out.

    Why
    ---
    These look at the notebook or start pipelines, and a task has no notebook to look at.

    Bad
    ---
    %%step load
    rows = [1, 2, 3]
    %steps

    Good
    ----
    %%step load
    rows = [1, 2, 3]
    # %%
    %steps

    Remedy
    ------
    Move it to a cell without a tag.
    """

    code = "CM117"
    kinds = ("author-only-magic",)
    severities = ("warning",)


class UntaggedCells(Rule):
    """Code cells have no tag, and nothing that is promoted needs them; they are not part of the pipeline.

    Why
    ---
    Such a cell often shows the result: a plot, a table, a figure at the end. The pipeline would not make it, and say
    nothing.

    Bad
    ---
    %%step train
    score = 0.9
    # %%
    print(score)

    Good
    ----
    %%step train
    score = 0.9
    # %%
    %%step report
    print(score)

    Remedy
    ------
    Tag the cells that the pipeline should run; tag the others `skip`, which says that they are left out on purpose.
    """

    code = "CM118"
    kinds = ("untagged-cells",)
    severities = ("info",)
