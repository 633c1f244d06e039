"""How long it takes until a user sees something: `import cellmill`, `cellmill --help`, and the peers' own `--help`.

Run it in an environment that holds cellmill, on an idle machine::

    python benchmarks/startup.py [FOLDER_WITH_MORE_COMMANDS]
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
from pathlib import Path

from measure import circumstances, command, median_seconds, table

PEERS = ("ploomber", "papermill", "jupyter nbconvert", "mlflow", "soorgeon", "metaflow", "kfp")


def main() -> None:
    places = [sysconfig.get_path("scripts"), *sys.argv[1:]]
    cases = {
        "`python -c pass`, for comparison": [sys.executable, "-c", "pass"],
        "`import cellmill`": [sys.executable, "-c", "import cellmill"],
        "`cellmill --help`": [_find("cellmill", places) or "cellmill", "--help"],
    }
    for peer in PEERS:
        name, *subcommand = peer.split()
        found = _find(name, places)
        if found:
            cases[f"`{peer} --help`"] = [found, *subcommand, "--help"]

    head = circumstances("cellmill", "ploomber", "papermill", "nbconvert", "mlflow")
    rows = [[label, f"{median_seconds(command(*words)):.2f}"] for label, words in cases.items()]
    print(f"{head}\n\n{table(['start', 'seconds'], rows)}")


def _find(name: str, places: list[str]) -> str | None:
    return next((str(found) for place in places if (found := shutil.which(name, path=str(Path(place))))), None)


if __name__ == "__main__":
    main()
