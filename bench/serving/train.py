"""Makes one model in both forms: a pickled scikit-learn pipeline, and the folder that `ml.serving` takes.

Runs in the environment of the other server; imports nothing of this repository.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from lightgbm import LGBMRegressor
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

ROWS, AMOUNTS, PAYLOADS, MANY = 20_000, [f"amount_{i}" for i in range(10)], 1_000, 100
LEVELS = {"origin": 12, "destination": 300}


def frame() -> tuple[pd.DataFrame, np.ndarray]:
    """Ten numbers and two categories, with a target that depends on some of them."""
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(rng.normal(size=(ROWS, len(AMOUNTS))), columns=AMOUNTS)
    for name, count in LEVELS.items():
        rows[name] = [f"{name}-{code}" for code in rng.integers(0, count, ROWS)]
    shift = rows["origin"].str.len() + np.sin(rows["amount_1"]) * rows["amount_2"]
    return rows, (2 * rows["amount_0"] + shift + rng.normal(size=ROWS)).to_numpy()


def pipeline() -> object:
    """What a user would train: 200 trees of 31 leaves behind an ordinal encoder."""
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)
    columns = ColumnTransformer([("amounts", "passthrough", AMOUNTS), ("codes", ordinal, list(LEVELS))])
    return make_pipeline(columns, LGBMRegressor(n_estimators=200, num_leaves=31, verbose=-1))


def main(folder: Path) -> None:
    """Writes both forms and the requests."""
    rows, target = frame()
    model = pipeline().fit(rows, target, lgbmregressor__categorical_feature=[10, 11])
    folder.mkdir(parents=True, exist_ok=True)
    joblib.dump(model, folder / "pipeline.joblib")
    model[-1].booster_.save_model(folder / "booster.txt")
    levels = dict(zip(LEVELS, model[0].named_transformers_["codes"].categories_, strict=True))
    features = [feature(name, list(levels.get(name, []))) for name in rows.columns]
    (folder / "encoder.json").write_text(json.dumps({"features": features}))
    (folder / "card.json").write_text(json.dumps(card(target)))
    requests(rows, 1, folder / "one.jsonl")
    requests(rows, MANY, folder / "many.jsonl")


def feature(name: str, levels: list[str]) -> dict[str, object]:
    """A column as encoder.json has it."""
    kind = "category" if levels else "number"
    return {"name": name, "kind": kind, "nullable": False, "categories": levels}


def card(target: np.ndarray) -> dict[str, object]:
    """What card.json needs."""
    unknown = dict.fromkeys(("identifier", "time", "group", "trained_from", "trained_until"))
    named = {"problem": "bench", "task": "regression", "answer": "label", "target": "target"}
    counted = {"classes": [], "carried": [], "rows": ROWS, "dummy": [float(target.mean())]}
    return {**named, **unknown, **counted}


def requests(rows: pd.DataFrame, size: int, path: Path) -> None:
    """One body a line, in the format of Azure ML's clients."""
    parts = [rows.iloc[start : start + size] for start in range(0, min(PAYLOADS * size, ROWS), size)]
    bodies = ({"input_data": json.loads(part.to_json(orient="split", double_precision=15))} for part in parts)
    path.write_text("".join(json.dumps(body) + "\n" for body in bodies))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
