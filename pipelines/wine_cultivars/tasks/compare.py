# %% tags=["parameters"]
upstream = ["basic_logistic", "basic_neighbours", "basic_forest", "phenols_logistic", "phenols_neighbours", "phenols_forest", "colour_logistic", "colour_neighbours", "colour_forest"]
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
from wine_cultivars_shared import Result, np, pd, plt
basic_logistic = wine_cultivars_handover.load(upstream["basic_logistic"], "basic_logistic")
basic_neighbours = wine_cultivars_handover.load(upstream["basic_neighbours"], "basic_neighbours")
basic_forest = wine_cultivars_handover.load(upstream["basic_forest"], "basic_forest")
phenols_logistic = wine_cultivars_handover.load(upstream["phenols_logistic"], "phenols_logistic")
phenols_neighbours = wine_cultivars_handover.load(upstream["phenols_neighbours"], "phenols_neighbours")
phenols_forest = wine_cultivars_handover.load(upstream["phenols_forest"], "phenols_forest")
colour_logistic = wine_cultivars_handover.load(upstream["colour_logistic"], "colour_logistic")
colour_neighbours = wine_cultivars_handover.load(upstream["colour_neighbours"], "colour_neighbours")
colour_forest = wine_cultivars_handover.load(upstream["colour_forest"], "colour_forest")

# %% [markdown]
# ## The branches meet

# %% cell="compare"
results = [
    basic_logistic, basic_neighbours, basic_forest,
    phenols_logistic, phenols_neighbours, phenols_forest,
    colour_logistic, colour_neighbours, colour_forest,
]
table = pd.DataFrame({
    "measured": [result.measured for result in results],
    "model": [result.model for result in results],
    "accuracy": [result.accuracy for result in results],
    "spread": [result.scores.std() for result in results],
})
table["price"] = table["measured"].map(prices)
table.sort_values("accuracy", ascending=False).round(3).reset_index(drop=True)

# %% cell="compare-plot" tags=["hide-input"]
kind = table["model"].str.replace(r"^\d+ ", "", regex=True)
grid = table.assign(kind=kind).pivot(index="measured", columns="kind", values="accuracy").loc[list(prices)]
figure, axis = plt.subplots(figsize=(7, 2.8))
axis.imshow(grid, cmap="YlGn", vmin=0.7, vmax=1, aspect="auto")
for row in range(grid.shape[0]):
    for column in range(grid.shape[1]):
        axis.text(column, row, f"{grid.iloc[row, column]:.3f}", ha="center", va="center")
axis.set_xticks(range(grid.shape[1]), grid.columns)
axis.set_yticks(range(grid.shape[0]), grid.index)
axis.grid(False)
axis.set_title("Accuracy in cross-validation", loc="left", fontsize=10)
plt.show()

# %% cell="compare-check" tags=["check"]
assert len(results) == 9
assert table["accuracy"].between(1 / 3, 1).all(), "a model does worse than guessing"

# %% tags=["outputs"]
wine_cultivars_handover.save(results=results)
