import json
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from hnseg.io.phantom_marker import MARKER
from hnseg.run.phantom import main

DEFAULTS = OmegaConf.load(Path(__file__).parents[2] / "conf" / "phantom.yaml")


def config(output: Path, **given: object):
    return OmegaConf.merge(DEFAULTS, {"output": str(output), "patients": 1, "coarse": 8.0, "workers": 1, **given})


@pytest.mark.parametrize(
    ("given", "layout", "image", "said"),
    [
        ({}, "hecktor2020", "hecktor_train/hecktor_nii/CHGJ001/CHGJ001_ct.nii.gz", "HECKTOR 2020"),
        ({"year": 2021}, "hecktor2021", "hecktor_nii/CHGJ001_ct.nii.gz", "HECKTOR 2021"),
        ({"layout": "pddca"}, "pddca", "0522c0001/img.nrrd", "PDDCA"),
        ({"layout": "turku"}, "turku", "positiiviset/2_anon/2_nifti_pet/2_nifti_pet.img", "the Turku study"),
    ],
    ids=["default", "year", "pddca", "turku"],
)
def test_layouts(tmp_path: Path, capsys, given, layout: str, image: str, said: str) -> None:
    assert main(config(tmp_path / "raw", **given)) == 0
    assert json.loads((tmp_path / "raw" / MARKER).read_text())["layout"] == layout
    assert (tmp_path / "raw" / image).is_file()
    assert f"layout of {said}: {tmp_path / 'raw'}" in capsys.readouterr().out


def test_another_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="layout=bids is none of hecktor, pddca, turku, dicom"):
        main(config(tmp_path / "raw", layout="bids"))


@pytest.mark.parametrize("given", ["hazard", "null", None])
def test_the_outcome_is_handed_on(tmp_path: Path, monkeypatch, given) -> None:
    asked = []
    monkeypatch.setattr("hnseg.run.phantom.write_hecktor", lambda root, **settings: asked.append(settings) or root)
    main(config(tmp_path / "raw", year=2021, outcome=given))
    assert [settings["outcome"] for settings in asked] == [given]


@pytest.mark.parametrize("given", ["null", None])
def test_what_has_no_outcome_has_no_null_outcome(tmp_path: Path, given) -> None:
    with pytest.raises(ValueError, match="layout=turku have no outcome"):
        main(config(tmp_path / "raw", layout="turku", outcome=given))
