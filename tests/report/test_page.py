import base64
import hashlib
import json
import re

import pandas as pd
import pytest

from hnseg.evaluate import official_scores
from hnseg.io import write_json
from hnseg.report import write_report
from hnseg.report.canvas import PHANTOM_TEXT
from tests.report.html import Page, commands_in


def page(folder):
    return Page(write_report(folder).read_text())


def test_one_file_that_asks_for_nothing(shared_run):
    shown = Page(shared_run.html)
    assert shared_run.page == shared_run.folder / "report.html"
    assert shown.tags.count("script") == 1
    assert "link" not in shown.tags
    assert len(shown.addresses) == 9  # curves, Dice, volumes, three patients twice
    assert all(address.startswith("data:image/png;base64,") for address in shown.addresses)
    assert not re.search(r"https?://|url\(|@import", shared_run.html)
    assert "<h2>Clicks</h2>" not in shared_run.html  # there is no clicks.csv


def test_the_page_says_what_a_reader_asks(shared_run):
    text = Page(shared_run.html).text
    for wanted in (
        "hecktor2021 · SENormUNet", "finished after 6 epochs", "Dice, mean ± SD", "3 test patients", "mean of centres",
        "CHUX009_pt.nii.gz: the file ends after 12 of 40 slices", "looked at once", "2,423,937", "2 min 05 s",
        "filters: 8", "optimizer.lr=1e-3", "python train.py resume=", "python predict.py checkpoint=", "SimpleITK",
    ):  # fmt: skip
        assert wanted in text, wanted


def test_only_commands_that_exist_are_offered(shared_run):
    assert {"tune-postprocess", "report"} <= commands_in(Page(shared_run.html).text)


def test_the_headline_is_the_mean_over_all_patients(shared_run):
    cases = pd.read_csv(shared_run.folder / "cases.csv")
    values = re.findall(r'class="value">([^<]*)<', shared_run.html)
    assert values[0] == f"{cases['dice'].mean():.3f} ± {cases['dice'].std():.3f}"
    assert values[1] == f"{cases['hd95_mm'].median():.1f} mm"
    assert values[2] == "2 · 2 · 3"


def test_nothing_but_the_report_and_its_pictures_is_left(shared_run):
    assert sorted(path.name for path in shared_run.folder.iterdir()) == [
        "cases.csv", "config.yaml", "figures", "manifest.json", "metrics.csv", "overrides.yaml", "predictions",
        "report.html",
    ]  # fmt: skip
    names = [path.name for path in sorted((shared_run.folder / "figures").iterdir())]
    assert names == ["fig3_CHUP000.png", "fig3_CHUS002.png", "fig3_CHUV001.png"]


def test_same_run_same_page(small_run):
    assert write_report(small_run.folder).read_text() == small_run.html


def test_a_run_on_patients_is_not_marked(shared_run):
    assert PHANTOM_TEXT not in shared_run.html


@pytest.mark.parametrize("where", ["phantom", "cases_phantom", "manifest_phantom"])
def test_a_phantom_run_is_marked_in_text_and_pictures_whoever_says_it(run_maker, small_run, where):
    folder = run_maker("small", n_test=1, **{where: True})
    assert json.loads((folder / "manifest.json").read_text())["phantom"] is (where == "manifest_phantom")
    html = write_report(folder).read_text()
    shown = Page(html)
    assert shown.text.count(PHANTOM_TEXT) > 10  # banner, title and the page's background
    plain = Page(small_run.html).addresses
    assert len(shown.addresses) == len(plain)
    assert not set(shown.addresses) & set(plain), "a picture of a phantom without a watermark"


