"""Real images with published features."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_radiomics() -> Path:
    root = os.environ.get("HNSEG_REAL_DATA")
    if not root:
        pytest.skip("HNSEG_REAL_DATA is not set; it names a folder with radiomics/pyradiomics and radiomics/ibsi_1_*")
    folder = Path(root) / "radiomics"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder
