"""Process state that joins steps though no variable does: random generators, working directory, environment, options.

Each state is treated like a variable that the step reads and changes; its name is the place where it lives
(``numpy.random``), so that a finding about it reads like one about a variable. The pipeline's hand-over module knows
how to carry each.
"""

from __future__ import annotations

from functools import lru_cache

DRAWING_STATES = ("random", "numpy.random", "torch.random")
"""State that only matters to steps that draw from it, and only if the notebook seeds it."""

AMBIENT_STATES = (
    "os.environ",
    "cwd",
    "sys.path",
    "pandas.options",
    "numpy.printoptions",
    "numpy.errstate",
    "matplotlib.rcParams",
    "decimal.context",
    "warnings.filters",
    "locale",
    "sys.recursionlimit",
    "sklearn.config",
    "logging",
)
"""State that any later code may depend on without naming it."""

_SETTERS: dict[str, str] = {
    "random.seed": "random",
    "random.setstate": "random",
    "numpy.random.seed": "numpy.random",
    "numpy.random.set_state": "numpy.random",
    "torch.manual_seed": "torch.random",
    "torch.set_rng_state": "torch.random",
    "os.chdir": "cwd",
    "os.putenv": "os.environ",
    "os.unsetenv": "os.environ",
    "dotenv.load_dotenv": "os.environ",
    "pandas.set_option": "pandas.options",
    "pandas.reset_option": "pandas.options",
    "pandas.set_eng_float_format": "pandas.options",
    "numpy.set_printoptions": "numpy.printoptions",
    "numpy.seterr": "numpy.errstate",
    "matplotlib.rc": "matplotlib.rcParams",
    "matplotlib.rcdefaults": "matplotlib.rcParams",
    "matplotlib.pyplot.rc": "matplotlib.rcParams",
    "matplotlib.pyplot.rcdefaults": "matplotlib.rcParams",
    "matplotlib.style.use": "matplotlib.rcParams",
    "matplotlib.pyplot.style.use": "matplotlib.rcParams",
    "seaborn.set": "matplotlib.rcParams",
    "seaborn.set_theme": "matplotlib.rcParams",
    "seaborn.set_style": "matplotlib.rcParams",
    "seaborn.set_context": "matplotlib.rcParams",
    "seaborn.set_palette": "matplotlib.rcParams",
    "decimal.setcontext": "decimal.context",
    "decimal.getcontext": "decimal.context",
    "warnings.filterwarnings": "warnings.filters",
    "warnings.simplefilter": "warnings.filters",
    "warnings.resetwarnings": "warnings.filters",
    "locale.setlocale": "locale",
    "sys.setrecursionlimit": "sys.recursionlimit",
    "sklearn.set_config": "sklearn.config",
    "logging.basicConfig": "logging",
    "logging.disable": "logging",
    "logging.config.dictConfig": "logging",
    "logging.config.fileConfig": "logging",
}

_KEPT_BY_LIBRARIES = frozenset(
    "os.umask time.tzset signal.signal socket.setdefaulttimeout csv.register_dialect "
    "csv.unregister_dialect csv.field_size_limit mimetypes.add_type mimetypes.init copyreg.pickle codecs.register "
    "codecs.register_error sqlite3.register_adapter sqlite3.register_converter sys.set_int_max_str_digits "
    "sys.setswitchinterval threading.stack_size resource.setrlimit urllib.request.install_opener "
    "gettext.install gettext.textdomain "
    "xml.etree.ElementTree.register_namespace "
    "calendar.setfirstweekday "
    "numpy.seterrcall numpy.setbufsize numpy.set_string_function numpy.polynomial.set_default_printstyle "
    "numpy.ma.masked_print_option.set_display numpy.ma.masked_print_option.enable "
    "pandas.api.extensions.register_dataframe_accessor pandas.api.extensions.register_series_accessor "
    "pandas.api.extensions.register_index_accessor pandas.api.extensions.register_extension_dtype "
    "matplotlib.colormaps.register matplotlib.scale.register_scale "
    "matplotlib.projections.register_projection matplotlib.font_manager.fontManager.addfont "
    "torch.set_default_dtype torch.set_default_device torch.set_default_tensor_type "
    "torch.use_deterministic_algorithms torch.set_printoptions torch.set_float32_matmul_precision "
    "tensorflow.random.set_seed tensorflow.keras.utils.set_random_seed keras.utils.set_random_seed "
    "tensorflow.config.run_functions_eagerly tensorflow.keras.backend.set_floatx keras.backend.set_floatx "
    "jax.config.update polars.enable_string_cache "
    "sympy.init_printing joblib.register_parallel_backend ".split()
)
"""Functions that change what the process or a library keeps for itself: there is a way to set it, none to carry it.

Not those that are mostly used in a ``with`` statement, after which everything is as before."""

LOST = "kept:"
"""Begins the name of a state that can't be carried: ``kept:csv.register_dialect``."""

_PLACES: dict[str, str] = {
    "os.environ": "os.environ",
    "pandas.options": "pandas.options",
    "matplotlib.rcParams": "matplotlib.rcParams",
    "matplotlib.pyplot.rcParams": "matplotlib.rcParams",
    "sys.path": "sys.path",
    "warnings.filters": "warnings.filters",
}

_NUMPY_RANDOM_LOCAL = frozenset(
    "default_rng Generator RandomState SeedSequence PCG64 MT19937 Philox SFC64 BitGenerator get_state".split()
)
_RANDOM_LOCAL = frozenset("Random SystemRandom getstate".split())
_MAY_DRAW = ("sklearn.", "scipy.", "statsmodels.", "imblearn.", "seaborn.", "xgboost.", "lightgbm.", "networkx.")
_DRAWING_METHODS = frozenset(
    "sample fit fit_transform fit_predict fit_resample partial_fit rvs resample simulate bootstrap score predict "
    "kneighbors transform plot".split()
)


def set_by_call(dotted: str) -> str | None:
    """The state that a call of this function sets, if any."""
    return f"{LOST}{dotted}" if dotted in _KEPT_BY_LIBRARIES else _SETTERS.get(dotted)


def set_by_method(name: str) -> str | None:
    """The state that a method of this name sets, whoever has it."""
    return "logging" if name in ("setLevel", "addHandler", "removeHandler") else None


@lru_cache(maxsize=4096)
def place(dotted: str) -> str | None:
    """The state that an object is, if any: changing ``os.environ`` changes the environment."""
    for name, state in _PLACES.items():
        if dotted == name or dotted.startswith(f"{name}."):
            return state
    return None


@lru_cache(maxsize=4096)
def drawn_by_call(dotted: str) -> tuple[str, ...]:
    """The random generators that a library function may draw from without being given one."""
    library, _, rest = dotted.partition(".")
    if library == "random" and rest and rest not in _RANDOM_LOCAL:
        return ("random",)
    if dotted.startswith("numpy.random.") and rest.partition(".")[2] not in _NUMPY_RANDOM_LOCAL:
        return ("numpy.random",)
    if library == "torch":
        return ("torch.random",)
    if dotted.startswith(_MAY_DRAW):
        return ("numpy.random",)
    if library not in ("pandas", "numpy", "math", "matplotlib") and dotted.endswith((".shuffle", ".sample")):
        return ("random", "numpy.random")
    return ()


def drawn_by_method(name: str) -> tuple[str, ...]:
    """The random generators that a method of this name may draw from."""
    return ("numpy.random",) if name in _DRAWING_METHODS else ()


def carries(state: str) -> bool:
    """Whether the state can be carried to another process exactly."""
    return state in DRAWING_STATES or state in AMBIENT_STATES or state.startswith("patch:")
