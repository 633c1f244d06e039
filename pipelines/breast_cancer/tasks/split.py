# %% tags=["parameters"]
upstream = ["prune"]
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
from breast_cancer_shared import pd, train_test_split
tumours = breast_cancer_handover.load(upstream["prune"], "tumours")

# %% [markdown]
# ## A test set, locked away
#
# Stratified, so that both parts hold the same share of malignant cases.

# %% cell="split"
train_x, test_x, train_y, test_y = train_test_split(
    tumours.drop(columns="malignant"),
    tumours["malignant"],
    test_size=test_size,
    stratify=tumours["malignant"],
    random_state=random_state,
)
pd.DataFrame(
    {"patients": [len(train_y), len(test_y)], "malignant": [train_y.mean().round(3), test_y.mean().round(3)]},
    index=["train", "test"],
)

# %% cell="split-check" tags=["check"]
assert train_x.index.intersection(test_x.index).empty, "a patient is in both parts"
assert abs(train_y.mean() - test_y.mean()) < 0.02, "the parts differ in their share of malignant cases"

# %% tags=["outputs"]
breast_cancer_handover.save(test_x=test_x, test_y=test_y, train_x=train_x, train_y=train_y)
