import pytest

from hnseg.inference.chains import TUNED, carried_chain, only_chain, same_chain, tuned_chain
from hnseg.postprocess import DropSmall, FillHoles, KeepLargest, Postprocess

KEEP = Postprocess({"keep_largest": KeepLargest()})
DROP = Postprocess({"drop_small": DropSmall(min_volume_mm3=40)})


def test_order_and_settings_make_a_chain():
    drop, fill = DropSmall(min_volume_mm3=40), FillHoles()
    assert same_chain(Postprocess({"d": drop, "f": fill}), Postprocess({"d": DropSmall(40.0), "f": FillHoles()}))
    assert not same_chain(Postprocess({"d": drop, "f": fill}), Postprocess({"f": fill, "d": drop}))
    assert not same_chain(DROP, Postprocess({"drop_small": DropSmall(min_volume_mm3=41)}))
    assert not same_chain(DROP, Postprocess())


def test_what_all_checkpoints_carry(checkpoint):
    same = [checkpoint(name=f"{n}.ckpt", postprocess=DROP.to_dict()) for n in range(3)]
    assert same_chain(carried_chain(same), DROP)
    assert not carried_chain([checkpoint(), checkpoint(name="b.ckpt")])


def test_checkpoints_that_carry_different_chains(checkpoint):
    members = [checkpoint(name="a.ckpt"), checkpoint(name="b.ckpt", postprocess=DROP.to_dict())]
    with pytest.raises(ValueError, match=r"a\.ckpt and .*b\.ckpt carry different.*none.*40.*postprocess=none"):
        carried_chain(members)


def test_only_chain_of_one_source():
    assert only_chain({"x": KEEP}) is KEEP


def test_tuned_chain_of_a_folder(tmp_path):
    assert tuned_chain(tmp_path) is None
    (tmp_path / TUNED).write_text("drop_small: {_target_: hnseg.postprocess.DropSmall, min_volume_mm3: 40}")
    assert same_chain(tuned_chain(tmp_path), DROP)
    (tmp_path / TUNED).write_text("{}")  # tuning found that nothing is better than the networks' own answer
    assert tuned_chain(tmp_path).names == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("drop_small: [", "cannot be read"),
        ("x: {_target_: os.system}", r"os\.system.*nothing was built"),
        ("- 3", "postprocess is"),
    ],
)
def test_tuned_chain_that_cannot_be_used_names_the_file(tmp_path, text, message):
    (tmp_path / TUNED).write_text(text)
    with pytest.raises(ValueError, match=rf"(?s)postprocess\.yaml.*{message}"):
        tuned_chain(tmp_path)
