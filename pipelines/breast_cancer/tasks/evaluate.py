# %% tags=["parameters"]
upstream = ["split", "train"]
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
    ConfusionMatrixDisplay,
    RocCurveDisplay,
    accuracy_score,
    plt,
    precision_score,
    recall_score,
    roc_auc_score,
)
test_x, test_y = breast_cancer_handover.load(upstream["split"], "test_x", "test_y")
(
    best,
    model,
    threshold,
) = breast_cancer_handover.load(upstream["train"], "best", "model", "threshold")

# %% [markdown]
# ## The verdict
#
# Now, once, the patients whom the model has never seen.

# %% cell="evaluate-metrics"
probability = model.predict_proba(test_x)[:, 1]
predicted = (probability >= threshold).astype(int)

accuracy = accuracy_score(test_y, predicted)
recall = recall_score(test_y, predicted)
precision = precision_score(test_y, predicted)
roc_auc = roc_auc_score(test_y, probability)
breast_cancer_handover.metric("accuracy", accuracy)
breast_cancer_handover.metric("recall", recall)
breast_cancer_handover.metric("precision", precision)
breast_cancer_handover.metric("roc_auc", roc_auc)

print(f"accuracy  {accuracy:.3f}")
print(f"recall    {recall:.3f}   of the malignant tumours are found")
print(f"precision {precision:.3f}   of the alarms are right")
print(f"ROC AUC   {roc_auc:.3f}")

# %% cell="evaluate-plots" tags=["hide-input"]
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6))
ConfusionMatrixDisplay.from_predictions(
    test_y, predicted, display_labels=["benign", "malignant"], cmap="Blues", colorbar=False, ax=left
)
left.grid(False)
left.set_title("Confusion matrix", loc="left", fontsize=10)
RocCurveDisplay.from_predictions(test_y, probability, name=best.name, ax=right, plot_chance_level=True)
right.set(xlabel="false alarms", ylabel="tumours found")
right.legend(loc="lower right", frameon=False, fontsize=9)
right.set_title("ROC curve", loc="left", fontsize=10)
plt.tight_layout()
plt.show()

# %% cell="evaluate-criteria"
breast_cancer_handover.criteria('accuracy >= 0.9', globals())
breast_cancer_handover.criteria('recall >= 0.95', globals())

# %% tags=["outputs"]
breast_cancer_handover.save()
