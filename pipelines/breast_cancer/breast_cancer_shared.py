"""Shared by the tasks of this folder: imports, functions and classes of breast_cancer.ipynb."""

# %% cell="imports"
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import ConfusionMatrixDisplay, RocCurveDisplay
from sklearn.metrics import accuracy_score, precision_score, recall_score, roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict, cross_val_score, train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

BENIGN, MALIGNANT = "#2a6f97", "#d1495b"
plt.rcParams.update({
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "axes.axisbelow": True, "grid.color": "#e8e8e8", "figure.dpi": 90,
})


# %% cell="helpers"
@dataclass
class Candidate:
    """A model in the race and what cross-validation says about it."""

    name: str
    pipeline: Pipeline
    scores: np.ndarray

    @property
    def mean(self) -> float:
        return float(self.scores.mean())

    @property
    def spread(self) -> float:
        return float(self.scores.std())


def redundant(frame: pd.DataFrame, limit: float) -> list[str]:
    """Columns that say almost the same as a column after them."""
    correlation = frame.corr().abs()
    later = correlation.where(np.tril(np.ones(correlation.shape, dtype=bool), k=-1))
    return [column for column in later if (later[column] > limit).any()]


def expected_cost(truth: pd.Series, probability: np.ndarray, threshold: float, missed: float) -> float:
    """False alarms plus weighted missed tumours, for each 100 patients."""
    alarm = probability >= threshold
    misses = (truth == 1) & ~alarm
    false_alarms = (truth == 0) & alarm
    return 100 * float(missed * misses.sum() + false_alarms.sum()) / len(truth)
