import pytest

from hnseg.report.curves import Switch
from hnseg.report.settings import Window, ct_windows, label_names, optimizer_switch


def test_windows_of_jain_et_al_have_their_names():
    step = {"kind": "windows", "levels": [40, 20, 600], "widths": [80, 350, 2800]}
    assert ct_windows({"normalization": {"ct": step}}) == (
        Window("brain", 0, 80), Window("soft tissue", -155, 195), Window("bone", -800, 2000),
    )  # fmt: skip


def test_a_clipped_range_is_a_window_without_a_name():
    assert ct_windows({"normalization": {"ct": {"kind": "clip", "low": -1024, "high": 1024}}}) == (
        Window("window", -1024, 1024),
    )


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"normalization": None},
        {"normalization": {"ct": {"kind": "zscore"}}},
        {"normalization": {"ct": {"kind": "windows", "levels": [40], "widths": [80, 350]}}},
        {"normalization": {"ct": {"kind": "clip", "low": "?"}}},
    ],
)
def test_what_is_not_known_is_empty(config):
    assert ct_windows(config) == ()


def test_a_second_optimizer_is_named():
    stages = {"switch_epoch": 150, "then": {"_target_": "torch.optim.SGD"}}
    assert optimizer_switch({"optimizer": stages}) == Switch(150, "SGD from epoch 150")
    assert optimizer_switch({"optimizer": {"lr": 1e-3}}) is None


def test_label_names_keep_their_order():
    assert label_names({"data": {"label_names": ["b", "a"]}}) == ("b", "a")
    assert label_names({"data": {"label_names": "b"}}) == ()
