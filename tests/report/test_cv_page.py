import json
import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from hnseg.report import write_cv_report, write_report
from hnseg.report.canvas import PHANTOM_TEXT
from tests.report.conftest import make_cv
from tests.report.html import Page, commands_in

CRF = {"crf": {"_target_": "hnseg.postprocess.Crf", "position_weight": 2.5}}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A finished cross-validation with post-processing, random folds and test patients, that no test may change."""
    folder = make_cv(tmp_path_factory.mktemp("cv") / "whole", chain=CRF, random=("random_0", "random_1"))
    html = write_cv_report(folder).read_text()
    return SimpleNamespace(folder=folder, html=html, text=Page(html).text)


def page(folder):
    return Page(write_cv_report(folder).read_text())


def table(folder, name):
    return pd.read_csv(folder / "tables" / f"{name}.csv", dtype={"row": str})


def edit(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_one_file_that_asks_for_nothing_and_leads_to_the_folds(whole):
    shown = Page(whole.html)
    links = [address for address in shown.addresses if not address.startswith("data:image/png;base64,")]
    assert links == [f"folds/{fold}/report.html" for fold in ("CHUP", "CHUS", "CHUV", "random_0", "random_1")]
    assert all((whole.folder / link).is_file() for link in links)
    assert shown.tags.count("script") == 1
    assert "link" not in shown.tags


def test_the_report_command_writes_it_too(whole):
    assert write_report(whole.folder).read_text() == whole.html


def test_the_page_says_what_a_reader_asks(whole):
    for wanted in (
        "finished: all 5 folds are trained and scored", "mean of folds", "test patients, ensemble", "mean of centres",
        "mean of random splits", "False-positive volume fell", "Post-processing: crf.", "After post-processing (crf)",
        "6 patients in 5 of 5 folds", "6 patients in more than one fold", "have been looked at once",
        "CHUX009_pt.nii.gz", "SENormUNet", "position_weight: 2.5", "SimpleITK", "post-processing: green",
    ):  # fmt: skip
        assert wanted in whole.text, wanted


def test_the_headline_is_the_mean_of_the_folds(whole):
    rows = pd.read_csv(whole.folder / "cases.csv")
    folds = rows.groupby("fold")["dice"].mean()
    assert f"{folds.mean():.3f} ± {folds.std():.3f}" in whole.text
    assert f"{rows['dice'].mean():.3f} ±" not in whole.text


def test_the_tables_are_on_disk_as_on_the_page(whole):
    assert {path.stem for path in (whole.folder / "tables").iterdir()} == {
        "folds", "centres", "test", "test_postprocessed", "false_positives",
    }  # fmt: skip
    folds = table(whole.folder, "folds")
    assert list(folds["row"][-2:]) == ["mean of folds", "test patients, ensemble"]
    rows = pd.read_csv(whole.folder / "postprocessed" / "cases.csv")
    expected = rows.groupby("fold", sort=False)["dice"].mean()
    assert np.allclose(folds["dice_postprocessed"][:5], expected)
    for value in folds["dice_postprocessed"]:
        assert f"{value:.3f}" in whole.text


def test_the_pictures_are_on_disk(whole):
    names = {path.name for path in (whole.folder / "figures").iterdir()}
    assert {"dice_by_fold.png", "dice_by_centre.png", "learning_curves.png"} <= names
    assert len([name for name in names if name.startswith("fig3_")]) == 3


def test_only_commands_that_exist_are_offered(whole):
    assert {"cv", "tune-postprocess", "report"} <= commands_in(whole.text)
    assert "hnseg cv split=leave_one_centre_out 'data.root=/data/my scans'" in whole.text
    assert "python predict.py checkpoint=" in whole.text


def test_an_unfinished_one_says_what_is_missing(cv_maker):
    folder = cv_maker(done=["CHUP"], drawn=False)
    run = folder / "folds" / "CHUS"
    shutil.copytree(folder / "folds" / "CHUP", run)
    edit(run, finished=False)
    text = page(folder).text
    assert "not finished: 1 of 3 folds" in text
    assert "CHUS (not finished: stopped or still running after 6 epochs); CHUV (not started)" in text
    assert "waits until all folds are finished" in text
    assert "2 patients in 1 of 3 folds" in text
    assert "predict.py" not in text
    assert "hnseg cv split=" in text


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda run: (run / "cases.csv").unlink(), "left-out patients are not scored"),
        (lambda run: (run / "manifest.json").write_text("{"), "cannot be read"),
        (lambda run: shutil.rmtree(run), "not started"),
    ],
)
def test_a_fold_that_was_spoilt_is_said(cv_maker, spoil, said):
    folder = cv_maker(drawn=False)
    rows = pd.read_csv(folder / "cases.csv")
    rows[rows["fold"] != "CHUS"].to_csv(folder / "cases.csv", index=False)
    spoil(folder / "folds" / "CHUS")
    text = page(folder).text
    assert "CHUS (" in text
    assert said in text


def test_a_fold_that_finished_after_the_tables_is_said(cv_maker):
    folder = cv_maker(drawn=False)
    rows = pd.read_csv(folder / "cases.csv")
    rows[rows["fold"] != "CHUV"].to_csv(folder / "cases.csv", index=False)
    assert "CHUV (finished, but not in the tables yet)" in page(folder).text


def test_before_the_first_fold_there_is_a_page(cv_maker):
    folder = cv_maker(done=[])
    (folder / "config.yaml").unlink()
    (folder / "overrides.yaml").unlink()
    shown = page(folder)
    assert "no fold is scored yet" in shown.text
    assert "img" not in shown.tags
    assert "hnseg cv" not in shown.text  # nobody knows what was typed
    assert not (folder / "tables").exists()


def test_without_post_processing_and_test_nobody_talks_of_them(cv_maker):
    text = page(cv_maker(tested=0, drawn=False)).text
    assert "post-processing removed" not in text
    assert "The ensemble has not looked at any test patient." in text


def test_test_patients_without_a_truth_are_said(cv_maker):
    folder = cv_maker(drawn=False)
    (folder / "test" / "cases.csv").unlink()
    assert "outlined 2 patients of the test; no truth is known" in page(folder).text


def test_tables_that_do_not_belong_together_are_said_and_not_joined(cv_maker):
    folder = cv_maker(chain=CRF, drawn=False)
    path = folder / "postprocessed" / "cases.csv"
    path.write_text("\n".join(path.read_text().splitlines()[:-1]) + "\n")
    text = page(folder).text
    assert "only without or only with post-processing: CHUV001" in text
    assert "False-positive volume" not in text
    assert not (folder / "tables" / "false_positives.csv").exists()


def test_each_folds_own_chain_is_named(cv_maker):
    folder = cv_maker(chain=CRF, drawn=False)
    (folder / "folds" / "CHUS" / "postprocessed" / "postprocess.yaml").write_text("{drop_small: {}}")
    shutil.rmtree(folder / "folds" / "CHUV" / "postprocessed")
    assert "Post-processing: crf (CHUP); drop_small (CHUS); none (CHUV)." in page(folder).text


def test_many_looks_are_counted(cv_maker):
    folder = cv_maker(drawn=False)
    edit(folder / "folds" / "CHUS", test_looks=4)
    edit(folder, test_looks=3)
    text = page(folder).text
    assert "some folds have been looked at several times (CHUS: 4)" in text
    assert "test patients have been looked at 3 times" in text


def test_training_on_left_out_patients_is_found(cv_maker):
    folder = cv_maker(drawn=False)
    split = json.loads((folder / "folds" / "CHUS" / "manifest.json").read_text())["split"]
    edit(folder / "folds" / "CHUS", split=split | {"train": ["A1", "CHUS001"]})
    assert (
        "also served for training in the fold that left them out: CHUS001. The scores mean nothing" in page(folder).text
    )


def test_the_papers_protocol_is_named(cv_maker):
    folder = cv_maker(drawn=False)
    edit(folder, split={"name": "Published", "protocol": "paper"})
    assert "the scores are too favourable" in page(folder).text


def test_a_phantom_is_marked_in_text_pictures_and_tables(cv_maker):
    folder = cv_maker(folds=("CHUP",), per_fold=1, tested=0, phantom=True)
    edit(folder, phantom=False)  # one mark anywhere is enough
    shown = page(folder)
    assert shown.text.count(PHANTOM_TEXT) > 10
    assert all(PHANTOM_TEXT.encode() in path.read_bytes() for path in (folder / "figures").glob("*.png"))
    assert table(folder, "folds")["phantom"].all()


def test_a_mark_in_a_fold_alone_is_enough(cv_maker):
    folder = cv_maker(folds=("CHUP",), per_fold=1, tested=0)
    edit(folder, cases={})
    assert PHANTOM_TEXT not in page(folder).text
    edit(folder / "folds" / "CHUP", phantom=True)
    assert PHANTOM_TEXT in page(folder).text


def test_names_cannot_break_out(cv_maker):
    evil = "<script>alert(1)</script>"
    folder = cv_maker(folds=("CHUP",), drawn=False)
    rows = pd.read_csv(folder / "cases.csv")
    rows.assign(fold=evil, centre=evil).to_csv(folder / "cases.csv", index=False)
    edit(folder, folds=[evil, "../../x", "CHUP"], name=evil)
    shown = page(folder)
    assert shown.tags.count("script") == 1
    assert evil in shown.text


def test_numbers_as_folds_and_odd_names_find_their_folders(cv_maker):
    folder = cv_maker(folds=("0", "1"), drawn=False)
    assert "finished: all 2 folds" in page(folder).text
    rows = pd.read_csv(folder / "cases.csv", dtype={"fold": str})
    rows["fold"] = rows["fold"].replace({"1": "Zürich 1"})
    rows.to_csv(folder / "cases.csv", index=False)
    (folder / "folds" / "1").rename(folder / "folds" / "Z_rich_1")
    edit(folder, folds=["0", "Z_rich_1"])
    assert "finished: all 2 folds" in page(folder).text


def test_a_folder_that_is_none_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"manifest\.json was not found"):
        write_cv_report(tmp_path)
    assert list(tmp_path.iterdir()) == []
