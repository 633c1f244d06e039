"""Shared by the tasks of this folder: imports, functions and classes of wine_cultivars.ipynb."""

# Parameters that the code below reads: a task sets its own, these are the notebook's defaults.
globals().setdefault("folds", 5)
globals().setdefault("repeats", 4)
globals().setdefault("random_state", 2)

# %% cell="imports"
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay, accuracy_score
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

GRAPES = ["Barolo", "Grignolino", "Barbera"]
COLORS = dict(zip(GRAPES, ["#6d1a36", "#d98c5f", "#3d5a80"]))
plt.rcParams.update({
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "axes.axisbelow": True, "grid.color": "#e8e8e8", "figure.dpi": 90,
})


# %% cell="result-class"
@dataclass(frozen=True)
class Result:
    """How one model did on one set of measurements."""

    measured: str
    model: str
    scores: np.ndarray
    pipeline: object

    @property
    def accuracy(self):
        return float(self.scores.mean())

    def __str__(self):
        low, high = np.quantile(self.scores, [0.1, 0.9])
        return f"{self.measured:>8}, {self.model}: {self.accuracy:.3f} (folds from {low:.2f} to {high:.2f})"


# %% cell="race-function"
def race(measured, model, pipeline, features):
    """Cross-validate on the training bottles; every branch sees the same folds."""
    splitter = RepeatedStratifiedKFold(n_splits=folds, n_repeats=repeats, random_state=random_state)
    scores = cross_val_score(pipeline, features, grape[features.index], cv=splitter)
    return Result(measured, model, scores, pipeline)
