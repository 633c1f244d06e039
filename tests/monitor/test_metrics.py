"""What a scheduler tells Prometheus, and alerts and figures of a scheduler that runs as a process."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from monitored import T0, Inbox, Ticks
from scheduled import Project, until

from cellmill.errors import CellmillError
from cellmill.monitor.metrics import Metrics, parse_address, serve_metrics
from cellmill.schedule.happenings import Happening


def scraped(port: int) -> dict[str, float]:
    """What is served, as Prometheus's own parser reads it."""
    from prometheus_client.parser import text_string_to_metric_families

    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
    return {
        "".join(
            [sample.name, *(f" {value}" for _, value in sorted(sample.labels.items()) if value != whose)]
        ): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        for whose in [sample.labels.get("project")]
    }


def test_figures_are_those_of_what_happened_and_of_the_store(ticks: Ticks) -> None:
    known = ticks.schedule()
    (known.folder / "cellmill.yaml").write_text(yaml.safe_dump({"slo": {"success_rate": 0.9, "freshness": "1h"}}))
    metrics = Metrics(ticks.store, [ticks.root], lambda: {known.id: known}, clock=lambda: T0 + 100)
    good, bad = ticks.tick(known, "succeeded", T0), ticks.tick(known, "failed", T0 + 10)
    ticks.tick(known, "queued", due=T0 + 40)
    ticks.tick(known, "queued", due=T0 + 4000)
    ticks.tick(known, "running", due=T0 + 50)
    missed = ticks.tick(known, "missed", T0 + 90, due=T0 + 60, count=8)
    for tick in (good, bad):
        metrics.listen(Happening("started", known, tick, tick.started or 0.0))
        metrics.listen(Happening("ended", known, tick, tick.ended or 0.0, tick.state))
    metrics.listen(Happening("put", known, missed, T0 + 90, "missed"))
    metrics.listen(Happening("retried", known, bad, T0 + 5, "failed"))
    metrics.listen(Happening("refused", at=T0))
    port, close = serve_metrics(metrics, "127.0.0.1", 0)

    found = scraped(port)
    with pytest.raises(CellmillError, match=rf"metrics can't be served at 127.0.0.1:{port} \(Address already in use\)"):
        serve_metrics(metrics, "127.0.0.1", port)
    close()

    expected = {
        "cellmill_runs_total churn nightly succeeded": 1,
        "cellmill_runs_total churn nightly failed": 1,
        "cellmill_runs_total churn nightly missed": 8,
        "cellmill_run_retries_total churn nightly": 1,
        "cellmill_declarations_refused_total": 1,
        "cellmill_run_duration_seconds_count churn": 2,
        "cellmill_run_duration_seconds_sum churn": 119,
        "cellmill_run_lateness_seconds_sum churn": 1,
        "cellmill_queue_length": 1,
        "cellmill_queue_oldest_seconds": 60,
        "cellmill_running_runs": 1,
        "cellmill_schedulers": 0,
        "cellmill_last_success_timestamp_seconds churn nightly": T0,
        "cellmill_slo_success_ratio churn": 0.1,
        "cellmill_slo_success_ratio_target churn": 0.9,
        "cellmill_slo_burn_rate churn 30d": 9,
        "cellmill_slo_burn_rate churn 24h": 9,
        "cellmill_slo_error_budget_remaining_ratio churn": -8,
        "cellmill_slo_freshness_seconds churn": 100,
        "cellmill_slo_freshness_limit_seconds churn": 3600,
        "cellmill_slo_broken churn": 1,
        "cellmill_store_up": 1,
    }
    assert {name: found.get(name) for name in expected} == pytest.approx(expected)
    assert not [name for name in found if "_created" in name]


@pytest.mark.parametrize("text", ["9464", ":9464", "localhost", "127.0.0.1:99999", "a b:1", "::1:9464"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not of the form ADDRESS:PORT, as in 127\.0\.0\.1:9464"):
        parse_address(text)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    found = Project(tmp_path)
    yield found
    found.close()


def test_a_scheduler_tells_of_a_run_that_fails_and_of_the_one_that_works_again(project: Project, inbox: Inbox) -> None:
    code = "from pathlib import Path\n\n# %%\nassert not Path('bad').exists(), 'it is bad'"
    alerts = [{"to": "$CHAT"}]
    folder = project.pipeline(
        "a", [{"name": "x", "every": "1d", "snapshot": "latest", "alerts": alerts}], {"fit": code}
    )
    (folder / "bad").touch()
    project.cellmill("schedule", "apply")
    project.cellmill("schedule", "run-now", "a/x")
    scheduler = project.scheduler("--metrics", "127.0.0.1:0")

    until(lambda: inbox.titles, 150)
    (failed,) = inbox.taken
    assert failed["title"] == "a/x failed at step fit"
    assert "Error: AssertionError: it is bad" in failed["message"]
    assert "See it fail again: cellmill reproduce" in failed["message"]
    (folder / "bad").unlink()
    project.cellmill("schedule", "run-now", "a/x")
    until(lambda: project.states("a/x") == ["failed", "succeeded"], 150)
    port = int(re.search(r"Metrics are at http://127.0.0.1:(\d+)", project.logs())[1])  # type: ignore[index]
    assert scraped(port)["cellmill_runs_total a x failed"] == 1
    scheduler.terminate()
    assert scheduler.wait(120) == 0
    assert inbox.titles == ["a/x failed at step fit", "a/x works again"]
