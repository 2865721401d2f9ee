"""Runs whose network is known: it outlines what PET shows above SUV 2, true lesion or not."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from hydra import compose, initialize_config_dir

from hnseg.inference import InferenceSettings, checkpoint_entry, load_checkpoint
from hnseg.labels import LabelSet
from hnseg.prepare import Case, Recipe
from hnseg.prepare.case import write_case
from hnseg.prepare.intensity import Normalization, Standardise
from hnseg.run import validation
from hnseg.run.places import conf_dir
from hnseg.run.resolvers import register_resolvers
from hnseg.run.tune_postprocess import main
from hnseg.types import BoxMm, Grid

GRID = Grid((16, 16, 16), (2.0, 2.0, 2.0))  # voxels of 8 mm3
LESION, NODE = (slice(2, 8),) * 3, (slice(11, 14),) * 3  # 216 and 27 voxels: 1728 and 216 mm3
SPECK = (slice(11, 12), slice(2, 4), slice(2, 4))  # 4 voxels: 32 mm3
SIZES = "space={drop_small.min_volume_mm3:[16,64,512]}"


class PetAbove(torch.nn.Module):
    """Logits that are positive where the second channel, PET in SUV, is above ``suv``."""

    divisor = 1

    def __init__(self, suv: float = 2.0) -> None:
        super().__init__()
        self.suv = torch.nn.Parameter(torch.tensor(suv))

    def forward(self, image):
        return (image[:, 1:2] - self.suv) * 2


def write_patient(folder: Path, name: str, true: tuple, false: tuple) -> str:
    label, pet = np.zeros(GRID.shape_zyx, np.uint8), np.full(GRID.shape_zyx, 0.5, np.float16)
    for place in true:
        label[place] = 1
    for place in (*true, *false):
        pet[place] = 6.0
    facts = {"centre": "C", "part": "train", "modalities": ("ct", "pt"), "label_names": ("GTVt",), "notes": ()}
    facts |= {"annotated": (True,), "grid": GRID, "image_grid": GRID, "box": BoxMm((0, 0, 0), (32, 32, 32))}
    case = Case(folder=folder / name, case_id=name, phantom=True, sources={}, key=name, **facts)
    case.folder.mkdir(parents=True)
    write_case(case.folder, case, {"ct": np.zeros(GRID.shape_zyx, np.int16), "pt": pet}, label, label)
    return str(case.folder)


def write_run(run: Path, val: dict[str, tuple], protocol: str = "inner", finished: bool = True) -> Path:
    """A run with validation patients ``val`` (name: true places, false places) and two test patients."""
    cases = {name: write_patient(run / "cache", name, *places) for name, places in val.items()}
    cases |= {name: write_patient(run / "cache", name, (LESION,), ()) for name in ("T1", "T2")}
    network = PetAbove()
    entry = checkpoint_entry(
        net={"_target_": f"{__name__}.PetAbove", "suv": 2.0},
        labels=LabelSet(("GTVt",)),
        recipe=Recipe(spacing_mm=(2, 2, 2), box_size_mm=(32, 32, 32)),
        normalization=Normalization(("ct", "pt"), ct=Standardise(0, 1), pt=Standardise(0, 1)),
        inference=InferenceSettings((16, 16, 16)),
        config={},
        phantom=True,
    )
    (run / "checkpoints").mkdir(parents=True)
    state = {f"net.{name}": weight for name, weight in network.state_dict().items()}
    torch.save({"epoch": 1, "state_dict": state, "hnseg": entry}, run / "checkpoints" / "best.ckpt")
    (run / "cases.csv").write_text("case,dice\nT1,0.5\nT2,0.5\n")
    split = {"protocol": protocol, "train": ["A"], "val": list(val), "test": ["T1", "T2"]}
    if protocol == "paper":
        split["val"] = split["test"]
    manifest = {"task": "train", "finished": finished, "phantom": True, "split": split, "cases": cases}
    (run / "manifest.json").write_text(json.dumps(manifest))
    return run


SPECKS = {"V1": ((LESION, NODE), (SPECK,)), "V2": ((LESION,), (SPECK,))}
"""Dropping below 64 mm3 makes both perfect; below 512 mm3 loses the node of the first."""
CLEAN = {"V3": ((LESION, NODE), ()), "V4": ((LESION,), ())}
"""Nothing to gain, a node to lose."""


@pytest.fixture
def tune(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HNSEG_ROOT", str(tmp_path))
    register_resolvers()

    def run(folder: Path, *overrides: str) -> int:
        given = [f"run={folder}", "postprocess=drop_small", f"trust=[{__name__}]", "device=cpu", *overrides]
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            return main(compose("tune-postprocess", overrides=given))

    return run


@pytest.fixture
def specks(tmp_path: Path) -> Path:
    return write_run(tmp_path / "run", SPECKS)


def chosen(folder: Path) -> float | None:
    """The volume below which the winner drops; None for no post-processing."""
    steps = yaml.safe_load((folder / "postprocess.yaml").read_text())
    return steps["drop_small"]["min_volume_mm3"] if steps else None


def carried(run: Path) -> dict:
    return torch.load(run / "checkpoints" / "best.ckpt", weights_only=True)["hnseg"].get("postprocess", {})


def test_the_known_best_wins_and_the_checkpoint_carries_it(tune, specks: Path, capsys) -> None:
    before = (specks / "cases.csv").read_text()
    assert tune(specks, SIZES) == 0
    assert chosen(specks) == 64
    assert carried(specks) == yaml.safe_load((specks / "postprocess.yaml").read_text())
    table = pd.read_csv(specks / "tuning.csv")
    assert list(table["drop_small.min_volume_mm3"].fillna(0)) == [0, 16, 64, 512]
    assert list(table["postprocess"]) == [False, True, True, True]
    assert list(table["best"]) == [False, False, True, False]
    first, second = 2 * 243 / (243 + 247), 2 * 216 / (216 + 220)
    by_hand = [(first + second) / 2, (first + second) / 2, 1.0, (2 * 216 / (216 + 243) + 1) / 2]
    assert table["dice_mean"].to_numpy() == pytest.approx(by_hand)
    assert list(table["false_positive_mm3_mean"]) == [32, 32, 0, 0]
    assert set(table["n"]) == {2}
    assert table["phantom"].all()
    assert (specks / "cases.csv").read_text() == before
    shown = capsys.readouterr().out
    assert "drop_small.min_volume_mm3=64" in shown
    assert "hnseg train resume=" in shown


def test_test_patients_are_never_opened(tune, specks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened, read = [], Case.open

    def watched(folder: Path) -> Case:
        opened.append(folder.name)
        return read(folder)

    monkeypatch.setattr(Case, "open", watched)
    for name in ("T1", "T2"):
        shutil.rmtree(specks / "cache" / name)
    assert tune(specks, SIZES) == 0
    assert sorted(opened) == ["V1", "V2"]


@pytest.mark.parametrize("changes", [{"protocol": "paper"}, {"finished": False}])
def test_what_would_choose_on_test_patients_or_too_early_is_refused(tune, tmp_path: Path, changes: dict) -> None:
    run = write_run(tmp_path / "run", SPECKS, **changes)
    before = (run / "checkpoints" / "best.ckpt").read_bytes()
    with pytest.raises(ValueError, match=r"split\.protocol=inner" if "protocol" in changes else "not a finished run"):
        tune(run, SIZES)
    assert (run / "checkpoints" / "best.ckpt").read_bytes() == before
    assert not (run / "tuning.csv").exists()


def test_validation_patients_who_are_tested_are_refused_whatever_the_protocol_is_called(tune, specks: Path) -> None:
    manifest = json.loads((specks / "manifest.json").read_text())
    manifest["split"]["test"].append("V1")
    (specks / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ValueError, match="would flatter"):
        tune(specks, SIZES)


def test_where_nothing_helps_the_choice_is_none(tune, tmp_path: Path, capsys) -> None:
    run = write_run(tmp_path / "run", CLEAN)
    assert tune(run, SIZES) == 0
    assert chosen(run) is None
    assert carried(run) == {}
    assert "the choice is none" in capsys.readouterr().out


def test_a_winner_is_replaced_by_the_next_search(tune, specks: Path) -> None:
    tune(specks, SIZES)
    tune(specks, "space={drop_small.min_volume_mm3:[512]}")  # loses the node: worse than nothing
    assert chosen(specks) is None
    assert carried(specks) == {}


def test_a_second_search_does_not_predict_again_but_new_weights_do(tune, specks: Path, monkeypatch) -> None:
    calls = []
    predictor = validation.Predictor
    monkeypatch.setattr(validation, "Predictor", lambda *args, **kw: calls.append(1) or predictor(*args, **kw))
    for _ in range(2):
        tune(specks, SIZES)
    assert len(calls) == 1
    path = specks / "checkpoints" / "best.ckpt"
    content = torch.load(path, weights_only=True)
    content["state_dict"]["net.suv"] = torch.tensor(10.0)  # above all that PET shows
    torch.save(content, path)
    tune(specks, SIZES)
    assert len(calls) == 2
    assert pd.read_csv(specks / "tuning.csv")["dice_mean"].max() == 0
    assert len(list((specks / "tuning").iterdir())) == 1


def test_kept_answers_decode_to_the_networks_own_mask(specks: Path) -> None:
    checkpoint = load_checkpoint(specks / "checkpoints" / "best.ckpt", [__name__])
    run = json.loads((specks / "manifest.json").read_text())
    (patient, _) = validation.predict_once(specks, checkpoint, validation.validation_cases(specks, run), "cpu")
    pet = torch.from_numpy(patient.case.crop((0, 0, 0), GRID.shape_zyx)[0][1])
    exact = ((pet - 2) * 2).sigmoid()[None]
    assert patient.load().dtype == torch.float32
    torch.testing.assert_close(patient.load(), exact, atol=1e-4, rtol=0)
    logits = patient.load().logit()
    torch.testing.assert_close(logits, exact.logit(), rtol=5e-3, atol=1e-6)


def test_kept_answers_of_softmax_are_probabilities_again(tmp_path: Path) -> None:
    labels = LabelSet(("a", "b"), "softmax")
    logits = torch.randn(3, 4, 5, 6, generator=torch.Generator().manual_seed(0)) * 6
    probabilities = logits.softmax(dim=0)
    validation._keep(tmp_path / "x.npy", probabilities, labels)
    kept = validation._load(tmp_path / "x.npy", labels)
    torch.testing.assert_close(kept, probabilities, atol=2e-3, rtol=5e-3)
    assert torch.equal(labels.decode(kept[None]), labels.decode(probabilities[None]))


@pytest.mark.parametrize(
    ("space", "sentence"),
    [
        ("{drop_smal.min_volume_mm3:[1]}", "did you mean 'drop_small'"),
        ("{drop_small.min_volume_mm:[1]}", "did you mean 'min_volume_mm3'"),
        ("{threshold:[0.4]}", "the chain has drop_small"),
        ("{drop_small.min_volume_mm3:[-5]}", "min_volume_mm3"),
        ("{drop_small.min_volume_mm3:{low:1,high:9}}", "search=optuna"),
    ],
)
def test_a_space_that_the_chain_does_not_take_is_refused_before_anything_is_predicted(
    tune, specks: Path, space: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=sentence):
        tune(specks, f"space={space}")
    assert not (specks / "tuning").exists()


def test_no_chain_is_nothing_to_tune(tune, specks: Path) -> None:
    with pytest.raises(ValueError, match="nothing to tune"):
        tune(specks, "postprocess=none")


def test_a_chain_that_needs_clicks_is_not_tuned(tune, specks: Path) -> None:
    with pytest.raises(ValueError, match="needs clicks is not tuned"):
        tune(specks, "postprocess=click_filter")


def test_each_step_has_its_own_default_space(tune, specks: Path) -> None:
    tune(specks, "postprocess=[drop_small,keep_largest]")
    table = pd.read_csv(specks / "tuning.csv")
    assert list(table.filter(like=".").columns) == ["drop_small.min_volume_mm3"]
    assert len(table) > 2


def test_optuna_with_one_seed_tries_the_same_twice(tune, tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    tables = []
    for name in ("a", "b"):
        run = write_run(tmp_path / name, SPECKS)
        tune(run, "search=optuna", "trials=8", "space={drop_small.min_volume_mm3:{low:1.0,high:4000.0,log:true}}")
        tables.append((run / "tuning.csv").read_text())
    assert tables[0] == tables[1]
    assert len(tables[0].splitlines()) == 1 + 1 + 8
    assert 32 < chosen(tmp_path / "a") <= 216


@pytest.fixture
def crossed(tmp_path: Path) -> Path:
    """Two folds whose own validation patients disagree."""
    folder = tmp_path / "cv"
    write_run(folder / "folds" / "one", SPECKS)
    write_run(folder / "folds" / "two", CLEAN)
    manifest = {"task": "cv", "finished": True, "phantom": True, "folds": ["one", "two"]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    (folder / "overrides.yaml").write_text(yaml.safe_dump(["data=phantom", "model=unet"]))
    return folder


def test_each_fold_is_tuned_alone_and_the_pool_is_for_new_patients(tune, crossed: Path, capsys) -> None:
    assert tune(crossed, SIZES) == 0
    one, two = crossed / "folds" / "one", crossed / "folds" / "two"
    assert (chosen(one), chosen(two), chosen(crossed)) == (64, None, 64)
    assert carried(one)["drop_small"]["min_volume_mm3"] == 64
    assert carried(two) == {}  # the pooled choice never reaches a fold
    tables = [pd.read_csv(folder / "tuning.csv").set_index("trial") for folder in (one, two, crossed)]
    assert list(tables[2]["n"]) == [4] * 4
    pooled = (tables[0]["dice_mean"] + tables[1]["dice_mean"]) / 2
    assert tables[2]["dice_mean"].to_numpy() == pytest.approx(pooled.to_numpy())
    assert "hnseg cv data=phantom model=unet" in capsys.readouterr().out


def test_one_fold_that_cannot_be_tuned_stops_all_before_anything_is_written(tune, crossed: Path) -> None:
    manifest = crossed / "folds" / "two" / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "finished": False}))
    with pytest.raises(ValueError, match="not a finished run"):
        tune(crossed, SIZES)
    assert not (crossed / "folds" / "one" / "tuning.csv").exists()


def test_by_default_the_random_field_is_tuned_over_a_small_grid(tune, specks: Path) -> None:
    assert tune(specks, "postprocess=crf") == 0
    table = pd.read_csv(specks / "tuning.csv")
    assert list(table.filter(like=".").columns) == ["crf.position_weight", "crf.bilateral_weight"]
    assert len(table) == 1 + 4 * 3


def test_the_random_field_sees_the_images_and_what_lies_around(tune, specks: Path) -> None:
    tune(specks, "postprocess=crf", "space={crf.position_weight:[2,60],crf.intensity_std.pt:[1,500]}")
    table = pd.read_csv(specks / "tuning.csv")
    assert list(table["crf.intensity_std.pt"].dropna()) == [1, 500, 1, 500]
    assert table["false_positive_mm3_mean"][0] == 32
    assert table["false_positive_mm3_mean"].min() == 0  # so far from its like, a speck is outvoted
    assert not table["dice_mean"].eq(table["dice_mean"][0]).all()
