# %% tags=["parameters"]
upstream = ["load"]
product = None
resources_ = None
test_size: float = 0.3          # share of the bottles that only the last section opens
folds: int = 5
repeats: int = 4                # cross-validation is done so many times, each with other folds
trees: int = 60                 # trees of each forest
neighbours: list[int] = [3, 5, 9, 15]   # tried for k nearest neighbours
prices: dict[str, float] = {"basic": 12.0, "phenols": 38.0, "colour": 16.0}   # euros a bottle, assumed
good_enough: float = 0.95       # the accuracy that a merchant asks for
random_state: int = 2

# %% tags=["inputs"]
import sys
from pathlib import Path

sys.path.append(str(Path(resources_["handover"]).parent))
import wine_cultivars_handover

wine_cultivars_handover.begin(product, globals())
from wine_cultivars_shared import plt
(
    COLORS,
    GRAPES,
    grape,
    wines,
) = wine_cultivars_handover.load(upstream["load"], "COLORS", "GRAPES", "grape", "wines")

# %% cell="explore"
means = wines.groupby(grape).mean().loc[GRAPES]
spread = ((means.max() - means.min()) / wines.std()).sort_values(ascending=False)
spread.head(5).round(2).to_frame("largest distance, in standard deviations")

# %% cell="explore-plot" tags=["hide-input"]
figure, axes = plt.subplots(1, 3, figsize=(11, 3.2))
views = [("alcohol", "malic_acid"), ("flavanoids", "total_phenols"), ("hue", "color_intensity")]
for axis, (x, y) in zip(axes, views):
    for name in GRAPES:
        bottles = wines[grape == name]
        axis.scatter(bottles[x], bottles[y], s=16, color=COLORS[name], label=name)
    axis.set(xlabel=x.replace("_", " "), ylabel=y.replace("_", " "))
for axis, title in zip(axes, ["basic", "phenols", "colour"]):
    axis.set_title(title, loc="left", fontsize=10)
axes[2].legend(frameon=False, fontsize=9)
plt.tight_layout()
plt.show()

# %% tags=["outputs"]
wine_cultivars_handover.save()
