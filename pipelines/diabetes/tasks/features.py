# %% tags=["parameters"]
upstream = ["load"]
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
from diabetes_shared import np
patients = diabetes_handover.load(upstream["load"], "patients")

# %% [markdown]
# ## Features a doctor would ask for
#
# * being heavy *and* having high blood pressure is worse than the sum of both,
# * age weighs differently for women and men,
# * glucose far from its usual value is a warning on either side,
# * the metabolic syndrome: heavy, high triglycerides and high glucose come together.

# %% cell="features-products"
patients["weight_and_pressure"] = (patients["bmi"] - 25) * (patients["blood_pressure"] - 95)
patients["age_if_female"] = (patients["age"] - 50) * patients["female"]
patients["glucose_off"] = (patients["glucose"] - 90) ** 2

# %% cell="features-syndrome"
signs = {"bmi": 27, "log_triglycerides": np.log(150), "glucose": 100}
patients["syndrome"] = 0
for measurement, limit in signs.items():
    patients.loc[patients[measurement] > limit, "syndrome"] += 1

built = ["weight_and_pressure", "age_if_female", "glucose_off", "syndrome"]
patients.groupby("syndrome")["progression"].agg(["size", "mean"]).round(1)

# %% cell="features-check" tags=["check"]
assert np.isfinite(patients[built]).all().all(), "a built feature is not finite"
assert patients.groupby("syndrome")["progression"].mean().is_monotonic_increasing

# %% tags=["outputs"]
diabetes_handover.save(built=built, patients=patients)
