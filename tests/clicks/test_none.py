import numpy as np
import pytest
import torch

from hnseg.clicks import NoClicks, centre_clicks


def test_an_automatic_network_is_given_nothing_and_its_images_stay_what_they_are():
    label = np.ones((4, 5), np.uint8)
    drawn = NoClicks().draw(label, np.random.default_rng(0), spacing_mm=(2.0, 1.0))
    assert (len(drawn), drawn.spacing_mm) == (0, (2.0, 1.0))
    assert NoClicks().encode(centre_clicks(label, (2.0, 1.0)), (4, 5)).shape == (0, 4, 5)
    empty = torch.zeros(2, 0, 4, 5)
    target = torch.ones(2, 4, 5, dtype=torch.uint8)
    assert NoClicks().correct(empty, torch.zeros_like(target), target, (2.0, 1.0)) is empty


def test_it_has_no_channels():
    assert (NoClicks().channels, NoClicks().most, NoClicks().simulate) == (0, 0, "none")
    with pytest.raises(ValueError, match="channels=1"):
        NoClicks(channels=1)
