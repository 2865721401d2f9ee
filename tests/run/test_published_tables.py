import re
from pathlib import Path

import pandas as pd
import pytest

from hnseg.evaluate.organ_table import MEAN_OF_ORGANS
from hnseg.prepare.organs import PDDCA
from hnseg.run.places import conf_dir
from hnseg.run.published_tables import paper_table

ROOT = Path(__file__).parents[2]
TABLES = [("iantsen2020_senorm", 1), ("iantsen2020_senorm", 2), ("bourigault2021_unet3plus", 1)]


@pytest.mark.parametrize(("experiment", "number"), TABLES)
def test_each_table_is_of_an_experiment_and_its_figures_are_those_of_the_papers_page(experiment, number) -> None:
    table = paper_table(experiment, number)
    assert (conf_dir() / "experiment" / f"{experiment}.yaml").is_file()
    assert (conf_dir() / "data" / f"{table.data}.yaml").is_file()
    page = (ROOT / "docs" / "papers" / f"{experiment.partition('_')[0]}.md").read_text()
    assert table.source.rpartition("doi:")[2] in page
    for row in table.rows.to_dict("records"):
        name = row.pop("row")
        lines = [line for line in page.splitlines() if re.match(rf"\| {_on_the_page(name)}\b.*\d\.\d\d", line)]
        assert len(lines) == 1, name
        printed = [float(cell) for cell in re.findall(r"\d+\.\d+", lines[0])]
        assert printed == [value for key, value in row.items() if key != "n" and not pd.isna(value)], name
        if not pd.isna(row.get("n")):
            assert f"(n = {row['n']:.0f})" in lines[0]


def _on_the_page(name: str) -> str:
    return {
        "mean of centres": "mean of the four centres",
        "mean of random splits": "mean of the four random splits",
        "mean of folds": "[Ee]nsemble",
    }.get(name, name)


def test_means_of_the_papers_follow_from_their_rows() -> None:
    centres = paper_table("iantsen2020_senorm", 1).rows.set_index("row")
    for column in ("dice_mean", "precision_mean", "recall_mean"):
        assert centres[column][:4].mean() == pytest.approx(centres[column]["mean of centres"], abs=0.001)
    folds = paper_table("bourigault2021_unet3plus", 1).rows.set_index("row")
    for column in folds.columns:
        assert folds[column][:5].mean() == pytest.approx(folds[column]["mean of folds"], abs=0.0101)


@pytest.mark.parametrize(("experiment", "number"), [("hecktor2022_baseline", 1), ("iantsen2020_senorm", 3)])
def test_what_has_no_table_is_answered_with_those_that_have(experiment, number) -> None:
    there = r"bourigault2021_unet3plus table=1; iantsen2020_senorm table=1\|2; jain2020_model_l table=2"
    with pytest.raises(ValueError, match=there):
        paper_table(experiment, number)


@pytest.mark.parametrize(
    ("experiment", "measure", "stem", "mean"),
    [
        ("jain2020_model_l", "dice_slices_mean", 0.8637, 0.7198),
        ("jain2020_model_m", "dice_slices_mean", 0.8553, 0.7216),
        ("zhu2018_anatomynet", "dice_mean", 0.8665, 0.7925),
        ("zhu2018_anatomynet_all", "dice_mean", 0.8665, 0.7925),
    ],
)
def test_organs_are_under_the_measure_that_the_paper_took(experiment, measure, stem, mean) -> None:
    table = paper_table(experiment, 2)
    assert (conf_dir() / "experiment" / f"{experiment}.yaml").is_file()
    assert (conf_dir() / "data" / f"{table.data}.yaml").is_file()
    assert list(table.rows) == ["row", measure]
    assert table.rows["row"].tolist() == [*PDDCA, MEAN_OF_ORGANS]
    scores = table.rows.set_index("row")[measure]
    assert (scores["BrainStem"], scores[MEAN_OF_ORGANS]) == pytest.approx((stem, mean))
    assert scores[:9].mean() == pytest.approx(scores[MEAN_OF_ORGANS], abs=5.1e-5)
    assert (table.task, table.layout) == ("train", "organs")
    assert "compare it with" in table.note


def test_five_methods_are_those_that_the_report_shows() -> None:
    table = paper_table("rainio2024", 1)
    assert (conf_dir() / "experiment" / "rainio2024.yaml").is_file()
    assert (table.task, table.layout, table.data) == ("cv", "methods", "turku")
    assert list(table.rows) == ["row", "CNNonly", "CNNrand", "CNNcm", "rand1CNN", "cm1CNN"]
    assert table.rows["row"].tolist() == [*"12345", "all test sets", "SD"]
    assert table.rows.set_index("row").loc["all test sets"].tolist() == [0.535, 0.563, 0.593, 0.615, 0.708]
    assert table.own_words("turku") == table.own_words("turku", phantom=True) == ()


def test_other_data_and_phantoms_have_splits_of_their_own() -> None:
    table = paper_table("jain2020_model_l", 2)
    assert table.own_words("miccai2015") == ()
    assert table.own_words("public_oar") == ("split=public_oar",)
    assert table.own_words("table") == table.own_words("miccai2015", phantom=True) == ("split=official",)
