"""Whatever stands in a cellmill.yaml: one sentence with file, key and reason, soon, and nothing of it is stored."""

from __future__ import annotations

import re
import time

import pytest
from scheduled import Project
from told import Told, call

from cellmill.errors import CellmillError
from cellmill.schedule.check import check_order
from cellmill.schedule.declare import known_schedules
from cellmill.schedule.reading import read_schedules
from cellmill.schedule.reload import Reloader

HEAD = "schedule:\n  - name: nightly\n    cron: 0 3 * * *\n    timezone: Europe/Berlin\n"
NIGHTLY = "At 03:00 every day (Europe/Berlin):"
TIMES = re.compile(r"    \w{3} \d{4}-\d\d-\d\d 03:00:00 CES?T")


def with_line(*lines: str) -> str:
    return HEAD + "".join(f"    {line}\n" for line in lines)


def one(trigger: str) -> str:
    return f"schedule:\n  - name: x\n    {trigger}\n"


LENGTHS = "a length of time is"
# By the field what it says to [1, 2], {a: 1}, 3.5, yes and 2026-01-01; None where the value is right.
WRONG_TYPES: dict[str, list[str | None]] = {
    "parameters": ["must be names with values, not a list", "no parameter a", *["must be names with values"] * 3],
    "env": ["must be a text, not a list", "must be a text, not names with values", *["must be a text"] * 3],
    "pool": ["must be a text"] * 5,
    "notebook": ["must be a text"] * 5,
    "jitter": [LENGTHS, LENGTHS, None, LENGTHS, LENGTHS],
    "grace": [LENGTHS, LENGTHS, None, LENGTHS, LENGTHS],
    "late": [LENGTHS, LENGTHS, None, LENGTHS, LENGTHS],
    "timeout": [LENGTHS, LENGTHS, None, LENGTHS, LENGTHS],
    "retry_delay": [LENGTHS, LENGTHS, None, LENGTHS, LENGTHS],
    "misfire": ["must be one of skip, once, all"] * 5,
    "overlap": ["must be one of queue, skip, cancel_previous"] * 5,
    "snapshot": ["must be one of published, latest"] * 5,
    "retries": [*["must be a whole number"] * 3, "must be a whole number, not true", "not 2026-01-01"],
    "enabled": [*["must be true or false"] * 3, None, "must be true or false"],
    "force": [*["must be true or false"] * 3, None, "must be true or false"],
    "alerts": ["alerts.0 must be names with values", *["alerts must be a list"] * 4],
    "keep": ["must be names with values, not a list", "no key", *["must be names with values"] * 3],
}


@pytest.mark.parametrize("field", WRONG_TYPES)
def test_each_field_says_what_it_takes(field: str, small: Project) -> None:
    for value, reason in zip(("[1, 2]", "{a: 1}", "3.5", "yes", "2026-01-01"), WRONG_TYPES[field], strict=True):
        told = _check(small, with_line(f"{field}: {value}"))
        if reason is None:
            assert told.code == 0
        else:
            _is_one_sentence(told, f"schedule.nightly.{field}" if "no parameter" not in reason else "", reason)
            assert NIGHTLY in told.err
            assert len(TIMES.findall(told.err)) == 5


