"""Rules about the comments and settings that ignore findings."""

from __future__ import annotations

from cellmill.rules.rule import Rule


class BadIgnore(Rule):
    """An ignore names no code that exists, or stands in the settings without a reason.

    Why
    ---
    It ignores nothing, though its author thinks so; and who reads the settings has to know why.

    Bad
    ---
    %%step load
    print(1)  # cellmill: ignore[CM999]

    Good
    ----
    %%step load
    print(1)

    Remedy
    ------
    Write the code as the finding shows it, and in the settings a `reason`.
    """

    code = "CM901"
    kinds = ("bad-ignore",)
    severities = ("warning",)
    can_be_ignored = False


class UnusedIgnore(Rule):
    """An ignore matches no finding any more.

    Why
    ---
    It would hide the next such finding at its place without anybody having looked at it.

    Bad
    ---
    %%step load
    print(1)  # cellmill: ignore[CM501]

    Good
    ----
    %%step load
    print(open("/home/ada/rows.csv"))  # cellmill: ignore[CM501] the machine of production has it too

    Remedy
    ------
    Take it away.
    """

    code = "CM902"
    kinds = ("unused-ignore",)
    severities = ("warning",)
    can_be_ignored = False


class IgnoreNotAllowed(Rule):
    """An ignore names an error that can't be ignored; the error stands.

    Why
    ---
    The pipeline would fail in any case, or give something else than the notebook without a word.

    Bad
    ---
    %%step load
    sum([1, 2, 3])
    # %%
    %%step show
    print(_)  # cellmill: ignore[CM204]

    Good
    ----
    %%step load
    total = sum([1, 2, 3])
    # %%
    %%step show
    print(total)

    Remedy
    ------
    Do what the error itself says.
    """

    code = "CM903"
    kinds = ("ignore-not-allowed",)
    severities = ("warning",)
    can_be_ignored = False
