import json

import pytest

from hnseg.radiomics import DEFAULTS, Settings


def test_survives_json() -> None:
    settings = Settings(bin_count=32, energy_shift=2000, force_2d=True, resegment_range=(-1000, 400), resegment_sigma=3)
    assert Settings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings
    assert Settings.from_dict({"bin_width": 25}) == Settings(bin_width=25)


def test_a_list_from_a_configuration_is_as_good_as_a_pair() -> None:
    assert Settings(bin_width=1, resegment_range=[-1000, 400]) == Settings(bin_width=1, resegment_range=(-1000.0, 400))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "either bin_width or bin_count"),
        ({"bin_width": 25, "bin_count": 32}, "either bin_width or bin_count"),
        ({"bin_width": 0}, "bin_width is 0"),
        ({"bin_width": float("nan")}, "bin_width is nan"),
        ({"bin_width": float("inf")}, "bin_width is inf"),
        ({"bin_count": 2.5}, "bin_count is 2.5"),
        ({"bin_width": 1, "resegment_sigma": -3}, "resegment_sigma is -3"),
        ({"bin_width": 1, "resegment_range": (400, -1000)}, "resegment_range"),
        ({"bin_width": 1, "resegment_range": (400,)}, "resegment_range"),
        ({"bin_width": 1, "energy_shift": float("inf")}, "energy_shift is inf"),
        ({"bin_width": "25"}, "bin_width is '25', which is of a wrong type"),
        ({"bin_width": True}, "bin_width is True"),
        ({"bin_width": 1, "energy_shift": None}, "energy_shift is None"),
        ({"bin_width": 1, "force_2d": 1}, "force_2d is 1"),
        ({"bin_width": 1, "resegment_range": "wide"}, "resegment_range is 'wide'"),
        ({"bin_width": 1, "resegment_range": 4}, "resegment_range is 4, which is of a wrong type"),
        ({"bin_width": 1, "resegment_range": ["a", "b"]}, "resegment_range is"),
        ({"binWidth": 25}, "unknown settings.*binWidth.*bin_width"),
    ],
)
def test_refuses_what_makes_no_sense(wrong, said) -> None:
    with pytest.raises(ValueError, match=said):
        Settings.from_dict(wrong)


def test_defaults_have_a_bin_width_for_each_modality() -> None:
    assert DEFAULTS["ct"].bin_width == 25
    assert DEFAULTS["pt"].bin_width == 0.25