def test_names_and_messages_cannot_break_out(run_maker):
    evil = "<script>alert(1)</script>"
    folder = run_maker(evil.replace("/", "_"), names=["<b onload=x>", 'q"uote', "$a_{"], structure=evil)
    with (folder / "config.yaml").open("a") as file:
        file.write("note: </pre><script>alert(2)</script><img src=http://evil.example/x onerror=alert(3)>\n")
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["failed_cases"] = [{"case": evil, "message": "</dd>" + evil}]
    manifest["versions"] = {evil: evil}
    manifest["hardware"] = {evil: [evil]}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    shown = page(folder)
    assert shown.tags.count("script") == 1
    assert "b" not in shown.tags
    assert all(address.startswith("data:") for address in shown.addresses)
    assert "<b onload=x>" in shown.text
    assert "alert(2)" in shown.text


def test_the_policy_allows_our_script_and_no_other(shared_run):
    (script,) = re.findall(r"<script>(.*?)</script>", shared_run.html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in shared_run.html
    assert "default-src 'none'" in shared_run.html


def test_a_run_that_never_saw_the_test(run_maker):
    shown = page(run_maker(n_test=0, finished=False))
    assert "Validation, not test" in shown.text
    assert "No test patient was scored" in shown.text
    assert "not finished" in shown.text
    assert shown.tags.count("img") == 1


def test_a_run_stopped_before_its_first_epoch(run_maker):
    folder = run_maker(n_test=0, finished=False)
    for name in ("metrics.csv", "config.yaml", "overrides.yaml"):
        (folder / name).unlink()
    manifest = json.loads((folder / "manifest.json").read_text())
    kept = {key: manifest[key] for key in ("name", "finished")}
    (folder / "manifest.json").write_text(json.dumps(kept | {"best_epoch": None}))
    shown = page(folder)
    assert "Nothing was logged yet" in shown.text
    assert "img" not in shown.tags


def test_without_predictions_the_truth_is_still_shown(run_maker):
    folder = run_maker(n_test=1)
    for path in (folder / "predictions").iterdir():
        path.unlink()
    assert page(folder).tags.count("img") == 5


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"manifest\.json was not found"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


CRF = {"crf": {"_target_": "hnseg.postprocess.Crf", "position_weight": 2.5}}


def test_with_post_processing_both_scores_and_what_was_removed(run_maker):
    folder = run_maker(n_test=3, chain=CRF, drawn=False)
    shown = page(folder)
    assert "With and without post-processing" in shown.text
    assert "False-positive volume fell" in shown.text
    assert "Post-processing: crf." in shown.text
    before, after = (pd.read_csv(folder / place / "cases.csv")["dice"].mean() for place in ("", "postprocessed"))
    assert f"{before:.3f}" in shown.text
    assert f"{after:.3f}" in shown.text


def test_a_run_without_post_processing_does_not_talk_of_it(shared_run):
    text = Page(shared_run.html).text
    assert "With and without post-processing" not in text
    assert "green" not in text


def test_tables_that_do_not_belong_together_are_said_and_not_joined(run_maker):
    folder = run_maker(n_test=2, chain=CRF, drawn=False)
    table = folder / "postprocessed" / "cases.csv"
    table.write_text("\n".join(table.read_text().splitlines()[:-1]) + "\n")
    text = page(folder).text
    assert "only without or only with post-processing: CHUV001" in text
    assert "False-positive volume" not in text


def test_challenge_scores_are_shown_where_they_were_computed(run_maker):
    folder = run_maker(n_test=2, drawn=False)
    assert "Challenge scores" not in page(folder).text
    rows = pd.read_csv(folder / "cases.csv")
    scores = official_scores(rows, sorted(set(rows["case"])))
    write_json(folder / "official.json", scores)
    text = page(folder).text
    assert "HECKTOR 2022" in text
    assert f"{scores['hecktor2022']['GTVp']:.3f}" in text


def test_pictures_of_another_choice_of_patients_do_not_stay(run_maker):
    folder = run_maker(n_test=1)
    (folder / "figures").mkdir()
    (folder / "figures" / "fig3_CHUX777.png").write_bytes(b"old")
    (folder / "figures" / "mine.png").write_bytes(b"kept")
    write_report(folder)
    assert sorted(path.name for path in (folder / "figures").iterdir()) == ["fig3_CHUP000.png", "mine.png"]
