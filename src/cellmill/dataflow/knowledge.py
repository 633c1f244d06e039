"""What the analysis knows of other people's code: which calls change their arguments, which results are new objects.

Everything that is not listed here is taken to change what it is given and to return something that shares with it:
a missing entry costs parallelism, never correctness.
"""

from __future__ import annotations

import builtins
import importlib
import inspect
import sys
import types
from functools import lru_cache

BUILTINS: frozenset[str] = frozenset(dir(builtins)) | {
    "get_ipython",
    "display",
    "exit",
    "quit",
    "__name__",
    "__builtins__",
    "__builtin__",
    "__file__",
    "open",
}

BUILTIN_CLASSES = frozenset(name for name, value in vars(builtins).items() if isinstance(value, type))

HISTORY_NAMES = frozenset({"In", "Out", "_", "__", "___", "_i", "_ii", "_iii", "_oh", "_ih", "_dh"})

SCALAR_BUILTINS = frozenset(
    "abs all any ascii bin bool bytes callable chr complex divmod float format hasattr hash hex id int isinstance "
    "issubclass len oct ord pow print range repr round str input slice".split()
)
"""Builtins that change nothing and return a value that nobody can change."""

SHARING_BUILTINS = frozenset(
    "dict enumerate filter frozenset getattr iter list map max min reversed set sorted sum super tuple zip "
    "property staticmethod classmethod object bytearray memoryview display".split()
)
"""Builtins that change nothing and return something that holds their arguments' elements."""

ITERATOR_BUILTINS = frozenset("enumerate filter iter map reversed zip".split())

FUNCTIONAL_LIBRARIES = frozenset(
    "numpy pandas sklearn scipy statsmodels math cmath statistics json re "
    "datetime time calendar collections functools "
    "itertools operator os pathlib shutil glob string textwrap types typing dataclasses "
    "enum abc copy decimal fractions "
    "random hashlib base64 uuid warnings logging sys io contextlib tempfile csv zipfile pickle joblib inspect "
    "matplotlib seaborn plotly altair bokeh polars pyarrow xgboost lightgbm catboost "
    "shap imblearn tqdm IPython rich "
    "tabulate patsy mlflow cellmill asyncio threading concurrent multiprocessing queue subprocess sqlite3 urllib "
    "requests platform argparse heapq bisect secrets struct zlib gzip html pprint traceback gc networkx "
    "PIL cv2 nltk spacy gensim yaml toml tomllib locale unicodedata difflib array weakref".split()
)
"""Libraries whose functions leave their arguments as they are, but for those in MUTATING_FUNCTIONS."""

MUTATING_FUNCTIONS: dict[str, tuple[int, ...]] = {
    "random.shuffle": (0,),
    "numpy.random.shuffle": (0,),
    "numpy.fill_diagonal": (0,),
    "numpy.put": (0,),
    "numpy.put_along_axis": (0,),
    "numpy.place": (0,),
    "numpy.putmask": (0,),
    "numpy.copyto": (0,),
    "heapq.heapify": (0,),
    "heapq.heappush": (0,),
    "heapq.heappop": (0,),
    "heapq.heappushpop": (0,),
    "heapq.heapreplace": (0,),
    "bisect.insort": (0,),
    "bisect.insort_left": (0,),
    "bisect.insort_right": (0,),
    "operator.setitem": (0,),
    "operator.delitem": (0,),
    "operator.iadd": (0,),
    "operator.iconcat": (0,),
    "operator.ior": (0,),
    "operator.iand": (0,),
    "operator.imul": (0,),
    "operator.isub": (0,),
    "operator.itruediv": (0,),
    "operator.ifloordiv": (0,),
    "operator.imod": (0,),
    "operator.ipow": (0,),
    "operator.ixor": (0,),
    "operator.ilshift": (0,),
    "operator.irshift": (0,),
    "operator.imatmul": (0,),
    "struct.pack_into": (1,),
    "contextlib.redirect_stdout": (0,),
    "contextlib.redirect_stderr": (0,),
    "numpy.clip": (3,),
    "numpy.dot": (2,),
    "numpy.take": (3,),
    "numpy.cumsum": (3,),
    "numpy.cumprod": (3,),
    "numpy.sum": (3,),
    "numpy.prod": (3,),
    "numpy.mean": (3,),
    "numpy.round": (2,),
    "numpy.around": (2,),
    "json.dump": (1,),
    "pickle.dump": (1,),
    "pickle.load": (0,),
    "csv.writer": (0,),
    "csv.reader": (0,),
    "csv.DictReader": (0,),
    "csv.DictWriter": (0,),
    "collections.deque": (0,),
    "itertools.islice": (0,),
    "itertools.tee": (0,),
    "functools.update_wrapper": (0,),
    "setattr": (0,),
    "delattr": (0,),
    "next": (0,),
    "anext": (0,),
    "asyncio.gather": (),
}
"""Positions of the arguments that a function changes."""

