import pytest

from hnseg.report.run_folder import RunFolder


@pytest.mark.parametrize("where", ["phantom", "cases_phantom", "manifest_phantom"])
def test_one_mark_anywhere_is_enough(run_maker, where):
    assert RunFolder.open(run_maker(**{where: True})).phantom


def test_a_run_without_a_mark_is_none(run_maker):
    assert not RunFolder.open(run_maker()).phantom


@pytest.mark.parametrize("text", ["{", "[]", '{"phantom": false}'])
def test_an_odd_case_file_does_not_stop_the_reading(run_maker, text):
    folder = run_maker()
    run = RunFolder.open(folder)
    (run.prepared("CHUP000") / "case.json").write_text(text)
    assert not RunFolder.open(folder).phantom


def test_the_mark_is_found_inside_a_case_file(run_maker):
    folder = run_maker()
    (RunFolder.open(folder).prepared("CHUP000") / "case.json").write_text('{"study": [{"phantom": true}]}')
    assert RunFolder.open(folder).phantom


def test_names_stay_text(run_maker):
    run = RunFolder.open(run_maker(names=["007", "NA"]))
    assert list(run.cases["case"]) == ["007", "NA"]
    assert run.cases["dice"].dtype == float


def test_model_and_loss_are_named(run_maker):
    run = RunFolder.open(run_maker())
    assert (run.target_of("model"), run.target_of("loss"), run.target_of("nothing")) == ("SENormUNet", "DiceLoss", "")


@pytest.mark.parametrize("text", ["", "a: [", "just text", "model: 3"])
def test_a_strange_configuration_names_no_model(run_maker, text):
    folder = run_maker()
    (folder / "config.yaml").write_text(text)
    assert RunFolder.open(folder).target_of("model") == ""


def test_overrides_of_hydra_are_read_too(run_maker):
    folder = run_maker()
    assert RunFolder.open(folder).overrides == ("optimizer.lr=1e-3", "data=hecktor2021")
    (folder / ".hydra").mkdir()
    (folder / "overrides.yaml").rename(folder / ".hydra" / "overrides.yaml")
    assert RunFolder.open(folder).overrides == ("optimizer.lr=1e-3", "data=hecktor2021")


def test_an_unreadable_table_is_named(run_maker):
    folder = run_maker()
    (folder / "cases.csv").write_text('case,dice\n"a,1\n')
    with pytest.raises(ValueError, match=r"cases\.csv"):
        RunFolder.open(folder)
