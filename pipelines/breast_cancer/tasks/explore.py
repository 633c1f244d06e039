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
from breast_cancer_shared import BENIGN, MALIGNANT, np, plt
tumours = breast_cancer_handover.load(upstream["load"], "tumours")

# %% [markdown]
# ## A first look
#
# How far apart are the two groups, feature by feature? We count the distance of their means in standard deviations.

# %% cell="explore-separation"
groups = tumours.groupby("malignant")
distance = (groups.mean().loc[1] - groups.mean().loc[0]) / tumours.drop(columns="malignant").std()
separation = distance.sort_values(ascending=False)
separation.head(6).round(2).to_frame("standard deviations")

# %% cell="explore-plot" tags=["hide-input"]
figure, axes = plt.subplots(1, 3, figsize=(11, 3))
for axis, feature in zip(axes, separation.index[:3]):
    bins = np.linspace(tumours[feature].min(), tumours[feature].max(), 31)
    for label, color, value in [("benign", BENIGN, 0), ("malignant", MALIGNANT, 1)]:
        values = tumours.loc[tumours["malignant"] == value, feature]
        axis.hist(values, bins=bins, alpha=0.65, color=color, label=label)
    axis.set_title(feature.replace("_", " "), loc="left", fontsize=10)
axes[0].set_ylabel("patients")
axes[0].legend(frameon=False)
plt.tight_layout()
plt.show()

# %% tags=["outputs"]
breast_cancer_handover.save()