_UNARY_UFUNCS = frozenset(
    "abs absolute fabs negative positive sign rint conj conjugate exp exp2 expm1 log log2 log10 log1p sqrt cbrt square "
    "reciprocal sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh arctanh degrees radians deg2rad "
    "rad2deg logical_not invert bitwise_not floor ceil trunc isfinite isinf isnan signbit spacing".split()
)
_BINARY_UFUNCS = frozenset(
    "add subtract multiply divide true_divide floor_divide power float_power mod remainder fmod maximum minimum fmax "
    "fmin logical_and logical_or logical_xor bitwise_and bitwise_or bitwise_xor left_shift right_shift arctan2 hypot "
    "copysign nextafter ldexp heaviside logaddexp logaddexp2 gcd lcm matmul vecdot greater greater_equal less "
    "less_equal equal not_equal".split()
)

CHANGED_BY_USE = frozenset(
    "io.StringIO io.BytesIO io.TextIOWrapper io.BufferedReader io.BufferedWriter io.BufferedRandom io.FileIO "
    "random.Random numpy.random.default_rng numpy.random.Generator numpy.random.RandomState numpy.random.SeedSequence "
    "numpy.random.PCG64 numpy.random.PCG64DXSM numpy.random.MT19937 numpy.random.Philox numpy.random.SFC64 "
    "sklearn.utils.check_random_state torch.Generator".split()
)
"""Makers of objects that are there to be changed by whoever is handed them: what is written to or drawn from."""

VIEWING_CLASSES = frozenset(("collections.ChainMap",))
"""Classes whose instances change what they were made from when they are changed."""

FRESH_FUNCTIONS = frozenset(
    "copy.deepcopy numpy.array numpy.zeros numpy.ones numpy.empty numpy.full "
    "numpy.arange numpy.linspace numpy.mean "
    "numpy.std numpy.sum numpy.sqrt numpy.exp numpy.log numpy.abs numpy.mod "
    "numpy.concatenate numpy.vstack numpy.hstack "
    "numpy.column_stack numpy.where numpy.round numpy.unique numpy.sort numpy.argsort "
    "numpy.cumsum numpy.diff numpy.dot "
    "numpy.log1p numpy.expm1 numpy.power numpy.clip numpy.copy numpy.percentile numpy.quantile numpy.median "
    "json.dumps json.loads json.load re.compile re.sub re.findall re.split re.match re.search".split()
)
"""Functions whose result shares nothing with their arguments."""

FRESH_LIBRARIES = frozenset(
    "sklearn.metrics sklearn.datasets sklearn.utils scipy.stats statistics math time datetime".split()
)

FRESH_PREFIXES = (
    "pandas.read_",
    "pandas.DataFrame",
    "pandas.concat",
    "pandas.merge",
    "pandas.to_",
    "pandas.get_dummies",
    "pandas.date_range",
    "pandas.cut",
    "pandas.qcut",
    "pandas.crosstab",
    "sklearn.model_selection.cross_",
    "sklearn.datasets.",
    "sklearn.metrics.",
)

