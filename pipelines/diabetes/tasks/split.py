# %% tags=["parameters"]
upstream = ["features"]
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
from diabetes_shared import KFold, train_test_split
built, patients = diabetes_handover.load(upstream["features"], "built", "patients")

# %% [markdown]
# ## Train and test
#
# The test patients wait until the last section.

# %% cell="split"
train, test = train_test_split(patients, test_size=test_size, random_state=random_state)
raw = [column for column in patients.columns if column not in [*built, "progression"]]
folder = KFold(n_splits=folds, shuffle=True, random_state=random_state)
print(f"{len(train)} to learn from, {len(test)} to be judged by; {len(raw)} raw and {len(built)} built features")

# %% tags=["outputs"]
diabetes_handover.save(folder=folder, raw=raw, test=test, train=train)
