"""Where runs are recorded: the tracking store's address, made absolute, and the folder of its artifacts."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit, urlunsplit

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

URI_VARIABLE = "MLFLOW_TRACKING_URI"

# MLflow's own defaults (7 retries of 120 s, doubling pauses) keep a run waiting for many minutes for a dead server.
HTTP_PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
}

# MLflow takes the artifact folder of a database store from this variable and has no public one;
# without it new experiments put their artifacts under the current folder of whoever makes them first.
ARTIFACT_ROOT_VARIABLE = "_MLFLOW_SERVER_ARTIFACT_ROOT"


@dataclass(frozen=True)
class Store:
    """A tracking store.

    Attributes
    ----------
    uri
        The address as MLflow takes it; absolute, so that it means the same in every folder.
    artifacts
        The folder for artifacts, for stores that are databases; None where the store decides (a server, a file store).
    """

    uri: str
    artifacts: Path | None = None

    @property
    def is_server(self) -> bool:
        """Whether it is reached by HTTP."""
        return urlsplit(self.uri).scheme in ("http", "https")

    @property
    def label(self) -> str:
        """The address without a password."""
        parts = urlsplit(self.uri)
        if "@" not in parts.netloc:
            return self.uri
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

    @property
    def database(self) -> Path | None:
        """The SQLite file, if it is one."""
        return sqlite_path(self.uri)


def local_store(folder: Path) -> Store:
    """Give the store that lives in a folder: ``mlflow.db`` with ``mlartifacts`` beside it."""
    return Store(sqlite_uri(folder / "mlflow.db"), folder / "mlartifacts")


def find_store(root: Path, environ: Mapping[str, str] = os.environ) -> Store:
    """Give the store that runs of this project go to.

    Parameters
    ----------
    root
        The project's root.
    environ
        Where ``MLFLOW_TRACKING_URI`` is looked up; it wins over the project's own store.
    """
    given = environ.get(URI_VARIABLE, "").strip()
    return read_uri(given, Path.cwd(), root) if given else local_store(root)


def read_uri(uri: str, base: Path, root: Path) -> Store:
    """Make a tracking address absolute.

    Parameters
    ----------
    uri
        The address as the user wrote it; SQLite files and folders may be relative.
    base
        The folder that relative addresses start from.
    root
        The project's root, which holds the artifacts of databases that have no folder of their own.

    Examples
    --------
    >>> read_uri("sqlite:///runs.db", Path("/srv"), Path("/srv")).uri
    'sqlite:////srv/runs.db'
    """
    if (path := sqlite_path(uri)) is not None:
        absolute = (base / path).resolve()
        return Store(sqlite_uri(absolute), absolute.parent / "mlartifacts")
    scheme = urlsplit(uri).scheme
    if scheme == "file":
        return Store((base / unquote(urlsplit(uri).netloc + urlsplit(uri).path)).resolve().as_uri())
    if not scheme and uri != "databricks":
        return Store((base / uri).resolve().as_uri())
    is_database = scheme.partition("+")[0] in ("postgresql", "mysql", "mssql")
    return Store(uri, root / "mlartifacts" if is_database else None)


def sqlite_uri(path: Path) -> str:
    """Write a SQLite file's address; only what SQLAlchemy would misread is quoted."""
    return "sqlite:///" + path.absolute().as_posix().replace("%", "%25").replace("?", "%3F")


def sqlite_path(uri: str) -> Path | None:
    """Read the file out of a SQLite address; None for other addresses and for databases in memory."""
    found = re.fullmatch(r"sqlite(?:\+\w+)?:///([^?]+)(?:\?.*)?", uri)
    return Path(unquote(found.group(1))) if found and found.group(1) != ":memory:" else None


def patience() -> dict[str, str]:
    """Give the environment by which MLflow notices an absent server within seconds; what the user set stays."""
    wanted = {**HTTP_PATIENCE, "MLFLOW_DISABLE_TELEMETRY": "true"}
    return {name: os.environ.get(name, value) for name, value in wanted.items()}


