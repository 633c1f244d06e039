"""The base of the next merge: what promotion wrote, kept beside what engineers may have made of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE = ".promotion.base.json"


def base_file(files: Mapping[str, bytes]) -> bytes:
    """The content of .promotion.base.json: the text of each file that can be merged, as lines.

    Recorded outputs (``tests/*.ipynb``) and the hand-over module, which is the same in all pipelines, are not merged.
    """
    texts = {name: content.decode().split("\n") for name, content in sorted(files.items()) if can_merge(name)}
    return (json.dumps({"format": 1, "files": texts}, indent=0, ensure_ascii=False) + "\n").encode()


def can_merge(name: str) -> bool:
    """Whether a file of a pipeline is text that people edit."""
    return not name.endswith((".ipynb", "_handover.py")) and not name.startswith(".promotion")


def read_base(folder: Path, last: Mapping[str, Any]) -> dict[str, str]:
    """The texts of the last promotion by path, those that agree with the hashes in its .promotion.json."""
    try:
        texts = json.loads((folder / FILE).read_text(encoding="utf-8"))["files"]
        found = {str(name): "\n".join(lines) for name, lines in texts.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    hashes = last.get("files", {})
    return {name: text for name, text in found.items() if digest(text.encode()) == hashes.get(name)}


def digest(content: bytes) -> str:
    """The hash that .promotion.json holds of a file."""
    return hashlib.sha256(content).hexdigest()
