"""The same pipeline in ordinary and in warm kernels: outputs, figures, tracebacks and variables are equal."""

from __future__ import annotations

import pickle
import re
import sys
from dataclasses import dataclass
from typing import Any

import pytest

from cellmill.run import Event, run_pipeline

if sys.platform != "linux":
    pytest.skip("forks on Linux only", allow_module_level=True)

# The author's own module: its import prints, warns, sets options and looks at a variable.
OWN = """
import os, sys, time, warnings
import numpy as np
import pandas as pd
print("own:", os.environ.get("MODE", "none"))
print("own, aside", file=sys.stderr)
warnings.warn("own is old", FutureWarning)
warnings.warn("own is older", DeprecationWarning, stacklevel=2)
warnings.filterwarnings("ignore", message="not to be seen")
time.sleep(0.3)
pd.set_option("display.max_rows", 4)
np.set_printoptions(precision=2)
np.seterr(divide="ignore")
def where(frame): return frame["nowhere"]
"""

PLAIN = [
    "import asyncio, atexit, logging, os, subprocess, sys, threading\nfrom pathlib import Path\n"
    "atexit.register(Path('bye').touch)",
    "%%bash\npwd; echo $((1 + 1)); echo aside >&2; ulimit -a",
    "!echo $SHLVL\nlisted = !echo a b\nlisted",
    "async def later(): await asyncio.sleep(0.01); return threading.current_thread().name\nawait later()",
    "tasks = [asyncio.create_task(later()) for _ in range(3)]\nawait asyncio.gather(*tasks)",
    "code = 'import os, sys; print(sys.argv, sys.path, sorted(os.environ), os.listdir(\"/proc/self/fd\"))'\n"
    "print(subprocess.run([sys.executable, '-c', code, 'x'], capture_output=True, text=True).stdout)",
    "try: input()\nexcept Exception as error: print(type(error), error)",
    "logging.warning('logged'); logging.getLogger('own').info('not shown')",
    # Not ipywidgets.Output: with any kernel, nbclient now and then waits for ever for the answer to its cell.
    "import ipywidgets\nslider = ipywidgets.IntSlider(3); box = ipywidgets.VBox([slider, ipywidgets.Label('a')])\n"
    "display(slider, box)\nslider.value = 7",
    "from IPython.display import HTML, Markdown, update_display\nshown = display(HTML('<b>1</b>'), display_id='a')\n"
    "update_display(Markdown('*2*'), display_id='a')",
    "import faulthandler, gc, locale, multiprocessing, pdb, resource, signal, time, tracemalloc\n"
    "print([thread.name for thread in threading.enumerate()], threading.main_thread() is threading.current_thread())\n"
    "print(sys.flags, sys.getrecursionlimit(), hash('text'), sys.getfilesystemencoding(), sys.stdout.encoding)\n"
    "print(faulthandler.is_enabled(), tracemalloc.is_tracing(), locale.getlocale(), time.tzname, os.nice(0))\n"
    "print(multiprocessing.current_process().name, multiprocessing.get_start_method())\n"
    "print(sorted(name for name in globals() if name[0] != '_'), __name__, sys.stdin.isatty(), sys.exc_info())\n"
    "print(sys.getprofile(), sys.gettrace(), threading.stack_size(), os.sched_getaffinity(0), os.umask(0o22))",
    "open_files = [os.path.realpath(f'/proc/self/fd/{entry}') for entry in os.listdir('/proc/self/fd')]\n"
    "sorted(name.split(':')[0].split('/')[-1] for name in open_files if not name[-1].isdigit())",
    "print(sorted(get_ipython().magics_manager.magics['line']), sorted(get_ipython().magics_manager.magics['cell']))",
    "%%capture captured\nprint('kept')",
    "%run -i script.py\ncaptured.stdout, In[1][:6], len(Out), _",
    "import inspect\ndef one(): return 1\nprint(inspect.getsource(one), one.__code__.co_filename[:4])",
    "import warnings\nfor _ in range(2): warnings.warn('mine', DeprecationWarning)\n"
    "for _ in range(2): warnings.warn('mine')",
    "import importlib.metadata\nimportlib.metadata.version('numpy')",
]
SCIENCE = [
    "import joblib, multiprocessing\nimport matplotlib.pyplot as plt\nimport numpy as np\nimport pandas as pd\n"
    "import pyarrow as pa\nimport pyarrow.compute\nimport scipy.stats\n"
    "from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier\n"
    "from sklearn.linear_model import LogisticRegression\nfrom threadpoolctl import threadpool_info",
    "rng = np.random.default_rng(0); x = rng.normal(size=(300, 5)); y = (x.sum(1) > 0).astype(int)\nnp.random.seed(1)\n"
    "table = pd.DataFrame(x).assign(y=y, r=np.random.rand(300)); table",
    "print([[p[key] for key in ('user_api', 'num_threads', 'filepath')] for p in threadpool_info()])",
    "forest = RandomForestClassifier(20, n_jobs=2, random_state=0).fit(x, y); forest.predict_proba(x[:3])",
    "boosted = HistGradientBoostingClassifier(max_iter=5, random_state=0).fit(x, y); boosted.predict_proba(x[:3])",
    "def square(n): return n * n\nprint(joblib.Parallel(n_jobs=2)(joblib.delayed(square)(n) for n in range(4)))",
    "with multiprocessing.get_context('fork').Pool(2) as pool: print(pool.map(square, range(4)))",
    "with multiprocessing.get_context('spawn').Pool(1) as pool: print(pool.map(np.sqrt, range(3)))",
    "print(np.round((x.T @ x), 6), np.linalg.eigvalsh(np.cov(rng.normal(size=(400, 400))))[:3].round(6))",
    "print(pa.compute.sum(pa.array(range(10 ** 6)))); table.columns = map(str, table.columns)\n"
    "table.to_parquet('t.parquet'); pd.read_parquet('t.parquet').describe()",
    "table.plot(kind='scatter', x='0', y='1', title='drawn')",
    "plt.hist(x[:, 0]); plt.show(); plt.gcf().number, plt.get_backend(), plt.isinteractive()",
    "LogisticRegression(max_iter=1).fit(x * 1000 + 7, y)",
    "np.array([1.0]) / 0, np.geterr(), pd.get_option('display.max_rows'), plt.rcParams['figure.dpi']",
    "table['nowhere']",
]
OTHER = ["import own\nown.__name__, own.__file__.rpartition('/')[2]"]
OTHER += [SCIENCE[1].replace("rng", "import numpy as np, pandas as pd\nrng", 1)]
OTHER += [
    "import warnings\nwarnings.warn('not to be seen'); np.array([1.0]) / 0, np.geterr()",
    "try: import broken\nexcept Exception as error: print(repr(error))",
    "import broken",
]
# The end of a kernel in its first attempt, and what the second one finds.
DIES = [
    "import os, pathlib, signal, numpy as np\nnp.random.seed(3); first = not pathlib.Path('second').exists()",
    "if first:\n    pathlib.Path('second').touch()\n    os.kill(os.getpid(), signal.SIGSEGV)",
    "value = np.random.rand(3); frame = {'value': value, 'first': first, 'text': {'a', 'b', 'c'}}; frame",
]
DEEP = [
    "import numpy as np, pandas as pd",
    "def outer(n):\n    table = pd.DataFrame({'a': [1, n]})\n    return table.apply(lambda row: row['b'], axis=1)",
    "try: outer(1)\nexcept KeyError as error: kept = error",
    "outer(2)",
]


