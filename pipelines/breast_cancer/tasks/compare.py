# %% tags=["parameters"]
upstream = ["split"]
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
    Candidate,
    GradientBoostingClassifier,
    LogisticRegression,
    MALIGNANT,
    RandomForestClassifier,
    StandardScaler,
    StratifiedKFold,
    cross_val_score,
    make_pipeline,
    pd,
    plt,
)
train_x, train_y = breast_cancer_handover.load(upstream["split"], "train_x", "train_y")

# %% [markdown]
# ## Three candidates
#
# From simple to elaborate. All see the same folds; the forest and the boosted trees must beat a plain logistic regression to be
# worth their trouble.

# %% cell="compare-models"
models = {
    "logistic regression": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
    "random forest": make_pipeline(RandomForestClassifier(n_estimators=100, random_state=random_state)),
    "gradient boosting": make_pipeline(GradientBoostingClassifier(n_estimators=60, random_state=random_state)),
}
splitter = StratifiedKFold(n_splits=folds, shuffle=True, random_state=random_state)

# %% cell="compare-scores"
candidates = []
for name, pipeline in models.items():
    scores = cross_val_score(pipeline, train_x, train_y, cv=splitter, scoring=scoring)
    candidates.append(Candidate(name, pipeline, scores))
candidates.sort(key=lambda candidate: candidate.mean, reverse=True)

ranking = pd.DataFrame(
    [(candidate.name, candidate.mean, candidate.spread) for candidate in candidates],
    columns=["model", scoring, "spread"],
).set_index("model")
ranking.round(3)

# %% cell="compare-plot" tags=["hide-input"]
figure, axis = plt.subplots(figsize=(8, 2.4))
for row, candidate in enumerate(candidates):
    axis.plot(candidate.scores, [row] * len(candidate.scores), "o", color=BENIGN, alpha=0.45, markersize=8)
    axis.plot(candidate.mean, row, "|", color=MALIGNANT, markersize=24, markeredgewidth=3)
axis.set_yticks(range(len(candidates)), [candidate.name for candidate in candidates])
axis.invert_yaxis()
axis.margins(y=0.25)
axis.set_xlabel(f"{scoring} in each fold; the bar is the mean")
plt.show()

# %% tags=["outputs"]
breast_cancer_handover.save(candidates=candidates, splitter=splitter)
