import numpy as np
import pytest

from hnseg.inference import Predictor, load_checkpoints
from hnseg.inference.builtin import BUILTIN, builtin
from hnseg.types import Click, Grid, Volume

GRID = Grid((20, 30, 30), (4.0, 3.0, 3.0), (-40.0, -40.0, 0.0))


@pytest.fixture
def pet():
    """Two hot blocks of 24 x 24 x 24 mm in tissue of SUV 0.5."""
    array = np.full(GRID.shape_zyx, 0.5, np.float32)
    array[4:10, 4:12, 4:12], array[4:10, 4:12, 18:26] = 6.0, 9.0
    return Volume(array, GRID)


def middle(z, y, x):
    return tuple(GRID.to_lps_mm(np.array([z, y, x])).tolist())


def test_the_hot_region_round_a_click_without_any_weights(pet):
    predictor = Predictor([builtin("pet_threshold")])
    assert (predictor.modalities, predictor.labels.names) == (("pt",), ("GTV",))
    click = Click(middle(6.5, 7.5, 7.5), "GTV")
    mask = predictor.predict({"pt": pet}, "A", clicks=[click]).mask
    assert mask.grid is GRID
    inside = mask.array > 0
    assert inside[5:9, 5:11, 5:11].all()
    assert not inside[:, :, 14:].any()
    assert inside.sum() == pytest.approx(6 * 8 * 8, rel=0.35)  # half a voxel of 3 to 4 mm all round
    assert not predictor.predict({"pt": pet}, "A").mask.array.any()
    both = predictor.predict({"pt": pet}, "A", clicks=[click, Click(middle(6.5, 7.5, 21.5), "GTV")]).mask.array
    assert both[5:9, 5:11, 19:25].all()


def test_a_negative_click_cuts_off(pet):
    predictor = Predictor([builtin("pet_threshold")])
    positive, negative = Click(middle(5.0, 7.5, 7.5), "GTV"), Click(middle(9.0, 7.5, 7.5), None)
    mask = predictor.predict({"pt": pet}, "A", clicks=[positive, negative]).mask.array
    assert mask[5, 7, 7] == 1
    assert mask[9, 7, 7] == 0


def test_a_name_stands_beside_files(checkpoint, tmp_path):
    (alone,) = load_checkpoints("pet_threshold")
    assert str(alone.path) == "pet_threshold"
    checkpoint()
    several = load_checkpoints(["pet_threshold", str(tmp_path / "best.ckpt"), "pet_threshold"])
    assert [one.path.name for one in several] == ["pet_threshold", "best.ckpt"]
    assert [one.path.name for one in load_checkpoints(tmp_path)] == ["best.ckpt"]
    with pytest.raises(ValueError, match="no checkpoint at pet_treshold"):
        load_checkpoints("pet_treshold")
    with pytest.raises(ValueError, match="no checkpoint was named"):
        load_checkpoints([])


@pytest.mark.parametrize("name", BUILTIN)
def test_every_one_can_be_built(name):
    assert list(builtin(name).build_network().parameters()) == []
