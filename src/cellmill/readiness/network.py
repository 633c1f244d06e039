"""Shared cells that fetch from the network whenever they run."""

from __future__ import annotations

import re
from collections.abc import Iterator

from cellmill.findings import Finding
from cellmill.readiness.facts import Call, Promoted
from cellmill.rules.production import NetworkInShared

_FETCHES = re.compile(
    r"(requests|httpx)\.(get|post|put|patch|delete|head|options|request|stream)$"
    r"|urllib\.request\.(urlopen|urlretrieve)$|urllib3\.request$|wget\.download$|gdown\.download$|pooch\.retrieve$"
    r"|socket\.create_connection$|sklearn\.datasets\.fetch_\w+$|seaborn\.load_dataset$|datasets\.load_dataset$"
    r"|openml\.\w+\.get_\w+$|yfinance\.(download|Ticker)$|huggingface_hub\.\w+_download$|nltk\.download$"
)
_READS_URLS = re.compile(r"(pandas|polars|xarray|geopandas|numpy)\.(read_\w+|open_\w+|loadtxt|genfromtxt)$")
_URL = re.compile(r"(https?|ftp|s3|gs|az|abfss?)://")
_SHELL = re.compile(r"\s*(wget|curl|aws\s+s3|gsutil|git\s+clone)\s")


def findings(promoted: Promoted) -> Iterator[Finding]:
    """One for each shared cell: its first call, its own or that of a shared function, that fetches."""
    shared = [part for part in promoted.parts if part.step == "shared"]
    fetching = {
        call.function for part in shared for call in part.facts.calls if call.function and _fetches(promoted, call)
    }
    for part in shared:
        for call in part.facts.calls:
            if call.function is None and (_fetches(promoted, call) or call.name in fetching):
                yield NetworkInShared.finding(
                    f"{_shown(call)} fetches from the network in a shared cell, so every task does it again",
                    "tag the cell as a step, which hands over what it got, or move the line to one",
                    step="shared",
                    name=call.name,
                    cell=part.cell.number,
                    cell_id=str(part.cell.id),
                    line=call.line,
                )
                break


def _fetches(promoted: Promoted, call: Call) -> bool:
    name = promoted.dotted(call)
    if _FETCHES.match(name):
        return True
    if call.first is None:
        return False
    if name.startswith("?.") and name.endswith((".system", ".getoutput")):
        return bool(_SHELL.match(f"{call.first} "))
    return bool(_READS_URLS.match(name) and _URL.match(call.first))


def _shown(call: Call) -> str:
    return "this shell line" if call.name.startswith("?.") else f"`{call.name}()`"
