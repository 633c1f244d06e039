# %% tags=["parameters"]
upstream = ["split", "train", "evaluate"]
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
from breast_cancer_shared import BENIGN, pd, plt
test_x, test_y = breast_cancer_handover.load(upstream["split"], "test_x", "test_y")
model = breast_cancer_handover.load(upstream["train"], "model")

# %% [markdown]
# ## What it looks at
#
# For a doctor a probability is not enough. The ten features that move the verdict most, measured by shuffling one at a time.

# %% cell="explain"
from sklearn.inspection import permutation_importance

shuffled = permutation_importance(
    model, test_x, test_y, scoring="roc_auc", n_repeats=10, random_state=random_state
)
importance = pd.Series(shuffled.importances_mean, index=test_x.columns).nlargest(10)
importance.mul(1000).round(1).to_frame("loss of ROC AUC, thousandths").head()

# %% cell="explain-plot" tags=["hide-input"]
axis = importance[::-1].plot.barh(figsize=(8, 3.2), color=BENIGN)
axis.set_yticks(axis.get_yticks(), [name.replace("_", " ") for name in importance.index[::-1]])
axis.set_xlabel("loss of ROC AUC when shuffled")
axis.grid(axis="y", visible=False)
plt.show()

# %% tags=["outputs"]
breast_cancer_handover.save()