PURE_METHODS = frozenset(
    # str, bytes, numbers
    "capitalize casefold center count encode decode endswith startswith expandtabs find "
    "rfind format format_map index "
    "rindex isalnum isalpha isascii isdecimal isdigit isidentifier islower isnumeric "
    "isprintable isspace istitle isupper "
    "join ljust rjust lower upper lstrip rstrip strip rpartition replace "
    "split rsplit splitlines swapcase title "
    "translate zfill removeprefix removesuffix hex bit_length conjugate is_integer "
    "as_integer_ratio total_seconds strftime "
    "isoformat timestamp date time weekday isoweekday "
    # containers
    "copy get items keys values union intersection difference symmetric_difference issubset issuperset isdisjoint "
    "most_common elements "
    # pandas and numpy
    "head tail describe info abs add agg aggregate align all any asfreq asof assign astype at_time "
    "between between_time bfill ffill clip combine_first compare corr corrwith cov cummax "
    "cummin cumprod cumsum diff div "
    "divide dot drop drop_duplicates droplevel dropna duplicated eq equals ewm "
    "expanding explode fillna filter first "
    "floordiv ge gt groupby idxmax idxmin infer_objects interpolate isin isna isnull join kurt "
    "last le lt mask max mean "
    "median melt memory_usage merge min mod mode mul multiply ne nlargest notna "
    "notnull nsmallest nunique pct_change pivot "
    "pivot_table pow prod product quantile query rank reindex rename rename_axis reorder_levels replace resample "
    "reset_index rolling round sem set_axis set_index shift size skew sort_index sort_values squeeze stack std sub "
    "sum swaplevel to_dict to_frame to_list to_numpy to_period to_records to_string to_timestamp tolist "
    "transpose truediv truncate tz_convert tz_localize unique unstack value_counts var where xs "
    "cat dt str argmax argmin "
    "argsort flatten ravel reshape nonzero searchsorted swapaxes trace item tobytes "
    "cumcount ngroup size nth ngroups "
    "get_group to_datetime total day_name month_name normalize floor ceil "
    "to_pydatetime to_html to_markdown to_latex "
    "memory_usage keys itertuples iterrows iteritems dropna first_valid_index last_valid_index "
    "to_csv to_parquet to_json "
    "to_excel to_pickle to_feather to_clipboard savetxt tofile "
    # estimators and results
    "predict predict_proba predict_log_proba decision_function score score_samples transform inverse_transform "
    "get_params get_feature_names_out get_forecast forecast summary summary2 conf_int summary_frame get_prediction "
    "plot_diagnostics cov_params t_test f_test wald_test kneighbors staged_predict apply get_n_splits "
    # paths, regular expressions, logging
    "exists is_file is_dir read_text read_bytes resolve absolute with_suffix with_name "
    "relative_to as_posix glob rglob "
    "iterdir stat expanduser joinpath match search fullmatch findall sub group groups groupdict span "
    "debug warning error critical".split()
)
"""Methods that change neither their object nor their arguments, whoever defines them in the libraries above."""

FRESH_METHODS = PURE_METHODS - frozenset(
    "get items keys values group_by ravel reshape squeeze transpose swapaxes get_group "
    "itertuples iterrows copy apply transform union intersection difference "
    "get_params summary kneighbors filter where mask".split()
)
"""Pure methods whose result shares nothing with the object that another name could see change."""

FRAME_METHODS = frozenset(
    "rename groupby merge assign reset_index set_index value_counts pivot_table pivot "
    "sort_values sort_index dropna fillna "
    "drop_duplicates describe astype head tail nlargest nsmallest agg aggregate melt "
    "explode reindex query resample "
    "rolling cumsum shift diff isna notna to_frame crosstab stack unstack quantile corr corrwith pct_change clip "
    "interpolate between isin sem rank asfreq tz_localize tz_convert to_period to_timestamp rename_axis".split()
)
"""Fresh methods that only objects of pandas and its like have."""

LAZY_METHODS = frozenset("groupby rolling resample expanding ewm".split())
"""Methods whose result looks into the frame when it is asked, and sees what has changed there since."""

VIEW_METHODS = frozenset("reshape ravel squeeze swapaxes transpose view diagonal".split())
"""Pure methods of arrays whose result looks into the same memory; an array may have come from a frame."""

