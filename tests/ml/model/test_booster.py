import lightgbm
import numpy as np
import pytest

from ml.fault import Fault
from ml.model.booster import Booster

RNG = np.random.default_rng(0)
MATRIX = RNG.normal(size=(500, 4))
MATRIX[RNG.random(MATRIX.shape) < 0.1] = np.nan
MATRIX[:, 3] = RNG.integers(0, 30, len(MATRIX))


def trained(folder, objective, target, **more):
    data = lightgbm.Dataset(MATRIX, target, categorical_feature=[3])
    model = lightgbm.train({"objective": objective, "verbosity": -1, "num_iterations": 20, **more}, data)
    model.save_model(folder / "booster.txt")
    return model, Booster(folder / "booster.txt", width=4)


@pytest.mark.parametrize(
    ("objective", "classes", "more"),
    [("regression", 1, {}), ("binary", 2, {}), ("multiclass", 3, {"num_class": 3})],
)
def test_it_answers_what_lightgbms_own_package_answers(tmp_path, objective, classes, more):
    target = MATRIX[:, 3] if classes == 1 else np.arange(len(MATRIX)) % classes
    model, ours = trained(tmp_path, objective, target, **more)
    asked = np.vstack([MATRIX, np.full(4, np.nan), [0, 0, 0, 99]])
    expected = model.predict(asked)
    np.testing.assert_array_equal(ours.predict(asked), expected)
    alone = [ours.predict_row(np.ascontiguousarray(row)).copy() for row in asked]
    np.testing.assert_array_equal(np.squeeze(alone), expected)


def test_a_file_that_is_no_model_is_a_fault(tmp_path):
    (tmp_path / "booster.txt").write_text("no model")
    with pytest.raises(Fault, match="LightGBM"):
        Booster(tmp_path / "booster.txt", width=4)
