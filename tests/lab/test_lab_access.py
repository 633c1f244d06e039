"""Who may ask what: no request without the token, none from another site, none that leads out of the root."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from cellmill.lab.handlers import routes

API = "/cellmill/api/"


def _requests(description: dict[str, Any]) -> list[tuple[str, str]]:
    filled = {"{folder}": "pipelines/churn", "{run_id}": "20260101-000000-abcd"}
    found = []
    for path, methods in description["paths"].items():
        for name, value in filled.items():
            path = path.replace(name, value)
        found += [(method.upper(), path.lstrip("/")) for method in methods]
    return found


def test_every_route_wants_the_token(lab: Any, description: dict[str, Any]) -> None:
    for method, path in _requests(description):
        for headers in ({}, {"Authorization": "token wrong"}):
            answer = requests.request(method, lab.url + API + path, headers=headers, data="{}", timeout=30)
            assert answer.status_code == 403, (method, path)


def test_who_may_only_read_starts_and_writes_nothing(readers_lab: Any, description: dict[str, Any]) -> None:
    for method, path in _requests(description):
        if method == "POST":
            assert readers_lab.http.post(readers_lab.url + API + path, data="{}", timeout=30).status_code == 403, path
    assert readers_lab.get("pipelines") == (200, {"pipelines": []})
    assert readers_lab.get("runs") == (200, {"runs": []})


def _browser(lab: Any) -> requests.Session:
    """A browser that logged in, with Jupyter's cookies and without the token."""
    session = requests.Session()
    session.get(f"{lab.url}/login?token={lab.http.headers['Authorization'].split()[1]}", timeout=30)
    assert session.get(f"{lab.url}{API}pipelines", headers={"Referer": lab.url}, timeout=30).ok
    return session


def test_a_post_with_cookies_needs_the_xsrf_header(lab: Any, description: dict[str, Any], body: Any) -> None:
    session = _browser(lab)

    for method, path in _requests(description):
        if method == "POST":
            assert session.post(lab.url + API + path, data="{}", timeout=30).status_code == 403, path
    answer = session.post(
        f"{lab.url}{API}analyse", json=body("a.ipynb"), headers={"X-XSRFToken": session.cookies["_xsrf"]}, timeout=30
    )
    assert answer.status_code == 200


def test_another_site_gets_nothing(lab: Any, description: dict[str, Any]) -> None:
    session = _browser(lab)
    foreign = {"Origin": "https://evil.example", "X-XSRFToken": session.cookies["_xsrf"]}

    for method, path in _requests(description):
        answer = session.request(method, lab.url + API + path, headers=foreign, data="{}", timeout=30)
        assert answer.status_code in (403, 404), (method, path)
        assert "Access-Control-Allow-Origin" not in answer.headers


OUTSIDE = [
    "../outside.ipynb",
    "a/../../outside.ipynb",
    "/etc/passwd",
    "link/outside.ipynb",
    "a/..",
    "..",
    "",
    "a\0.ipynb",
    "..\\outside.ipynb",
    "x" * 5000,
]


@pytest.fixture
def link(lab: Any) -> None:
    """A folder beside the root, and a link to it in the root."""
    outside = lab.root.parent / "outside"
    outside.mkdir(exist_ok=True)
    (outside / "pipeline.yaml").write_text("tasks: []\n")
    if not (lab.root / "link").exists():
        (lab.root / "link").symlink_to(outside)


@pytest.mark.usefixtures("link")
@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: repr(path[:20]))
def test_no_path_leads_out_of_the_root(lab: Any, body: Any, path: str) -> None:
    statuses = [
        lab.post("analyse", body(path))[0],
        lab.post("suggest", body(path))[0],
        lab.post("promotion/plan", {"path": path})[0],
        lab.post("promotion", {"path": path})[0],
        lab.post("runs", {"pipeline": path})[0],
    ]
    assert set(statuses) <= {400, 403}
    # Tornado takes control characters out of addresses.
    if path and "\0" not in path:
        assert lab.get(f"runs?pipeline={quote(path, safe='')}")[0] in (400, 403)


@pytest.mark.usefixtures("link")
@pytest.mark.parametrize("path", ["%2e%2e%2foutside", "..%2Foutside", "link", "%2Fetc", "a%00b"])
def test_no_address_leads_out_of_the_root(lab: Any, path: str) -> None:
    request = requests.Request("GET", lab.url, headers=dict(lab.http.headers)).prepare()
    # Set after preparing, which would tidy it up.
    request.url = f"{lab.url}{API}pipelines/{path}"

    assert lab.http.send(request, timeout=30).status_code in (400, 403, 404)


def test_a_run_is_named_by_its_id_alone(lab: Any) -> None:
    for run_id in ("..", "%2e%2e", "..%2F..%2Fetc", "x", "20260101-000000-abcd%00"):
        answer = lab.http.get(f"{lab.url}{API}runs/{run_id}/log", timeout=30)
        assert answer.status_code in (400, 404), run_id


def test_promotion_stays_in_the_root_where_pipelines_is_a_link(lab: Any) -> None:
    outside = lab.root.parent / "outside"
    outside.mkdir(exist_ok=True)
    project = lab.root / "linked"
    lab.write_notebook("linked/churn.ipynb")
    (project / "pyproject.toml").write_text("")
    (project / "pipelines").symlink_to(outside)

    status, answer = lab.post("promotion", {"path": "linked/churn.ipynb"})

    assert status == 403
    assert "link" in answer["message"]
    assert not (outside / "churn").exists()


def test_every_route_is_described_and_every_description_routed(description: dict[str, Any]) -> None:
    described = {(path, method.upper()) for path, methods in description["paths"].items() for method in methods}
    names = {"pipelines/(.+)": "pipelines/{folder}", r"openapi\.yaml": "openapi.yaml"}
    routed = set()
    for pattern, handler, _ in routes("/", None):  # type: ignore[arg-type]
        path = pattern.removeprefix("/cellmill/api/")
        path = names.get(path) or path.replace("([^/]+)", "{run_id}")
        own = {name.upper() for kind in handler.__mro__[:3] for name in ("get", "post", "put") if name in vars(kind)}
        routed |= {(f"/{path}", method) for method in own}

    assert routed == described


def test_every_method_asks_for_login_and_permission() -> None:
    source = Path(__file__).parents[2] / "src" / "cellmill" / "lab" / "handlers.py"
    methods = re.findall(r"((?:    @.*\n)*)    async def (?:get|post)\(", source.read_text())

    assert len(methods) >= 10
    assert set(methods) == {"    @web.authenticated\n    @authorized\n"}


def test_the_description_is_served(lab: Any) -> None:
    answer = lab.http.get(f"{lab.url}{API}openapi.yaml", timeout=30)

    assert answer.headers["Content-Type"] == "application/yaml"
    assert answer.text.startswith("# What the JupyterLab panel asks the server")