@dataclass
class Both:
    """What one pipeline left behind in each way: executed notebooks, variables, events."""

    notebooks: dict[bool, dict[str, Any]]
    variables: dict[bool, bytes]
    events: dict[bool, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def both(new_pipeline: Any, new_step: Any, tmp_path_factory: pytest.TempPathFactory) -> Both:
    project = tmp_path_factory.mktemp("project")
    (project / "pyproject.toml").write_text("")
    written = new_pipeline(project).write(
        {
            "plain": new_step(PLAIN),
            "science": new_step(SCIENCE),
            "other": new_step(OTHER),
            "dies": new_step(DIES, saves=["frame"]),
            "deep": new_step(DEEP),
        },
        settings={"steps": {"dies": {"retries": 1}}},
    )
    folder = written.notebook.parent
    (folder / "own.py").write_text(OWN)
    (folder / "broken.py").write_text("import numpy\nimport missing_of_all\n")
    (folder / "script.py").write_text("print(__name__, __file__)\n")
    found = Both({}, {}, {})
    for warm in (False, True):
        events: list[Event] = []
        run_pipeline(written.folder, warm=warm, jobs=2, force=True, listeners=[events.append])
        assert [event.data["text"] for event in events if event.kind == "notice"] == []
        found.events[warm] = [
            (event.kind, event.task, event.data.get("attempt"), _told(event.data.get("failure"))) for event in events
        ]
        found.notebooks[warm] = {name: written.executed(name) for name in ("plain", "science", "other", "dies", "deep")}
        found.variables[warm] = (written.output / "dies" / "frame.pkl").read_bytes()
        for name in ("bye", "second"):
            (folder / name).unlink()
    return found


@pytest.mark.parametrize("step", ["plain", "science", "other", "dies", "deep"])
def test_outputs_are_those_of_ordinary_kernels(both: Both, step: str) -> None:
    cold, warm = (both.notebooks[key][step] for key in (False, True))

    assert any(cell.get("outputs") for cell in cold.cells)
    for before, after in zip(cold.cells, warm.cells, strict=True):
        for one, other in zip(_outputs(after), _outputs(before), strict=True):
            assert one == other, before.source
    assert _widgets(warm) == _widgets(cold)
    assert warm.metadata.language_info == cold.metadata.language_info


def test_a_retry_and_failures_are_told_as_of_ordinary_kernels(both: Both) -> None:
    for name in ("plain", "science", "other", "dies", "deep"):
        cold, warm = ([event for event in both.events[key] if event[1] == name] for key in (False, True))
        assert warm == cold
    assert [event[0] for event in cold] == ["task-started", *["cell-started"] * 7, "task-failed"]
    assert ("task-retried", "dies") in [event[:2] for event in both.events[True]]


def test_variables_are_those_of_ordinary_kernels(both: Both) -> None:
    assert both.variables[True] == both.variables[False]
    assert pickle.loads(both.variables[True])["first"] is False


def _outputs(cell: Any) -> list[Any]:
    """A cell's outputs, without what is another in each kernel: addresses, ids, process ids, temporary folders."""
    streams: dict[str, str] = {}
    others = []
    for output in cell.get("outputs", ()):
        if output.output_type == "stream":
            # In how many pieces text comes is chance.
            streams[output.name] = streams.get(output.name, "") + output.text
        else:
            others.append(output)
    lines = [f"{name}: {line}" for name, text in streams.items() for line in text.splitlines()]
    return [_even(item) for item in (*lines, *others)]


def _even(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _even(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_even(item) for item in value]
    if isinstance(value, str) and len(value) < 20_000:
        changing = (
            r"0x[0-9a-f]+|(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])|(?<=Thread-)\d+|ipykernel_\d+/\d+|(?<=\[)\d+(?=\])"
        )
        value = re.sub(changing, "*", value)
        return re.sub(r"(?<=/cellmill-)\w+", "*", value)
    return value


def _widgets(notebook: Any) -> list[Any]:
    state = notebook.metadata.get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    return sorted(str(_even(model)) for model in state.values())


def _told(failure: Any) -> Any:
    return {key: _even(value) for key, value in failure.items() if key != "report"} if failure else None
