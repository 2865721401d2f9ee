import pytest


@pytest.fixture
def quick(monkeypatch):
    """A model of this name, which is fitted in a millisecond."""
    from tests.survival.cohorts import register  # no test of another file waits for what it imports

    register(monkeypatch, "quick")


@pytest.fixture(scope="session")
def whole(tmp_path_factory):
    """A finished experiment, only looked at."""
    from tests.survival.cohorts import register
    from tests.survival.experiments import run

    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        register(patch, "quick")
        run(folder)
    return folder
