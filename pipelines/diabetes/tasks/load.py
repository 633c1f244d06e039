# %% tags=["parameters"]
upstream = None
product = None
resources_ = None
# Settings
test_size: float = 0.25            # share of the patients kept for the last section
random_state: int = 10
folds: int = 5
strengths: list[float] = [0.1, 1.0, 10.0, 100.0, 1000.0]   # how hard ridge may pull weights to zero
brute_force: bool = True           # also try every product of two raw measurements
tolerance: float = 50.0            # a prediction no further off than this is useful at the bedside

# %% tags=["inputs"]
import sys
from pathlib import Path

sys.path.append(str(Path(resources_["handover"]).parent))
import diabetes_handover

diabetes_handover.begin(product, globals())
from diabetes_shared import load_diabetes

# %% [markdown]
# ## The patients
#
# The blood values come with laboratory short names; we give them names that a reader can follow. `progression` is what we want to
# predict: 25 is mild, above 300 is grave.

# %% cell="load"
names = {
    "s1": "cholesterol", "s2": "ldl", "s3": "hdl", "s4": "cholesterol_ratio",
    "s5": "log_triglycerides", "s6": "glucose", "bp": "blood_pressure", "target": "progression",
}
patients = load_diabetes(as_frame=True, scaled=False).frame.rename(columns=names)
patients["female"] = (patients.pop("sex") == 2).astype(int)
patients.iloc[:5, :9].round(2)

# %% cell="load-range"
print(f"{len(patients)} patients, aged {patients['age'].min():.0f} to {patients['age'].max():.0f}")
print(f"progression: median {patients['progression'].median():.0f}, "
      f"from {patients['progression'].min():.0f} to {patients['progression'].max():.0f}")

# %% cell="load-check" tags=["check"]
assert not patients.isna().any().any(), "a value is missing"
assert patients["bmi"].between(15, 50).all(), "a body-mass index that no patient has"

# %% tags=["outputs"]
diabetes_handover.save(patients=patients)
