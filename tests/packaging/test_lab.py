"""JupyterLab starts without Ploomber's extensions once the wheel is installed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Lab:
    """What a JupyterLab that has started says of itself."""

    log: str
    page: dict


@pytest.fixture(scope="module")
def lab(environment, tmp_path_factory) -> Lab:
    home = tmp_path_factory.mktemp("home")
    runtime = home / "runtime"
    variables = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER")}
    variables |= {"HOME": str(home), "JUPYTER_RUNTIME_DIR": str(runtime)}
    log = home / "lab.log"
    command = [environment.python, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.port=0"]
    with (
        log.open("w") as out,
        subprocess.Popen(
            [*command, "--IdentityProvider.token=secret"], cwd=home, env=variables, stdout=out, stderr=out
        ) as process,
    ):
        try:
            page = _page(_address(runtime, log, process))
        finally:
            process.terminate()
    return Lab(log.read_text(), page)


def _address(runtime: Path, log: Path, process: subprocess.Popen, seconds: float = 60) -> str:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        for file in runtime.glob("jpserver-*.json"):
            if "is running at" in log.read_text():
                return json.loads(file.read_text())["url"]
        time.sleep(0.1)
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text()}")


def _page(address: str) -> dict:
    with urllib.request.urlopen(f"{address}lab?token=secret", timeout=60) as answer:
        text = answer.read().decode()
    found = re.search(r'<script id="jupyter-config-data" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert found, text
    return json.loads(found[1])


def test_ploomber_asks_to_be_loaded(environment):
    """Else the tests below would pass for the wrong reason."""
    folder = environment.prefix / "etc/jupyter/jupyter_server_config.d"
    for name in ("ploomber", "ploomber_extension"):
        wish = json.loads((folder / f"{name}.json").read_text())
        assert wish["ServerApp"]["jpserver_extensions"] == {name: True}


def test_lab_itself_is_up(lab):
    assert "jupyterlab | extension was successfully loaded" in lab.log
    assert lab.page["appName"] == "JupyterLab"


def test_both_halves_of_cellmills_extension_are_loaded(lab):
    assert "cellmill.lab | extension was successfully loaded" in lab.log
    (found,) = [one for one in lab.page["federated_extensions"] if one["name"] == "cellmill"]
    assert found["load"].startswith("static/remoteEntry.")


def test_no_server_part_of_ploomber_is_loaded(lab):
    assert [line for line in lab.log.splitlines() if "ploomber" in line.lower()] == []


def test_the_page_leaves_ploombers_plugins_out(lab):
    assert "ploomber-extension" in [extension["name"] for extension in lab.page["federated_extensions"]]
    assert "ploomber-extension" in lab.page["disabledExtensions"]


def test_the_classic_server_is_told_too(environment):
    """Notebook 6 reads files of its own."""
    script = """
from notebook_shim.nbserver import get_nbserver_extensions
from jupyter_core.paths import jupyter_config_path
print(get_nbserver_extensions(jupyter_config_path())["ploomber"])
"""
    assert environment.run(environment.python, "-c", script).stdout.strip() == "False"