RECEIVER_ONLY_METHODS = frozenset(
    "append add extend insert update setdefault pop popitem clear remove discard sort reverse fit fit_transform "
    "fit_predict partial_fit fit_resample set_params set_title set_xlabel set_ylabel set_xlim set_ylim set_xticks "
    "set_yticks set_xticklabels set_yticklabels legend plot scatter hist bar barh "
    "boxplot violinplot imshow axhline "
    "axvline fill_between errorbar text annotate grid tick_params appendleft popleft extendleft rotate "
    "write writelines execute executemany set suptitle tight_layout savefig colorbar put fill intersection_update "
    "difference_update symmetric_difference_update add_subplot add_argument parse_args step zero_grad pie stem "
    "matshow contour contourf hlines vlines set_aspect invert_yaxis invert_xaxis update_layout add_trace "
    "info sample apply applymap map random integers normal uniform choice "
    "permutation standard_normal poisson binomial exponential gamma beta rvs subtract partition byteswap".split()
)
"""Methods that change their object only; what they are given stays as it is (but may be kept)."""

KEEPING_METHODS = frozenset(
    "append add extend insert update setdefault appendleft extendleft put set_params set add_trace".split()
)
"""Methods after which the object holds on to what it was given."""

SELF_METHODS = frozenset("fit set_params partial_fit".split())
"""Methods that return their own object."""

SHALLOW_METHODS = frozenset(
    "append add extend insert update setdefault pop popitem clear remove discard sort reverse appendleft popleft "
    "extendleft rotate subtract partition byteswap intersection_update difference_update "
    "symmetric_difference_update".split()
)
"""Methods that change the object itself but nothing that it holds."""

CHANGING_METHODS = RECEIVER_ONLY_METHODS | frozenset(
    "__setitem__ __delitem__ __iadd__ __imul__ __ior__ __iand__ __isub__ __ixor__ __setattr__ __delattr__ __next__ "
    "__init__ __setstate__".split()
)
"""Methods that change their object when they are called by their class, too: ``list.append(xs, 1)``."""

ARGUMENT_METHODS = frozenset("shuffle readinto readinto1 recv_into".split())
"""Methods that change their argument."""

MUTATING_KEYWORDS = frozenset(("out", "ax", "file", "buf", "stream", "random_state", "rng", "generator"))

RESOURCES: dict[str, str] = {
    "open": "an open file",
    "io.open": "an open file",
    "gzip.open": "an open file",
    "bz2.open": "an open file",
    "lzma.open": "an open file",
    "tempfile.TemporaryFile": "an open file",
    "tempfile.NamedTemporaryFile": "an open file",
    "tempfile.SpooledTemporaryFile": "an open file",
    "tempfile.TemporaryDirectory": "a temporary folder",
    "zipfile.ZipFile": "an open file",
    "tarfile.open": "an open file",
    "h5py.File": "an open file",
    "sqlite3.connect": "a database connection",
    "psycopg2.connect": "a database connection",
    "psycopg.connect": "a database connection",
    "duckdb.connect": "a database connection",
    "pymysql.connect": "a database connection",
    "sqlalchemy.create_engine": "a database connection",
    "socket.socket": "a socket",
    "socket.create_connection": "a socket",
    "threading.Lock": "a lock",
    "threading.RLock": "a lock",
    "threading.Condition": "a lock",
    "threading.Event": "a lock",
    "threading.Semaphore": "a lock",
    "threading.BoundedSemaphore": "a lock",
    "threading.Barrier": "a lock",
    "threading.Thread": "a thread",
    "threading.Timer": "a thread",
    "multiprocessing.Lock": "a lock",
    "multiprocessing.Queue": "a queue between processes",
    "multiprocessing.Pool": "a pool of processes",
    "multiprocessing.Process": "a process",
    "queue.Queue": "a queue with locks",
    "queue.LifoQueue": "a queue with locks",
    "queue.PriorityQueue": "a queue with locks",
    "queue.SimpleQueue": "a queue with locks",
    "concurrent.futures.ThreadPoolExecutor": "a pool of threads",
    "concurrent.futures.ProcessPoolExecutor": "a pool of processes",
    "subprocess.Popen": "a process",
    "memoryview": "a memoryview",
    "os.scandir": "an open directory",
    "os.walk": "a generator",
    "csv.reader": "a reader of an open file",
    "csv.writer": "a writer to an open file",
    "csv.DictReader": "a reader of an open file",
    "csv.DictWriter": "a writer to an open file",
    "weakref.ref": "a weak reference",
    "weakref.WeakValueDictionary": "weak references",
    "weakref.WeakKeyDictionary": "weak references",
    "weakref.WeakSet": "weak references",
    "weakref.finalize": "a weak reference",
    "asyncio.create_task": "a running task",
    "asyncio.ensure_future": "a running task",
    "asyncio.Lock": "a lock",
    "asyncio.Queue": "a queue",
    "contextvars.ContextVar": "a context variable",
    "re.finditer": "an iterator over matches",
    "matplotlib.pyplot.figure": "a live figure",
    "matplotlib.pyplot.subplots": "a live figure",
    "matplotlib.pyplot.gcf": "a live figure",
    "matplotlib.pyplot.gca": "a live figure",
    "matplotlib.pyplot.subplot": "a live figure",
    "matplotlib.pyplot.axes": "a live figure",
}
"""Calls whose result can't be handed to another process, with what it is."""

