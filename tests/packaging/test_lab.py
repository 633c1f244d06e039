"""JupyterLab starts without Ploomber's extensions once the wheel is installed."""

from __future__ import annotations

import json
import re
import urllib.request
from dataclasses import dataclass

import pytest
from in_lab import TOKEN
from in_lab import Lab as Server


@dataclass(frozen=True)
class Lab:
    """What a JupyterLab that has started says of itself."""

    log: str
    page: dict


@pytest.fixture(scope="module")
def lab(environment, tmp_path_factory) -> Lab:
    folder = tmp_path_factory.mktemp("lab")
    server = Server(folder, folder / "home", python=environment.python)
    server.start()
    try:
        with urllib.request.urlopen(f"{server.base}/lab?token={TOKEN}", timeout=60) as answer:
            text = answer.read().decode()
    finally:
        server.stop()
    found = re.search(r'<script id="jupyter-config-data" type="application/json">(.*?)</script>', text, re.DOTALL)
    assert found, text
    return Lab(server.log, json.loads(found[1]))


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