@contextmanager
def patient_process() -> Iterator[None]:
    """Set this process's environment so, for a block; telemetry stays off, as MLflow may look again later."""
    added = {name: value for name, value in patience().items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name, value in added.items():
            if name in HTTP_PATIENCE and os.environ.get(name) == value:
                del os.environ[name]


def warm_up(store: Store) -> None:
    """Import what connecting needs. It takes a second or two, so it is done while something else goes on."""
    import warnings

    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    # MLflow 3.17 with SQLAlchemy 2.1. No catch_warnings block, as that is not safe in threads.
    warnings.filterwarnings("ignore", r"The ``noload`` loader strategy is deprecated", DeprecationWarning)
    import mlflow.tracking

    if store.is_server:
        import mlflow.store.tracking.rest_store
    else:
        import mlflow.store.tracking.sqlalchemy_store  # noqa: F401


def connect(store: Store) -> MlflowClient:
    """Open a store, making a SQLite one if it is not there yet.

    Raises
    ------
    OSError
        At once if a SQLite file can't be written (MLflow itself tries again for minutes).
    """
    warm_up(store)
    import logging

    from mlflow.tracking import MlflowClient

    logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)
    if store.database is not None:
        if store.database.exists():
            _check_writable(store.database)
        else:
            _make_database(store, store.database)
    if store.artifacts is not None:
        # Whoever opens a database first decides where its Default experiment keeps artifacts.
        raw_store(store.uri, store.artifacts.as_uri())
    return MlflowClient(store.uri, registry_uri=store.uri)


def find_experiment(client: MlflowClient, store: Store, name: str) -> tuple[str, bool]:
    """Find an experiment by name or make it.

    Returns
    -------
    tuple
        Its id, and whether it had been deleted and was restored.
    """
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        artifacts = store.artifacts.as_uri() if store.artifacts is not None else None
        try:
            return str(raw_store(store.uri, artifacts).create_experiment(name)), False
        except MlflowException as error:
            # Two runs that start together both make it; the later one finds it made.
            found = client.get_experiment_by_name(name) if error.error_code == "RESOURCE_ALREADY_EXISTS" else None
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        client.restore_experiment(found.experiment_id)
        return found.experiment_id, True
    return found.experiment_id, False


def raw_store(uri: str, artifacts: str | None = None) -> Any:
    """Give MLflow's store object itself, for what its client does not offer."""
    from mlflow.tracking._tracking_service import utils

    opened: Any = utils._get_store
    return opened(uri, artifacts)


def probe(store: Store, timeout: float = 3.0) -> str | None:
    """Ask a server whether it is there.

    Returns
    -------
    str | None
        None if it answers, or if the store is no server; otherwise why not, in a few words.
    """
    if not store.is_server:
        return None
    from mlflow.utils import credentials, rest_utils

    host: Any = credentials.get_default_host_creds
    ask: Any = rest_utils.http_request
    try:
        answer = ask(host(store.uri), "/health", "GET", timeout=timeout, max_retries=0, raise_on_status=False)
    except Exception as error:  # whatever the connection, TLS or an authentication plugin raises: it is not usable
        return reason(error)
    return f"HTTP {answer.status_code}" if answer.status_code >= 500 else None


def reason(error: BaseException) -> str:
    """Say in a few words why a store could not be used."""
    text = str(error)
    known = {
        r"Connection refused|actively refused": "connection refused",
        r"NameResolutionError|getaddrinfo|Name or service not known": "no such host",
        r"Connection aborted|Connection reset|RemoteDisconnected|Connection broken": "the connection broke",
        r"[Tt]imed out|timeout": "no answer in time",
        r"certificate": "its certificate is not trusted",
    }
    for pattern, words in known.items():
        if re.search(pattern, text):
            return words
    if found := re.search(r"\b[45]\d\d (?:Server|Client) Error|error code (\d{3})|too many (\d{3}) error", text):
        return f"HTTP {next((code for code in found.groups() if code), found.group(0)[:3])}"
    first = text.strip().splitlines()[0] if text.strip() else type(error).__name__
    return first[:160].rstrip(". ")


def _make_database(store: Store, path: Path) -> None:
    """Make a SQLite store beside its place first: one that a full disk cut off in its making could not be opened."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    made = Store(sqlite_uri(partial), store.artifacts)
    try:
        _check_writable(partial)
        raw_store(made.uri, made.artifacts.as_uri() if made.artifacts else None).engine.dispose()
        try:
            os.link(partial, path)
        except OSError:
            # Another run has made it meanwhile, or the file system has no links.
            if not path.exists():
                partial.rename(path)
    finally:
        for left in path.parent.glob(f"{partial.name}*"):
            left.unlink(missing_ok=True)


def _check_writable(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(path, timeout=10)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.rollback()
    except sqlite3.Error as error:
        raise OSError(f"{path}: {error}") from error