RESOURCE_METHODS = {"cursor": "a database cursor", "makefile": "an open file"}

CACHE_DECORATORS = frozenset(("functools.lru_cache", "functools.cache", "functools.cached_property"))

PURE_FOR_CACHE = SCALAR_BUILTINS - {"print", "input"}


def root(dotted: str) -> str:
    """The library of a dotted name: ``numpy`` for ``numpy.random.rand``."""
    return dotted.partition(".")[0]


def is_class(dotted: str) -> bool:
    """Whether the dotted name is that of a class, as far as names say so."""
    name = dotted.rpartition(".")[2]
    known = dotted in ("collections.deque", "collections.defaultdict", "array.array", "numpy.ndarray")
    return dotted in BUILTIN_CLASSES or known or name[:1].isupper()


@lru_cache(maxsize=4096)
def changes_first(owner: str, method: str) -> bool:
    """Whether ``owner.method(x)`` is a class's method called by its class, which may change ``x``."""
    if not is_class(owner) or method[:1].isupper():
        return False
    if method in CHANGING_METHODS:
        return True
    module, _, name = owner.rpartition(".")
    if method in PURE_METHODS or method.startswith(("from", "_")):
        return False
    if module and root(module) not in sys.stdlib_module_names:
        return owner == "numpy.ndarray"
    try:
        made = getattr(importlib.import_module(module or "builtins"), name, None)
    except ImportError:
        return False
    kinds = (types.FunctionType, types.MethodDescriptorType)
    return isinstance(made, type) and isinstance(inspect.getattr_static(made, method, None), kinds)


@lru_cache(maxsize=4096)
def changed_positions(dotted: str) -> tuple[int, ...]:
    """Positions of the arguments that a library function changes."""
    if dotted in MUTATING_FUNCTIONS:
        return MUTATING_FUNCTIONS[dotted]
    if not dotted.startswith("numpy."):
        return ()
    name = dotted.removeprefix("numpy.")
    if name.endswith(".at"):
        return (0,)
    # Where the result goes may be said by position.
    return (2,) if name in _BINARY_UFUNCS else (1,) if name in _UNARY_UFUNCS else ()


@lru_cache(maxsize=4096)
def is_functional(dotted: str) -> bool:
    """Whether a library function leaves its arguments as they are."""
    return root(dotted) in FUNCTIONAL_LIBRARIES


@lru_cache(maxsize=4096)
def returns_fresh(dotted: str) -> bool:
    """Whether the result of a library function shares nothing with its arguments."""
    return (
        dotted in FRESH_FUNCTIONS
        or dotted.startswith(FRESH_PREFIXES)
        or any(dotted.startswith(f"{library}.") for library in FRESH_LIBRARIES)
    )
