"""Shared by the tasks of this folder: imports, functions and classes of diabetes.ipynb."""

from IPython import get_ipython

# Parameters that the code below reads: a task sets its own, these are the notebook's defaults.
globals().setdefault("strengths", [0.1, 1.0, 10.0, 100.0, 1000.0])
globals().setdefault("tolerance", 50.0)

# %% cell="imports"
get_ipython().run_line_magic('matplotlib', 'inline')
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression, RidgeCV
from sklearn.metrics import r2_score
from sklearn.model_selection import KFold, cross_val_predict, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from helpers_regression import plot_residuals, rmse, within

RAW, BUILT = "#8d99ae", "#1f7a8c"
plt.rcParams.update({
    "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "axes.axisbelow": True, "grid.color": "#e8e8e8", "figure.dpi": 90,
})


# %% cell="report-class"
class Scoreboard:
    """Collects what each model reaches, so that all are measured alike."""

    def __init__(self) -> None:
        self.rows = {}

    def add(self, name, truth, predicted):
        self.rows[name] = {
            "RMSE": rmse(truth, predicted),
            "R2": r2_score(truth, predicted),
            "useful": within(truth, predicted, tolerance),
        }
        return self.rows[name]

    def table(self) -> pd.DataFrame:
        return pd.DataFrame(self.rows).T.rename_axis("model").sort_values("RMSE", ascending=False)


# %% cell="ridge-model"
def ridge_pipeline():
    """Scale, then fit with the penalty that cross-validation likes best."""
    return make_pipeline(StandardScaler(), RidgeCV(alphas=strengths))