@pytest.mark.parametrize(
    "content, reason",
    [
        # Keys.
        (with_line("retires: 3"), "there is no key schedule.nightly.retires; did you mean retries?"),
        (with_line("zzz: 3"), "there is no key schedule.nightly.zzz; accepted here: name, cron,"),
        (with_line("keep: {cuont: 3}"), "there is no key schedule.nightly.keep.cuont; did you mean count?"),
        (with_line("3: 3"), "a key of it is no text"),
        (with_line("parameters: {1: 1}"), "schedule.nightly.parameters: a key of it is no text"),
        (with_line("cron: 0 4 * * *"), "line 5: is not valid YAML (the key cron comes twice)"),
        (HEAD + HEAD, "line 5: is not valid YAML (the key schedule comes twice)"),
        (HEAD.replace("schedule", "schedul"), "there is no key schedul; did you mean schedule?"),
        # Values.
        (with_line("misfire: onec"), "must be one of skip, once, all, not onec; did you mean once?"),
        (with_line("misfire: all", "overlap: skip"), "misfire: all runs every missed time one after the other"),
        (with_line("retries: -1"), "retries must be greater than or equal to 0, not -1"),
        (with_line("retries: 21"), "retries must be less than or equal to 20, not 21"),
        (with_line("timeout: 0"), "timeout must be greater than 0, not 0"),
        (with_line("jitter: -1s"), LENGTHS),
        (with_line("keep: {count: 0}"), "keep.count must be greater than or equal to 1, not 0"),
        (with_line("keep: {size: many}"), "keep.size must be a size such as 500 MB, not many"),
        (with_line("env: prod"), "there is no profile prod"),
        (with_line("env: ../../etc"), "schedule.nightly.env: it has letters"),
        (with_line("notebook: x.ipynb"), "schedule.nightly.notebook: the schedules of a pipeline's folder run"),
        (with_line("parameters: {dya: x}"), "there is no parameter dya (did you mean day?)"),
        (with_line("parameters: {day: '{{ last_success | days(1) }}'}"), "put default(...) before it"),
        (with_line("parameters: {day: '{{ file }}'}"), "there is a file with on_file only"),
        (with_line("parameters: {day: ['{{ ().__class__ }}']}"), "parameters: day: a template holds names"),
        (one("cron: 0 3 * * *").replace("x", "../x"), "schedule.0.name: it has letters"),
        (one("cron: 0 3 * * *").replace("x", "3"), "schedule.0.name must be a text, not 3"),
        ("schedule:\n  - cron: 0 3 * * *\n", "schedule.0.name is missing"),
        (one("cron: 0 3 * * *") + "  - {name: x, every: 1h}\n", "two schedules are named x; give one of them"),
        # Triggers.
        (with_line("every: 1h"), "it has cron and every; it takes exactly one of cron, every, on_file, after"),
        ("schedule:\n  - name: x\n", "it says nothing of when it is due; it takes exactly one of"),
        (one("cron: 0 0 30 2 *"), "cron: '0 0 30 2 *' never comes true"),
        (one("cron: 0 3 * *"), "a cron expression has five fields"),
        (one("cron: * * * * *"), "put what begins with * in quotes"),
        (one("on_file: *.csv"), "put what begins with * in quotes"),
        (one("every: 0"), "the shortest interval is 1s"),
        (one("every: 1e308"), LENGTHS),
        (one("every: .inf"), LENGTHS),
        (one("every: .nan"), LENGTHS),
        (one("every: 1:30"), LENGTHS),
        (one("every: " + "1d" * 50_000), LENGTHS),
        (one("every: true"), LENGTHS),
        (one("after: churn"), "the pipeline would run after itself for ever"),
        (one("after: chrn"), "after: there is no pipeline chrn"),
        (one("after: ./churn"), "the pipeline would run after itself for ever"),
        (one("after: /etc"), "there is no pipeline /etc"),
        (one('after: "a\\0b"'), "it holds a NUL byte"),
        (one("on_file: /**"), "** looks through folders of the project only"),
        (one("on_file: ../**"), "** looks through folders of the project only"),
        (one("on_file: /etc/**/passwd"), "** looks through folders of the project only"),
        (one("on_file: '" + "**/" * 20 + "x'"), "** stands in it more than once"),
        (one("on_file: ~/x.csv"), "~, $ and addresses mean nothing in it"),
        (one("on_file: /"), "it is a folder; say which files"),
        (one('on_file: ""'), "on_file: it is empty"),
        # Time zones.
        (HEAD.replace("Berlin", "Berlni"), "there is no time zone Europe/Berlni; did you mean Europe/Berlin?"),
        (HEAD.replace("Europe/Berlin", "../../etc/passwd"), "there is no time zone ../../etc/passwd; it is written"),
        (HEAD.replace("Europe/Berlin", "/etc/localtime"), "there is no time zone /etc/localtime"),
        (HEAD.replace("Europe/Berlin", "localtime"), "there is no time zone localtime"),
        (HEAD.replace("Europe/Berlin", '""'), "there is no time zone ''"),
        (HEAD.replace("Europe/Berlin", "x" * 100_000), "timezone must have at most 500 characters, not xxx"),
        # Letters that a terminal obeys.
        (with_line('"\\e[31mred\\n": 1'), r"there is no key schedule.nightly.\x1b[31mred\n"),
        (one('after: "\\e[31mred"'), r"there is no pipeline \x1b[31mred"),
        (HEAD.replace("Europe/Berlin", '"\\e[31mred\\nblue"'), r"there is no time zone \x1b[31mred\nblue"),
        ("schedule:\n  - name: a\0b\n", r"line 2: is not valid YAML (a character that YAML does not allow, '\x00')"),
        (b"schedule:\n  - name: \xff\n", "is not UTF-8 text"),
        (HEAD.encode("utf-16"), "is not UTF-8 text"),
        (with_line('parameters: {day: "\\ud800"}'), "line 5: is not valid YAML"),
        # Shapes.
        ("schedule: nightly\n", "schedule: is a list"),
        ("schedule: {nightly: {cron: 0 3 * * *}}\n", "schedule: is a list"),
        ("schedule: [nightly]\n", "schedule.0: is a mapping (`name: nightly` lines), not nightly"),
        ("schedule: [~]\n", "schedule.0: is a mapping (`name: nightly` lines), not nothing"),
        ("- 1\n", "must hold names with values"),
        (HEAD + "---\n" + HEAD, "line 5: is not valid YAML (expected a single document"),
        ("schedule: [\n", "is not valid YAML"),
        ("schedule: *x\n", "is not valid YAML (found undefined alias"),
        ("schedule: !!omap [a: 1]\n", "schedule.0: is a mapping"),
        (with_line("parameters: !!set {day}"), "must be names with values, not a set"),
        # What would run code, or is none of its kind.
        (with_line("env: !!python/object/apply:os.system ['touch pwned']"), "line 5: is not valid YAML"),
        (with_line("env: !secret x"), "line 5: is not valid YAML"),
        (with_line("retries: !!int x"), "line 5: is not valid YAML (it can't be read as int)"),
        (with_line("enabled: !!bool x"), "line 5: is not valid YAML (it can't be read as bool)"),
        (with_line("parameters: {day: 2026-13-45}"), "line 5: is not valid YAML (it can't be read as timestamp)"),
        (with_line("retries: " + "9" * 5000), "line 5: is not valid YAML (it can't be read as int)"),
        # Aliases.
        (
            "base: &b {cron: 0 3 * * *}\nschedule:\n  - {<<: *b, name: x}\n",
            "there is no key base",
        ),
        ("schedule: &a [*a]\n", "schedule: holds more than 100000 values"),
        (with_line("parameters: &p {day: *p}"), "schedule: holds more than 100000 values"),
        (with_line("alerts: &q [*q]"), "schedule: holds more than 100000 values"),
        ("&t {schedule: *t}\n", "schedule: is a list"),
    ],
)
def test_what_is_wrong_is_told_in_a_sentence(content: str | bytes, reason: str, small: Project) -> None:
    _is_one_sentence(_check(small, content), "", reason)
    assert not (small.root / "pwned").exists()


