"""The rollout policy: what ships is sound, and what is wrong in one is named."""

import pytest

from deploy.release import policy
from deploy.release.policy import load_policy
from ml.fault import Fault

SOUND = """\
dev: &policy
  steps: [100]
  watch: {seconds: 0, requests: 1, deadline_seconds: 1}
  bake: {seconds: 0, requests: 1, deadline_seconds: 1}
prod: *policy
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.setattr(policy, "FOLDER", tmp_path)
    return lambda text: (tmp_path / "local.yaml").write_text(text)


def test_prod_is_released_more_carefully_than_dev():
    dev, prod = (load_policy("local", stack) for stack in ("dev", "prod"))
    assert prod.mirror > 0
    assert len(prod.steps) > len(dev.steps)
    assert prod.bake.requests > dev.bake.requests


def test_a_sound_policy_is_read(write):
    write(SOUND)
    assert load_policy("local", "prod").steps == [100]


WRONG = {
    "shares that shrink": ("[100]", "[50, 10, 100]", "must grow"),
    "an end below 100": ("[100]", "[10, 50]", "must grow"),
    "a share of nothing": ("[100]", "[0, 100]", "must grow"),
    "a share that is no whole number": ("[100]", "[12.5, 100]", "steps"),
    "no steps": ("[100]", "[]", "steps"),
    "a deadline before the end": ("deadline_seconds: 1}", "deadline_seconds: 0}", "longer"),
    "a watch that asks nothing": ("requests: 1", "requests: 0", "requests"),
    "a word that is unknown": ("steps:", "step:", "steps"),
    "more mirrored than the service takes": ("  steps", "  mirror: 60\n  steps", "mirror"),
    "NaN as a limit": ("  steps", "  limits: {errors: .nan}\n  steps", "errors"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_policy_is_refused_with(write, what):
    old, new, named = WRONG[what]
    write(SOUND.replace(old, new, 1))
    with pytest.raises(Fault, match=named) as fault:
        load_policy("local", "prod")
    assert fault.value.code == 2
    assert fault.value.remedy == "docs/release.md lists every key"
