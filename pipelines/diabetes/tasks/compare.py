# %% tags=["parameters"]
upstream = ["baseline", "brute", "ridge"]
product = None
resources_ = None
# Settings
test_size: float = 0.25            # share of the patients kept for the last section
random_state: int = 10
folds: int = 5
strengths: list[float] = [0.1, 1.0, 10.0, 100.0, 1000.0]   # how hard ridge may pull weights to zero
brute_force: bool = True           # also try every product of two raw measurements
tolerance: float = 50.0            # a prediction no further off than this is useful at the bedside

# %% tags=["inputs"]
import sys
from pathlib import Path

sys.path.append(str(Path(resources_["handover"]).parent))
import diabetes_handover

diabetes_handover.begin(product, globals())
from diabetes_shared import Scoreboard, pd, r2_score, rmse, within
(
    baseline_predicted,
    mean_predicted,
) = diabetes_handover.load(upstream["baseline"], "baseline_predicted", "mean_predicted")
(
    brute_predicted,
    raw,
    test,
    train,
) = diabetes_handover.load(upstream["brute"], "brute_predicted", "raw", "test", "train")
(
    ridge_built_predicted,
    ridge_raw_predicted,
) = diabetes_handover.load(upstream["ridge"], "ridge_built_predicted", "ridge_raw_predicted")

# %% [markdown]
# ## Was it worth it?
#
# All models on the same folds of the training patients.

# %% cell="compare"
board = Scoreboard()
board.add("mean", train["progression"], mean_predicted)
board.add("least squares, raw", train["progression"], baseline_predicted)
if brute_predicted is not None:
    board.add("ridge, every product", train["progression"], brute_predicted)
board.add("ridge, raw", train["progression"], ridge_raw_predicted)
board.add("ridge, built", train["progression"], ridge_built_predicted)
board.table().round(2)

# %% tags=["outputs"]
diabetes_handover.save(board=board, raw=raw, test=test)