def test_what_is_right_of_a_wrong_schedule_is_told_with_its_next_times(small: Project) -> None:
    for line in ("retries: often", "zzz: 1", "env: prod", "parameters: {day: '{{ x }}'}", "parameters: {dya: 1}"):
        told = _check(small, with_line(line))
        assert f"  Understood of it: {NIGHTLY}\n" in told.err
        assert len(TIMES.findall(told.err)) == 5
    # A wrong zone: the expression was understood.
    told = _check(small, HEAD.replace("Berlin", "Berlni"))
    assert "  Understood of it: At 03:00 every day (" in told.err
    told = _check(small, HEAD.replace("0 3 * * *", "often"))
    assert "Understood" not in told.err


@pytest.mark.parametrize(
    "line",
    [
        "alerts: [{to: 'slack://TokenA/hunter2'}]",
        "alerts: ['slack://TokenA/hunter2']",
        "alerts: 'mailto://me:hunter2@example.com'",
        "alerts: {to: 'mailto://me:hunter2@example.com'}",
        "alerts: [{to: $X, 'mailto://me:hunter2@example.com': 1}]",
        "alerts: [{to: $X, on: [hunter2]}]",
        "alerts: [{to: [hunter2]}]",
        "alerts: [{to: {hunter2: hunter2}}]",
        "alerts: [{to: $X, on: hunter2}]",
        "alert: 'mailto://me:hunter2@example.com'",
    ],
)
def test_addresses_are_never_shown(line: str, small: Project) -> None:
    told = _check(small, with_line(line))
    assert told.code == 1
    assert "alert" in told.err
    assert "hunter2" not in told.err + told.out


