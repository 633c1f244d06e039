# %% tags=["parameters"]
upstream = ["features", "ridge", "compare"]
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
from diabetes_shared import BUILT, pd, plot_residuals, plt, r2_score, rmse, within
built = diabetes_handover.load(upstream["features"], "built")
model = diabetes_handover.load(upstream["ridge"], "model")
board, raw, test = diabetes_handover.load(upstream["compare"], "board", "raw", "test")

# %% [markdown]
# ## The patients who waited
#
# One prediction for each, and the residuals: a good model leaves a cloud without a shape.

# %% cell="test-score"
predicted = model.predict(test[raw + built])
score = board.add("ridge, built, on test", test["progression"], predicted)
print(f"off by {score['RMSE']:.1f}, explains {score['R2']:.0%}, "
      f"useful for {score['useful']:.0%} of the patients")

# %% cell="test-residuals" tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4))
plot_residuals(left, test["progression"], predicted, BUILT)
left.set_title("Residuals of the test patients; band: nine of ten", loc="left", fontsize=10)
right.hist(test["progression"] - predicted, bins=20, color=BUILT, alpha=0.8)
right.axvline(0, color="#444444", linewidth=1)
right.set(xlabel="measured minus predicted", ylabel="patients")
plt.tight_layout()
plt.show()

# %% cell="test-check" tags=["check"]
assert score["R2"] >= 0.4, f"R2 is {score['R2']:.3f}, wanted 0.4 or more"

# %% tags=["outputs"]
diabetes_handover.save()
