import json

import pytest

from hnseg.report.run_folder import RunFolder
from hnseg.report.words import duration, evaluation, listing, status


def said(folder, **changes):
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    for key, value in changes.items():
        manifest[key] = {**manifest[key], **value} if isinstance(value, dict) else value
    path.write_text(json.dumps(manifest))
    return evaluation(RunFolder.open(folder))


def warnings(sentences):
    return " ".join(sentence.text for sentence in sentences if sentence.warning)


def test_a_clean_run_has_no_warning(run_maker):
    sentences = said(run_maker())
    assert warnings(sentences) == ""
    assert "2 patients for training, 2 for validation, 3 for the test" in sentences[0].text


def test_the_papers_protocol_is_named(run_maker):
    text = warnings(said(run_maker(protocol="paper")))
    assert "the left-out centre was also used for validation" in text


def test_a_final_fit_is_named(run_maker):
    text = warnings(said(run_maker(protocol="final")))
    assert "the validation patients trained as well" in text


def test_validation_on_test_patients_is_found_whatever_the_protocol_says(run_maker):
    text = warnings(said(run_maker(), split={"val": ["CHUP000"]}))
    assert "1 patient of the test also served for validation" in text


def test_training_on_test_patients_is_found(run_maker):
    assert "1 patient of the test also served for training: CHUP000" in warnings(
        said(run_maker(), split={"train": ["CHUP000"]})
    )


def test_many_looks_at_the_test_are_counted(run_maker):
    assert "looked at 5 times" in warnings(said(run_maker(), test_looks=5))


def test_patients_without_a_score_are_listed(run_maker):
    folder = run_maker()
    table = folder / "cases.csv"
    table.write_text("\n".join(table.read_text().splitlines()[:-1]) + "\n")
    assert "1 patient of the test" in warnings(said(folder))
    assert "CHUS002" in warnings(said(folder))


def test_a_run_without_a_test_says_so(run_maker):
    folder = run_maker(n_test=0)
    assert "no test patients" in warnings(said(folder))
    assert "has not looked at its test patients" in warnings(said(folder, split={"test": ["x"]}))


def test_the_kept_checkpoint_and_its_score(run_maker):
    sentences = [sentence.text for sentence in said(run_maker(epochs=1), best_epoch=0)]
    assert any("epoch 0 was kept by val/dice" in text and "0.000" in text for text in sentences)


@pytest.mark.parametrize(("finished", "text"), [(True, "finished after 6 epochs"), (False, "not finished")])
def test_status(run_maker, finished, text):
    sentence = status(RunFolder.open(run_maker(finished=finished)))
    assert sentence.text.startswith(text)
    assert sentence.warning is not finished


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, ""), (5.2, "5 s"), (125, "2 min 05 s"), (3720, "1 h 02 min"), (3599.9, "1 h 00 min")]
)
def test_duration(seconds, text):
    assert duration(seconds) == text


def test_a_long_list_is_cut():
    assert listing(["a", "b", "c"], most=2) == "a, b and 1 more"
