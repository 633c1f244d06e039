"""Rules about what is handed from step to step, and about state that no variable holds."""

from __future__ import annotations

from cellmill.rules.rule import Rule


class Unserializable(Rule):
    """A generator, an open file, a connection, a lock or another live thing is needed by a later step.

    Why
    ---
    Steps hand their variables over in files, and no file can hold a live thing.

    Bad
    ---
    %%step load
    source = open("rows.csv")
    # %%
    %%step count
    total = len(source.readlines())

    Good
    ----
    %%step load
    rows = open("rows.csv").readlines()
    # %%
    %%step count
    total = len(rows)

    Remedy
    ------
    Tag the cells that use it with one step, or make it again in the later step.
    """

    code = "CM301"
    kinds = ("unserializable",)
    severities = ("error",)
    can_be_ignored = False


class FunctionState(Rule):
    """A function that later steps use remembers something in a default argument or a closure.

    Why
    ---
    It is handed over with what it remembers, which nobody sees who reads the pipeline.

    Bad
    ---
    %%step load
    def seen(row, known=[]):
        known.append(row)
        return len(known)
    seen(1)
    # %%
    %%step count
    print(seen(2))

    Good
    ----
    %%step load
    known = []
    def seen(row):
        known.append(row)
        return len(known)
    seen(1)
    # %%
    %%step count
    print(seen(2))

    Remedy
    ------
    Keep what it remembers in a variable, if it should be seen.
    """

    code = "CM302"
    kinds = ("mutable-default", "closure-state")
    severities = ("warning",)


class CachedFunction(Rule):
    """A cached function that does more than compute is called in two steps; each would have a cache of its own.

    Why
    ---
    In the notebook the second call finds the first one's result, and what the function does beside computing happens
    once. In the pipeline it happens in each step.

    Bad
    ---
    %%shared
    from functools import cache
    calls = []
    @cache
    def load(name):
        calls.append(name)
        return len(calls)
    # %%
    %%step first
    one = load("a")
    # %%
    %%step second
    two = load("a")

    Good
    ----
    %%shared
    from functools import cache
    @cache
    def load(name):
        return len(name)
    # %%
    %%step first
    one = load("a")
    # %%
    %%step second
    two = load("a")

    Remedy
    ------
    Tag the cells that call it with one step, or take the cache away. Ignore it where two calls give the same.
    """

    code = "CM303"
    kinds = ("cached-function",)
    severities = ("error",)


class ProcessState(Rule):
    """The step changes state of the process and no variable: a seed, an option, the working folder, the environment.

    Why
    ---
    Each task is a process of its own. cellmill carries such state to the later steps, which is more than the line says.

    Bad
    ---
    %%step load
    import random
    random.seed(1)
    # %%
    %%step draw
    import random
    print(random.random())

    Good
    ----
    %%step draw
    import random
    random.seed(1)
    print(random.random())

    Remedy
    ------
    Nothing, or tag the cell `shared` if every step should start with it.
    """

    code = "CM304"
    kinds = ("process-state",)
    severities = ("warning",)
