"""What a user gets with `pip install cellmill`."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path


def test_the_wheel_carries_the_licence_the_types_and_no_tests(wheel):
    names = zipfile.ZipFile(wheel).namelist()

    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "cellmill/py.typed" in names
    assert not [name for name in names if name.startswith("tests")]


def test_files_beside_the_package_bear_its_name(wheel):
    """Others install into the same folders; a file of a common name would be overwritten or overwrite."""
    names = [Path(name) for name in zipfile.ZipFile(wheel).namelist() if ".data/" in name]

    assert names
    assert [name for name in names if "cellmill" not in str(Path(*name.parts[1:]))] == []


def test_every_file_that_the_checkout_imports_or_reads_is_in_the_wheel(wheel):
    source = Path(__file__).parents[2] / "src"
    wanted = {
        str(file.relative_to(source))
        for file in (source / "cellmill").rglob("*")
        if file.is_file() and not {"__pycache__", "labextension"} & set(file.parts)
    }

    assert wanted - set(zipfile.ZipFile(wheel).namelist()) == set()


def test_the_wheel_brings_the_built_lab_extension(wheel):
    """Nobody who installs it needs Node."""
    below = "data/share/jupyter/labextensions/cellmill/"
    found = {name.partition(below)[2] for name in zipfile.ZipFile(wheel).namelist() if below in name}

    assert {"package.json", "static/style.js", "schemas/cellmill/notebook.json"} <= found
    assert any(name.startswith("static/remoteEntry.") for name in found)


def test_the_command_starts_and_lists_its_commands(environment):
    done = environment.run(environment.prefix / "bin" / "cellmill", "--help")

    for command in ("check", "promote", "run", "verify"):
        assert command in done.stdout
    assert done.stderr == ""


def test_the_installed_package_is_the_wheels(environment):
    done = environment.run(environment.python, "-c", "import cellmill; print(cellmill.__file__)")

    assert Path(done.stdout.strip()).is_relative_to(environment.prefix)


def test_entry_points_load(environment):
    script = """
from importlib.metadata import distribution, version
import cellmill
for point in distribution("cellmill").entry_points:
    print(point.group, point.name, point.load() is not None)
print("same version", version("cellmill") == cellmill.__version__)
"""
    lines = environment.run(environment.python, "-W", "error", "-c", script).stdout.splitlines()

    assert lines == [
        "console_scripts cellmill True",
        "jupyter_client.kernel_provisioners cellmill-warm True",
        "pytest11 cellmill True",
        "same version True",
    ]


def test_pytest_takes_the_plugin_with_warnings_as_errors(environment):
    done = environment.run(
        environment.python, "-W", "error", "-m", "pytest", "--trace-config", "--collect-only", check=False
    )

    assert "cellmill.pytest_plugin" in done.stdout
    assert done.returncode == 5, done.stdout + done.stderr


def test_nothing_that_is_installed_contradicts_another():
    done = subprocess.run([sys.executable, "-m", "pip", "check"], text=True, capture_output=True, check=False)

    assert (done.returncode, done.stdout.strip()) == (0, "No broken requirements found.")
