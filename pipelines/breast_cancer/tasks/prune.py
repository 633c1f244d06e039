# %% tags=["parameters"]
upstream = ["load"]
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
from breast_cancer_shared import np, redundant
tumours = breast_cancer_handover.load(upstream["load"], "tumours")

# %% [markdown]
# ## Features that repeat each other
#
# Radius, perimeter and area describe one size three times. Near copies blur what the model's weights mean, so of two such features
# the earlier one goes: the *worst* values, which come last, tell more than the means.

# %% cell="prune"
twins = redundant(tumours.drop(columns="malignant"), max_correlation)
for twin in twins:
    del tumours[twin]

print(f"{len(twins)} features dropped, {tumours.shape[1] - 1} left")
print(", ".join(twins))

# %% tags=["outputs"]
breast_cancer_handover.save(tumours=tumours)
