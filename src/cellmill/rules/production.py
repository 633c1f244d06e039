"""Rules about what works at the author's desk and not on the machine that runs the pipeline."""

from __future__ import annotations

from cellmill.rules.rule import Rule


class AbsolutePath(Rule):
    """A text in the code is a path of this machine: a home folder, a drive, or a file that exists here.

    Why
    ---
    Another machine, a colleague's or the server that runs the pipeline, has no such file.

    Bad
    ---
    %%step load
    rows = open("/home/ada/project/rows.csv").read()

    Good
    ----
    %%parameters
    source = "data/rows.csv"
    # %%
    %%step load
    rows = open(source).read()

    Remedy
    ------
    Write the path relative to the notebook, since tasks run in the notebook's folder, or make it a parameter.
    """

    code = "CM501"
    kinds = ("absolute-path",)
    severities = ("warning",)


class Credential(Rule):
    """A password, key or token stands in the code. The detectors are those of `detect-secrets`.

    Why
    ---
    Promotion copies the line to the pipeline's folder, git keeps it for ever, and reports and MLflow show it to others.

    Bad
    ---
    %%step load
    password = "Xq8-vvT2-mmP0"

    Good
    ----
    %%step load
    import os
    password = os.environ["DATABASE_PASSWORD"]

    Remedy
    ------
    Read it from the environment, and give the old one up: who has the notebook has it.
    """

    code = "CM502"
    kinds = ("credential",)
    severities = ("warning",)


class KeyboardInput(Rule):
    """`input()`, `getpass()` or a debugger waits for somebody at the keyboard.

    Why
    ---
    A task has no keyboard: it fails at this line.

    Bad
    ---
    %%step load
    country = input("Which country? ")

    Good
    ----
    %%parameters
    country = "NL"
    # %%
    %%step load
    print(country)

    Remedy
    ------
    Make the answer a parameter, and read a password from the environment. Ignore it where no run comes by.
    """

    code = "CM503"
    kinds = ("keyboard-input",)
    severities = ("error", "warning")
    severity_note = "warning inside a function"


class InstallsPackage(Rule):
    """A cell installs packages: `!pip install`, `%pip install`, `%conda install` and their like.

    Why
    ---
    A task that installs is slow, needs the package index at every run, and one day gets another version. The pipeline
    leaves the line out; `requirements.lock` names the packages, in the version that is installed here, or as the line
    has them where they are not.

    Bad
    ---
    %%step load
    %pip install pyyaml
    import yaml

    Good
    ----
    # %%
    %pip install pyyaml
    # %%
    %%step load
    import yaml

    Remedy
    ------
    Move the line to a cell without a tag, or leave it: the pipeline does without.
    """

    code = "CM504"
    kinds = ("installs-package",)
    severities = ("warning",)


class UnseededRandom(Rule):
    """A step draws random numbers, and nothing in the pipeline seeds their generator.

    Why
    ---
    Each run gives something else, so a run can't be repeated, and the pipeline can't be compared with the notebook.
    Each line that draws is told, so that ignoring one that is meant to differ hides no other.

    Bad
    ---
    %%step draw
    import random
    print(random.random())

    Good
    ----
    %%step draw
    import random
    random.seed(0)
    print(random.random())

    Remedy
    ------
    Seed the generator, or give the call its `random_state`; the finding has the line to write.
    """

    code = "CM505"
    kinds = ("unseeded-random",)
    severities = ("warning",)


class NetworkInShared(Rule):
    """A shared cell fetches something from the network when it runs.

    Why
    ---
    Shared cells run at the start of every task: each of them fetches it again, and each can get something else.

    Bad
    ---
    %%shared
    import requests
    rates = requests.get("https://example.org/rates").json()
    # %%
    %%step show
    print(rates)

    Good
    ----
    %%shared
    import requests
    # %%
    %%step load
    rates = requests.get("https://example.org/rates").json()
    # %%
    %%step show
    print(rates)

    Remedy
    ------
    Tag the cell as a step: it fetches once, and hands over what it got.
    """

    code = "CM506"
    kinds = ("network-in-shared",)
    severities = ("warning",)


class SlowCell(Rule):
    """A cell took over ten minutes when the notebook last ran, and nothing keeps its result.

    Why
    ---
    Ploomber runs a step again whenever one of its cells changes. Beside other cells, the slow one runs again for their
    sake; in a shared cell it runs in every task. JupyterLab writes down how long cells take (*Settings > Notebook >
    Record timing*).

    Remedy
    ------
    Give the cell a step of its own, or keep its result in a file or a cache such as `joblib.Memory`.
    """

    code = "CM507"
    kinds = ("slow-cell",)
    severities = ("warning",)
    reads_saved_outputs = True


class LargeOutput(Rule):
    """What a cell shows is larger than 10 MB as it is saved.

    Why
    ---
    The executed notebook, its report and the reference test each hold it again, in every run, and git keeps the test.

    Remedy
    ------
    Show less of it (`df.head()`, a smaller figure), and write the whole to a file.
    """

    code = "CM508"
    kinds = ("large-output",)
    severities = ("warning",)
    reads_saved_outputs = True


class NotLocked(Rule):
    """A cell imports a module that is installed here, but not from a package index.

    Why
    ---
    `requirements.lock` can't name it, or names a version that no index has: it was found on the import path, or was
    installed from a folder (`pip install -e`). The import fails where the lock is installed.

    Remedy
    ------
    Publish the package and install it from there, or put the module beside the notebook.
    """

    code = "CM509"
    kinds = ("not-locked",)
    severities = ("warning",)


class GhostState(Rule):
    """The saved outputs come from another order than the notebook's, or something ran that it does not hold.

    Why
    ---
    Pipelines run the cells from top to bottom, once. What the notebook shows may never come out that way: it came from
    state that its cells, read in order, do not make.

    A gap in the execution counts is certain to mean that something ran in between that is not here as it ran: a cell
    that was run again, or one that is gone. Whether that changed what is shown, no count can tell. It is a note, and
    `cellmill verify` says which saved outputs are not what the notebook gives.

    Remedy
    ------
    Run the notebook from top to bottom in a fresh kernel (*Kernel > Restart Kernel and Run All Cells*) and save it.
    """

    code = "CM510"
    kinds = ("ghost-state", "unseen-run")
    severities = ("warning", "info")
    severity_note = "note where only a gap in the counts says so (`unseen-run`)"
    reads_saved_outputs = True
