"""The cohort that images, masks, networks and tables make together, and the features of new patients."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir

from hnseg.prepare import Failure
from hnseg.run.places import conf_dir
from hnseg.run.resolvers import register_resolvers, to_plain
from hnseg.run.survival import counting, refuse_others
from hnseg.run.survival_images import image_cohort, restricted
from hnseg.survival.objects import Fold

PATIENTS = 10


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One phantom for all tests of this file."""
    return tmp_path_factory.mktemp("images")


def configuration(root: Path, *overrides: str) -> dict:
    register_resolvers()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"), pytest.MonkeyPatch.context() as patch:
        patch.setenv("HNSEG_ROOT", str(root))
        said = ["debug=fdr", f"fdr_patients={PATIENTS}", "data.prepare_workers=1"]
        return to_plain(compose("survival", overrides=[*said, "survival.workers=1", *overrides]))


def truth_as_masks(root: Path, folder: Path, left_out: str = "") -> Path:
    """The phantom's masks in a folder of masks, as somebody else's predictions."""
    folder.mkdir()
    for path in sorted((root / "data" / "debug").rglob("*_gtvt.nii.gz")):
        name = path.name.removesuffix("_gtvt.nii.gz")
        if name != left_out:
            (folder / f"{name}.nii.gz").write_bytes(path.read_bytes())
    return folder


def test_features_of_the_physicians_masks(root: Path, tmp_path: Path) -> None:
    cohort = image_cohort(configuration(root), tmp_path)
    assert len(cohort.data.patients) == PATIENTS
    assert list(cohort.data.blocks) == ["clinical", "ct"]
    assert cohort.data.phantom
    assert set(cohort.data.log_hazard or {}) == set(cohort.data.patients)
    assert [fold.name for fold in cohort.folds[0]] == ["0", "1", "2"]
    assert not cohort.failed
    assert (tmp_path / "features" / "radiomics" / "ct.csv").is_file()
    volume = cohort.data.blocks["ct"]["ct_original_shape_VoxelVolume"]
    assert volume.between(1000, 60000).all()


def test_what_was_not_asked_for_is_not_computed_and_takes_nobody_out(root: Path, tmp_path: Path) -> None:
    cohort = image_cohort(configuration(root, "survival.feature_sets=[clinical]"), tmp_path)
    assert list(cohort.data.blocks) == ["clinical"]
    assert not (tmp_path / "features").exists()


def test_masks_of_others_give_the_same_features_and_a_patient_without_one_is_named(root: Path, tmp_path: Path) -> None:
    truth = image_cohort(configuration(root), tmp_path / "truth")
    missing = truth.data.patients[2]
    masks = truth_as_masks(root, tmp_path / "masks", left_out=missing)
    cohort = image_cohort(configuration(root, f"segmentation={masks}"), tmp_path / "masked")
    assert cohort.failed
    assert [failure.case_id for failure in cohort.left_out] == [missing]
    assert missing not in cohort.data.patients
    assert all(missing not in (*fold.train, *fold.test) for fold in cohort.folds[0])
    ours, theirs = truth.data.blocks["ct"], cohort.data.blocks["ct"]
    shape = [name for name in ours if "_shape_" in name]
    np.testing.assert_allclose(theirs[shape], ours.loc[theirs.index, shape], rtol=0.25)


def test_sets_that_cannot_be_had_are_refused_before_any_feature(root: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no features deep here; deep needs segmentation=runs/cv/NAME"):
        image_cohort(configuration(root, "survival.feature_sets=[clinical+deep]"), tmp_path)
    assert not (tmp_path / "features").exists()


def test_a_patient_of_the_tables_without_images_is_named(root: Path, tmp_path: Path) -> None:
    plain = configuration(root, "survival.feature_sets=[clinical]")
    folder = root / "data" / "debug" / f"survival_phantom-{PATIENTS}"
    for name in ("hecktor2021_patient_info_training.csv", "hecktor2021_patient_endpoint_training.csv"):
        table = pd.read_csv(folder / name, dtype=str, keep_default_na=False)
        extra = table.iloc[[0]].assign(PatientID="CHGJ999")
        pd.concat([table, extra]).to_csv(tmp_path / name, index=False)
    plain |= {
        "clinical": str(tmp_path / "hecktor2021_patient_info_training.csv"),
        "endpoints": str(tmp_path / "hecktor2021_patient_endpoint_training.csv"),
        "mapping": "hecktor2021",
    }
    cohort = image_cohort(plain, tmp_path / "run")
    assert cohort.left_out == [Failure("CHGJ999", "has an outcome and no images")]
    assert not cohort.failed


def test_a_fold_without_those_who_are_left_out() -> None:
    assert restricted(Fold("A", ("a", "b"), ("c", "d")), ["d", "a"]) == Fold("A", ("a",), ("d",))


def test_keys_of_training_are_refused_or_do_not_count(root: Path) -> None:
    with pytest.raises(ValueError, match="takes no fold="):
        refuse_others(["data=hecktor2021", "fold=CHUS"])
    refuse_others(["split.folds=3", "testing=1"])
    plain = configuration(root)
    assert counting(plain) == counting(configuration(root, "batch_size=7", "optimizer.lr=0.5", "model=unet"))
    assert counting(plain) != counting(configuration(root, "seed=3"))
    assert plain["name"] == configuration(root, "batch_size=7", "survival.workers=9")["name"]
    assert plain["name"] != configuration(root, "survival.horizon_days=365")["name"]
