import pytest

from deploy.context import Context
from deploy.platforms.local.home import Home
from deploy.screen import Screen


@pytest.fixture
def context(tmp_path):
    def make(platform, given=""):
        return Context(platform, Screen(), Home(tmp_path), given)

    return make


@pytest.mark.parametrize(
    ("platform", "usual", "called"),
    [
        ("local", None, "churn"),
        ("local", "local", "churn"),
        ("azure", None, "churn --platform azure"),
        ("azure", "azure", "churn"),
        ("local", "azure", "churn --platform local"),
    ],
)
def test_the_next_command_acts_on_the_same_platform(context, monkeypatch, platform, usual, called):
    monkeypatch.delenv("MLOPS_PLATFORM", raising=False)
    if usual:
        monkeypatch.setenv("MLOPS_PLATFORM", usual)
    assert context(platform).called("churn") == called


def test_a_path_stays_a_path_in_the_next_command(context, monkeypatch):
    monkeypatch.delenv("MLOPS_PLATFORM", raising=False)
    assert context("azure", "a folder/churn.yaml").called("churn") == "'a folder/churn.yaml' --platform azure"
