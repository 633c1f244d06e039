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


class LostSetting(Rule):
    """The step changes what a library or the process keeps for itself, which no other process can be given.

    Why
    ---
    A dialect that was registered, a signal's handler, a library's default type: each task is a process of its own, and
    what the step has set is not there in the later ones, which would do something else and say nothing.

    Bad
    ---
    %%step load
    import csv
    csv.register_dialect("excel", delimiter=";")
    # %%
    %%step rows
    import csv, io
    print(list(csv.reader(io.StringIO("a;b"), "excel")))

    Good
    ----
    %%shared
    import csv
    csv.register_dialect("excel", delimiter=";")
    # %%
    %%step rows
    import csv, io
    print(list(csv.reader(io.StringIO("a;b"), "excel")))

    Remedy
    ------
    Tag the cell `shared`, so that every step starts with it; or set it in the step that needs it.
    """

    code = "CM305"
    kinds = ("lost-setting",)
    severities = ("error",)


class EvidenceDiffers(Rule):
    """The notebook was observed, and a step sets or changes a variable though its source does not show it.

    Why
    ---
    Later steps get the variable from the step that was seen to change it, which nobody reads in the source.

    Remedy
    ------
    Nothing, or make the change where it can be seen. See [observing](user-guide.md#observe-what-steps-really-change).
    """

    code = "CM310"
    kinds = ("evidence-differs",)
    severities = ("warning",)


class UnseenState(Rule):
    """The notebook was observed, and a step changes state of the process though its source does not show it.

    Why
    ---
    Each task is a process of its own. cellmill carries such state to the later steps, more than the source says.

    Remedy
    ------
    Nothing, or make the change in a shared cell.
    """

    code = "CM311"
    kinds = ("unseen-state",)
    severities = ("warning",)


class NotKept(Rule):
    """`--keeps` names a variable that the step sets, that was seen to change, or that there is none of.

    Why
    ---
    What `--keeps` says is believed: later steps would get the variable as it was before the step. `observe` and
    `verify` check it against a run.

    Bad
    ---
    %%step load
    rows = [1, 2, 3]
    # %%
    %%step sort --keeps rows
    rows = rows[::-1]
    # %%
    %%step show
    print(rows)

    Good
    ----
    %%step load
    rows = [1, 2, 3]
    # %%
    %%step sort
    rows = rows[::-1]
    # %%
    %%step show
    print(rows)

    Remedy
    ------
    Take the name out of `--keeps`, or correct it.
    """

    code = "CM312"
    kinds = ("not-kept",)
    severities = ("error",)
    can_be_ignored = False


class ModuleState(Rule):
    """A function of a module beside the notebook changes variables that the module keeps, and a later step uses them.

    Why
    ---
    Each task imports the module anew, so what it remembers is lost between two steps.

    Remedy
    ------
    Tag the cells with one step, or let the functions take and return what they remember.
    """

    code = "CM313"
    kinds = ("module-state",)
    severities = ("error",)
    can_be_ignored = False


class SharedRepeats(Rule):
    """A shared cell does something that is not the same each time it runs, and it runs in every task.

    Why
    ---
    In the notebook it runs once. In the pipeline each task reads the clock anew, makes another random name, writes the
    file again, or finds what a step has written since.

    Bad
    ---
    %%shared
    from datetime import datetime
    started = datetime.now()
    # %%
    %%step report
    print(started)

    Good
    ----
    %%step begin
    from datetime import datetime
    started = datetime.now()
    # %%
    %%step report
    print(started)

    Remedy
    ------
    Tag the cell with a step, which hands on what it got.
    """

    code = "CM315"
    kinds = ("shared-varies", "shared-writes", "shared-rereads")
    severities = ("warning", "error")
    severity_note = "error where a step writes the very file that the shared cell reads"


class FigureAcrossSteps(Rule):
    """A step goes on with pyplot's current figure that an earlier step began.

    Why
    ---
    The figure belongs to the process and is in no variable. The notebook's own backend closes it when its cell ends.

    Bad
    ---
    %%step draw
    import matplotlib.pyplot as plt
    plt.figure()
    # %%
    %%step label
    import matplotlib.pyplot as plt
    plt.title("churn")

    Good
    ----
    %%step draw
    import matplotlib.pyplot as plt
    plt.figure()
    plt.title("churn")

    Remedy
    ------
    Keep the cells of one figure in one step.
    """

    code = "CM314"
    kinds = ("figure-across-steps",)
    severities = ("warning", "error")
    severity_note = "an error where a backend keeps figures"
