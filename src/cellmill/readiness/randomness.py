"""Random numbers that nothing seeds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cellmill.findings import Finding
from cellmill.readiness.facts import Call, Part, Promoted
from cellmill.rules.production import UnseededRandom

_RANDOM = frozenset(
    """random uniform triangular randint randrange randbytes getrandbits choice choices shuffle sample betavariate
    binomialvariate expovariate gammavariate gauss lognormvariate normalvariate vonmisesvariate paretovariate
    weibullvariate""".split()
)
_NUMPY_LOCAL = frozenset(
    """default_rng Generator RandomState SeedSequence PCG64 PCG64DXSM MT19937 Philox SFC64 BitGenerator get_state
    set_state seed get_bit_generator set_bit_generator""".split()
)
_TORCH = frozenset("rand randn randint randperm rand_like randn_like normal bernoulli multinomial poisson".split())
_TORCH_LAYERS = frozenset(
    """Linear Bilinear Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d RNN LSTM GRU Embedding Transformer
    TransformerEncoderLayer MultiheadAttention""".split()
)
# Generators that take their own seed, first.
_OWN_SEED = frozenset(("numpy.random.default_rng", "numpy.random.RandomState", "random.Random"))
# scikit-learn's that draw whatever else they are given, and those that draw only on demand.
_SKLEARN = frozenset(
    """train_test_split ShuffleSplit StratifiedShuffleSplit GroupShuffleSplit RepeatedKFold RepeatedStratifiedKFold
    RandomizedSearchCV HalvingRandomSearchCV ParameterSampler permutation_importance resample shuffle
    RandomForestClassifier RandomForestRegressor ExtraTreesClassifier ExtraTreesRegressor RandomTreesEmbedding
    BaggingClassifier BaggingRegressor IsolationForest MLPClassifier MLPRegressor KMeans MiniBatchKMeans
    BisectingKMeans GaussianMixture BayesianGaussianMixture TSNE LatentDirichletAllocation SGDClassifier SGDRegressor
    Perceptron PassiveAggressiveClassifier BernoulliRBM RBFSampler GaussianRandomProjection SparseRandomProjection
    make_classification make_regression make_blobs make_moons make_circles make_friedman1 make_s_curve make_swiss_roll
    """.split()
)
_SKLEARN_SHUFFLED = frozenset(("KFold", "StratifiedKFold", "StratifiedGroupKFold"))
_SEEDS = {
    "random.seed": "random",
    "numpy.random.seed": "numpy.random",
    "numpy.random.set_state": "numpy.random",
    "random.setstate": "random",
    "torch.manual_seed": "torch",
    "torch.random.manual_seed": "torch",
    "torch.set_rng_state": "torch",
}
# These seed all of them.
_SEED_ALL = ("seed_everything", "set_seed", "set_random_seed")


@dataclass(frozen=True)
class _Draw:
    """A call that draws: from which generator (None: one of its own), and what to write."""

    generator: str | None
    remedy: str


def findings(promoted: Promoted) -> Iterator[Finding]:
    """One for each line that draws while no promoted cell seeds the generator: each may be meant, and be ignored."""
    seeded = seeded_generators(promoted)
    for part in promoted.parts:
        told: set[int] = set()
        for call in part.facts.calls:
            draw = _draw(promoted, call)
            if draw is None or draw.generator in seeded or call.line in told:
                continue
            told.add(call.line)
            yield _finding(part, call, draw)


def _finding(part: Part, call: Call, draw: _Draw) -> Finding:
    return UnseededRandom.finding(
        f"`{call.name}()` draws random numbers that nothing seeds, so each run gives something else",
        draw.remedy,
        step=part.step,
        name=call.name,
        cell=part.cell.number,
        cell_id=str(part.cell.id),
        line=call.line,
    )


def seeded_generators(promoted: Promoted) -> set[str]:
    """The random generators that a promoted cell seeds, such as ``numpy.random``."""
    found = set()
    for part in promoted.parts:
        for call in part.facts.calls:
            name = promoted.dotted(call)
            if name.rpartition(".")[2] in _SEED_ALL:
                return {"random", "numpy.random", "torch"}
            # Without a seed these take one from the system.
            if name in _SEEDS and (call.arguments or call.keywords):
                found.add(_SEEDS[name])
    return found


def _draw(promoted: Promoted, call: Call) -> _Draw | None:
    name = promoted.dotted(call)
    library, _, rest = name.partition(".")
    last = name.rpartition(".")[2]
    if name in _OWN_SEED:
        seeded = call.arguments or call.keywords & {"seed", "x", "**"}
        return None if seeded else _Draw(None, f"write `{call.name}(0)`")
    if library == "random" and rest in _RANDOM and _is_imported(promoted, "random"):
        return _seed_first("random", "random.seed(0)")
    if name.startswith("numpy.random.") and last not in _NUMPY_LOCAL:
        return _seed_first("numpy.random", "numpy.random.seed(0)")
    if library == "torch" and _torch_draws(rest, call):
        return _seed_first("torch", "torch.manual_seed(0)")
    return _takes_random_state(library, last, call)


def _is_imported(promoted: Promoted, library: str) -> bool:
    return any(dotted.partition(".")[0] == library for dotted in promoted.imports.values())


def _seed_first(generator: str, line: str) -> _Draw:
    return _Draw(generator, f"write `{line}` above it, in the first step that draws")


def _torch_draws(rest: str, call: Call) -> bool:
    if "generator" in call.keywords:
        return False
    if rest.startswith("nn."):
        return rest.rpartition(".")[2] in _TORCH_LAYERS
    if rest == "utils.data.DataLoader":
        return "shuffle" in call.keywords
    return rest in _TORCH or rest == "utils.data.random_split"


def _takes_random_state(library: str, last: str, call: Call) -> _Draw | None:
    """Functions and classes that draw from NumPy's generator unless they are given a ``random_state``."""
    if call.keywords & {"random_state", "**"}:
        return None
    sklearn = library == "sklearn" and (last in _SKLEARN or (last in _SKLEARN_SHUFFLED and "shuffle" in call.keywords))
    # Of pandas there is no name to see, but who gives sample() these keywords means pandas.
    sampled = last == "sample" and library not in ("random", "numpy") and call.keywords & {"n", "frac"}
    drawn = last == "rvs"
    if not (sklearn or sampled or drawn):
        return None
    return _Draw("numpy.random", f"write `{call.name.rpartition('.')[2]}(..., random_state=0)`")
