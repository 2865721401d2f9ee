import pytest

from hnseg.phantom.patient import make_patient

COARSE = (5.0, 4.0, 4.0)


@pytest.fixture(scope="session")
def patients():
    """Three coarse patients of different centres, painted once."""
    return [make_patient(5, i, code, COARSE, (6.0, 6.0, 6.0)) for i, code in enumerate(("CHGJ", "CHUS", "CHUP"))]