def test_alerts_may_be_written_as_people_write_them(small: Project) -> None:
    # In YAML 1.1 the key `on` is true.
    told = _check(small, with_line("alerts: [{to: $SLACK_URL, on: [failure, recovery]}]"))
    assert (told.code, told.err) == (0, "")
    (found,) = read_schedules(small.root / "pipelines" / "churn")
    assert found.settings.alerts[0].on == ("failure", "recovery")


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + at)}: &{chr(98 + at)} [{','.join(['*' + chr(97 + at)] * 9)}]\n" for at in range(8)
)
MERGES = "schedule:\n  - &a0 {name: x}\n" + "".join(
    f"  - &a{at} {{<<: [{', '.join([f'*a{at - 1}'] * 5)}]}}\n" for at in range(1, 14)
)


@pytest.mark.parametrize(
    "content, reason",
    [
        ("schedule:\n" + "".join(f"  - {{name: s{at}, cron: 0 3 * * *}}\n" for at in range(10_000)), "at most 1000"),
        (with_line("alerts:", *["  - {to: $X}"] * 10_000), "alerts must have at most 20 entries"),
        (BOMB + "schedule: *i\n", "holds more than 100000 values"),
        (with_line("parameters:", *(f"  {line}" for line in BOMB.splitlines())), "holds more than 100000 values"),
        (MERGES, "merges too much"),
        ("#" + "x" * 10_000_000 + "\n" + HEAD, "is larger than 2 MB"),
        (with_line("parameters: {day: [" + "1," * 5_000_000 + "1]}"), "is larger than 2 MB"),
        ("schedule: " + "[" * 900_000, "nested too deeply"),
        (with_line("parameters: {day: " + "{a: " * 3000 + "1" + "}" * 3000 + "}"), "nested too deeply"),
        ("schedule:\n" + "".join(" " * at + "- \n" for at in range(1, 400)), "nested too deeply"),
    ],
    ids=["schedules", "alerts", "aliases", "parameters", "merges", "comment", "numbers", "lists", "maps", "lines"],
)
def test_what_is_large_is_refused_soon(content: str, reason: str, small: Project) -> None:
    _is_one_sentence(_check(small, content), "", reason)


def test_a_thousand_schedules_are_no_attack(small: Project) -> None:
    lines = (f"  - {{name: s{at}, cron: 0 3 * * *, parameters: {{day: '{{{{ date }}}}'}}}}\n" for at in range(1000))
    told = _check(small, "schedule:\n" + "".join(lines))
    assert (told.code, told.err) == (0, "")
    assert told.seconds < 8


def test_nothing_is_stored_of_a_project_with_a_wrong_schedule(small: Project) -> None:
    small.pipeline("other", [{"name": "hourly", "cron": "0 * * * *"}])
    (small.root / "pipelines" / "churn" / "cellmill.yaml").write_text(with_line("retries: often"))
    told = call("schedule", "apply")
    assert told.code == 1
    assert "schedule.nightly.retries" in told.err
    assert not known_schedules(small.store)
    # Of one folder alone it is.
    assert call("schedule", "apply", "other").code == 0
    assert [known.label for known in known_schedules(small.store)] == ["other/hourly"]


def test_a_wrong_file_stops_no_other_folder_and_keeps_what_it_had(small: Project) -> None:
    churn = small.root / "pipelines" / "churn"
    small.declare(churn, [{"name": "nightly", "cron": "0 3 * * *"}])
    reloader, store = Reloader([small.root]), small.store
    assert [one.kind for one in reloader.look(store, 1.0)] == ["reloaded"]
    # Each of these is told; none ends the scheduler, none takes anything away.
    for at, content in enumerate((BOMB + "schedule: *i\n", MERGES, "schedule: [", "\0", one("after: churn"))):
        (churn / "cellmill.yaml").write_text(content)
        reloader._searched = -1e9
        if at == 0:
            small.pipeline("other", [{"name": "hourly", "cron": "0 * * * *"}])
        told = list(reloader.look(store, 2.0 + at))
        assert [one.kind for one in told if "churn" in one.words] == ["refused"]
        assert {known.label for known in known_schedules(store)} == {"churn/nightly", "other/hourly"}
    assert not list(reloader.look(store, 9.0))


def test_circles_are_refused_over_folders_too(small: Project) -> None:
    folders = {name: small.pipeline(name, []) for name in ("a", "b", "c")}
    for name, before in (("a", "c"), ("b", "a")):
        small.declare(folders[name], [{"name": "then", "after": before}])
    assert call("schedule", "apply").code == 0
    small.declare(folders["c"], [{"name": "then", "after": "b"}])
    told = call("schedule", "check")
    assert told.code == 1
    assert re.search(r"would run after each other for ever: (\w after ){3}\w; take away one `after`", told.err)
    # Also where only one of them is looked at: by a command, or by a scheduler as the file changes.
    assert call("schedule", "check", "c").code == 1
    refused = [one.words for one in Reloader([small.root]).look(small.store, time.time()) if one.kind == "refused"]
    assert len(refused) == 1
    assert "for ever" in refused[0]
    assert not [known for known in known_schedules(small.store) if known.folder == folders["c"]]
    with pytest.raises(CellmillError, match="for ever"):
        check_order(small.root, [found for folder in folders.values() for found in read_schedules(folder)])


def test_runs_are_not_stopped_by_a_wrong_schedule(small: Project) -> None:
    (small.root / "pipelines" / "churn" / "cellmill.yaml").write_text(with_line("retries: often", "cron2: x"))
    told = call("run", "churn", "--dry-run")
    assert told.code == 0, told.err
    assert _check(small, with_line("retries: often")).code == 1


def _check(project: Project, content: str | bytes) -> Told:
    path = project.root / "pipelines" / "churn" / "cellmill.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return call("schedule", "check")


def _is_one_sentence(told: Told, key: str, reason: str) -> None:
    assert told.code == 1
    assert told.out == ""
    first, *more = told.err.splitlines()
    assert first.startswith("Error: pipelines/churn/cellmill.yaml")
    assert key in first
    assert reason in first
    assert len(first) < 500
    assert "unexpected" not in first
    assert not more or (more[0].startswith("  Understood of it: ") and len(more) <= 6)
    assert told.seconds < 2
