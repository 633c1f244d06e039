# %% tags=["parameters"]
upstream = ["split", "compare"]
product = None
resources_ = None
from typing import Literal

test_size: float = 0.25         # share of the patients set aside for the final evaluation
folds: int = 5                  # folds of the cross-validation
scoring: Literal["roc_auc", "recall", "accuracy"] = "roc_auc"  # what decides between models
max_correlation: float = 0.95   # of two features closer than this, one goes
missed_cost: float = 5.0        # one missed tumour weighs as much as this many false alarms
random_state: int = 42

# %% tags=["inputs"]
import sys
from pathlib import Path

sys.path.append(str(Path(resources_["handover"]).parent))
import breast_cancer_handover

breast_cancer_handover.begin(product, globals())
from breast_cancer_shared import (
    BENIGN,
    MALIGNANT,
    clone,
    cross_val_predict,
    expected_cost,
    np,
    pd,
    plt,
)
train_x, train_y = breast_cancer_handover.load(upstream["split"], "train_x", "train_y")
candidates, splitter = breast_cancer_handover.load(upstream["compare"], "candidates", "splitter")

# %% [markdown]
# ## The winner, and how cautious it should be
#
# A missed tumour is worse than a false alarm. Out-of-fold probabilities on the *training* patients tell us which threshold costs
# least; the test set stays locked.

# %% cell="train-fit"
best = candidates[0]
model = clone(best.pipeline).fit(train_x, train_y)
print("chosen:", best.name)

# %% cell="train-threshold"
unseen = cross_val_predict(best.pipeline, train_x, train_y, cv=splitter, method="predict_proba")[:, 1]
grid = np.arange(0.05, 0.96, 0.05).round(2)
costs = pd.Series(
    [expected_cost(train_y, unseen, level, missed_cost) for level in grid], index=grid
)
threshold = float(costs.idxmin())
print(f"malignant from a probability of {threshold:.2f} on; cost {costs.min():.1f} per 100 patients")

# %% cell="train-plot" tags=["hide-input"]
axis = costs.plot(figsize=(8, 2.8), color=BENIGN, linewidth=2)
axis.axvline(threshold, color=MALIGNANT, linestyle="--", linewidth=1.5)
axis.text(threshold + 0.01, costs.max(), f"{threshold:.2f}", color=MALIGNANT, va="top")
axis.set(xlabel="threshold", ylabel="cost per 100 patients", ylim=(0, None))
plt.show()

# %% cell="train-check" tags=["check"]
assert 0 < threshold < 0.6, f"a threshold of {threshold} would miss tumours to spare false alarms"
assert list(model.feature_names_in_) == list(train_x.columns)

# %% tags=["outputs"]
breast_cancer_handover.save(best=best, model=model, threshold=threshold)
