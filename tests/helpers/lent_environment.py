"""A clean virtual environment that needs neither a minute nor the network: its packages are the tests' own, lent."""

from __future__ import annotations

import shutil
import sys
import sysconfig
import venv
from pathlib import Path


def make_lent_environment(prefix: Path) -> None:
    """Make a virtual environment at `prefix` that holds all packages that the tests have, but cellmill.

    The packages are lent through a .pth file; pip takes them for installed. Jupyter looks for configuration and
    extensions below the environment's own prefix, so that part is a copy; Jupyter's commands name their Python, so
    they are written anew.
    """
    venv.create(prefix, symlinks=True)
    for part in ("etc/jupyter", "share/jupyter"):
        shutil.copytree(Path(sys.prefix) / part, prefix / part, ignore=shutil.ignore_patterns("cellmill"))
    for file in (prefix / "etc").rglob("*cellmill*"):
        file.unlink()
    own = Path(sysconfig.get_path("purelib", vars={"base": str(prefix), "platbase": str(prefix)}))
    for script in (Path(sys.prefix) / "bin").glob("jupyter*"):
        _, _, code = script.read_text().partition("\n")
        (prefix / "bin" / script.name).write_text(f"#!{prefix / 'bin' / 'python'}\n{code}")
        (prefix / "bin" / script.name).chmod(0o755)
    (own / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
