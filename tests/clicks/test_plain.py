import json

import pytest

from hnseg.clicks import (
    ClickChannels,
    DiskEncoding,
    EdtEncoding,
    GaussianEncoding,
    NoClicks,
    PointEncoding,
    from_dict,
)

CHANNELS = ClickChannels(EdtEncoding(40.0), 2, 1, 3, 3, "robot", 10)


@pytest.mark.parametrize("encoding", [PointEncoding(), GaussianEncoding(5.0), DiskEncoding(3.5), EdtEncoding(40.0)])
@pytest.mark.parametrize("most", [None, 6])
def test_plain_data_come_back_as_they_were(encoding, most):
    channels = ClickChannels(encoding, 1, 0, 1, 2, "centre", most)
    assert from_dict(json.loads(json.dumps(channels.to_dict()))) == channels


def test_no_clicks_are_nothing():
    assert NoClicks().to_dict() is None
    assert isinstance(from_dict(None), NoClicks)


def test_only_the_rooms_own_classes_are_built():
    plain = CHANNELS.to_dict()
    with pytest.raises(ValueError, match=r"old\.ckpt: clicks names 'os\.system'; nothing was built"):
        from_dict({**plain, "_target_": "os.system"}, "old.ckpt")
    with pytest.raises(ValueError, match=r"clicks\.encoding names 'hnseg\.clicks\.ClickChannels'"):
        from_dict({**plain, "encoding": plain})
    with pytest.raises(ValueError, match=r"clicks names 'ClickChannels'"):
        from_dict({**plain, "_target_": "ClickChannels"})
    for nothing in ({}, {**plain, "encoding": None}):
        with pytest.raises(ValueError, match="names None"):
            from_dict(nothing)
    with pytest.raises(ValueError, match="expected the settings"):
        from_dict([plain])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": "red"}, "it takes encoding, structures"),
        ({"channels": 7}, "channels=7"),
        ({"encoding": {"_target_": "hnseg.clicks.EdtEncoding", "reach_mm": -1.0}}, "reach_mm"),
        ({"encoding": {"_target_": "hnseg.clicks.EdtEncoding", "sigma_mm": 1.0}}, "it takes reach_mm"),
    ],
)
def test_settings_that_do_not_fit_are_named(change, words):
    with pytest.raises(ValueError, match=words):
        from_dict({**CHANNELS.to_dict(), **change})
