# %% tags=["parameters"]
upstream = None
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
from breast_cancer_shared import load_breast_cancer

# %% [markdown]
# ## The patients
#
# scikit-learn codes *malignant* as 0, which invites mistakes: a model with a high "recall" would be one that finds the healthy.
# We turn it round, so that 1 is what we look for.

# %% cell="load-frame"
bunch = load_breast_cancer(as_frame=True)
tumours = bunch.frame.rename(columns=lambda name: name.replace(" ", "_"))
tumours["malignant"] = 1 - tumours.pop("target")

print(f"{len(tumours)} patients, {tumours.shape[1] - 1} features, {tumours['malignant'].mean():.1%} malignant")

# %% cell="load-head"
tumours.iloc[:5, :6].round(3)

# %% cell="load-check" tags=["check"]
assert tumours.notna().all().all(), "a measurement is missing"
assert set(tumours["malignant"]) == {0, 1}

# %% tags=["outputs"]
breast_cancer_handover.save(tumours=tumours)
