# %% tags=["parameters"]
upstream = ["features", "brute", "ridge"]
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
from diabetes_shared import BUILT, pd, plt
built = diabetes_handover.load(upstream["features"], "built")
raw = diabetes_handover.load(upstream["brute"], "raw")
model = diabetes_handover.load(upstream["ridge"], "model")

# %% [markdown]
# ### Which weights stay large

# %% cell="weights" tags=["hide-input"]
weights = pd.Series(model[-1].coef_, index=raw + built)
largest = weights[weights.abs().nlargest(10).index][::-1]

axis = largest.plot.barh(figsize=(8, 3.2), color=[BUILT if value > 0 else "#d1495b" for value in largest])
axis.set_yticks(range(len(largest)), [name.replace("_", " ") for name in largest.index])
axis.set_xlabel("weight for one standard deviation")
axis.grid(axis="y", visible=False)
plt.show()

# %% tags=["outputs"]
diabetes_handover.save()
