from dataclasses import replace

import pytest

from hnseg.inference.settings import InferenceSettings


def test_comes_back_from_plain_data():
    settings = InferenceSettings([8, 16, 16], "whole", 0.25, "constant", "volumes", "mirror")
    plain = settings.to_dict()
    assert plain["window_zyx"] == [8, 16, 16]
    assert InferenceSettings.from_dict(plain) == settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"window_zyx": (8, 8)},
        {"window_zyx": (8, 0, 8)},
        {"mode": "tiles"},
        {"overlap": 1.0},
        {"weighting": "cosine"},
        {"tta": "rotate"},
        {"windows": 3},
    ],
)
def test_refuses_what_makes_no_sense(wrong):
    with pytest.raises(ValueError, match="inference"):
        InferenceSettings.from_dict({"window_zyx": (8, 8, 8), **wrong})


def test_none_is_a_window_that_was_never_cut():
    settings = InferenceSettings(None, "whole", view="volumes")
    assert settings.to_dict()["window_zyx"] is None
    assert InferenceSettings.from_dict(settings.to_dict()) == settings
    with pytest.raises(ValueError, match=r"sliding_window needs a window_zyx.*mode=auto or mode=whole"):
        replace(settings, mode="sliding_window")


def test_needs_a_window():
    with pytest.raises(ValueError, match="window_zyx"):
        InferenceSettings.from_dict({"mode": "whole"})


def test_settings_from_before_mirroring_was_one_of_them():
    plain = InferenceSettings((8, 8, 8)).to_dict()
    del plain["tta"]
    assert InferenceSettings.from_dict(plain).tta == "none"
