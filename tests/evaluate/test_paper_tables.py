import numpy as np
import pandas as pd
import pytest

from hnseg.evaluate import centre_table, false_positive_table, fold_table, paper_tables
from hnseg.evaluate.paper_tables import ENSEMBLE, MEAN_OF_FOLDS, MEAN_OF_RANDOM_SPLITS

# Table 1 of Bourigault et al. 2022
PUBLISHED_FOLDS = {
    "Fold 1": (0.792, 3.18, 0.822, 3.11),
    "Fold 2": (0.693, 3.43, 0.702, 3.41),
    "Fold 3": (0.728, 3.32, 0.749, 3.29),
    "Fold 4": (0.736, 3.31, 0.738, 3.30),
    "Fold 5": (0.742, 3.29, 0.756, 3.28),
}
# Table 1 of Iantsen et al. 2021: n, then mean and standard deviation of DSC, precision, recall
PUBLISHED_CENTRES = {
    "CHUS": (72, 0.744, 0.206, 0.763, 0.248, 0.788, 0.226),
    "CHUM": (56, 0.739, 0.190, 0.748, 0.224, 0.819, 0.216),
    "CHGJ": (55, 0.801, 0.180, 0.791, 0.208, 0.839, 0.200),
    "CHMR": (18, 0.696, 0.232, 0.739, 0.286, 0.712, 0.228),
}


def row(case, fold, *, dice=0.5, hd95=3.0, predicted=4.0, truth=4.0, common=3.0, false=0, structure="GTVt", **other):
    """A row of evaluate_case; volumes in ml."""
    return {
        "case": case, "centre": case[:4], "structure": structure, "fold": fold, "dice": dice, "precision": dice / 2,
        "recall": 1 - dice, "hd95_mm": hd95, "volume_mm3": 1e3 * predicted, "truth_volume_mm3": 1e3 * truth,
        "intersection_mm3": 1e3 * common, "lesions_false": false, **other,
    }  # fmt: skip


def line(table, name, structure="GTVt"):
    return table[(table["row"] == name) & (table["structure"] == structure)].iloc[0]


def spread_to(mean, deviation, n):
    """n values with exactly this mean and sample standard deviation."""
    values = np.random.default_rng(n).normal(size=n)
    return mean + deviation * (values - values.mean()) / values.std(ddof=1)


def published_folds(which):
    return pd.DataFrame(
        [row(f"p{fold}", fold, dice=scores[which], hd95=scores[which + 1]) for fold, scores in PUBLISHED_FOLDS.items()]
    )


def test_the_papers_ensemble_row_is_the_mean_of_its_folds():
    table = fold_table(published_folds(0), published_folds(2))
    assert list(table["row"]) == [*PUBLISHED_FOLDS, MEAN_OF_FOLDS]
    mean = line(table, MEAN_OF_FOLDS)
    assert round(mean["dice"], 3) == 0.738
    assert round(mean["dice_postprocessed"], 3) == 0.753
    assert mean["hd95_mm"] == pytest.approx(3.306)  # printed as 3.30
    assert round(mean["hd95_mm_postprocessed"], 2) == 3.28
    assert mean["n"] == 5


def test_a_fold_counts_once_however_many_patients_it_has():
    rows = pd.DataFrame([row(f"a{i}", "A", dice=0.9) for i in range(3)] + [row("b", "B", dice=0.1)])
    assert line(fold_table(rows), MEAN_OF_FOLDS)["dice"] == pytest.approx(0.5)


def test_an_infinite_distance_is_counted_and_moves_the_median():
    distances = [2.0, 4.0, np.inf]
    fold = line(fold_table(pd.DataFrame([row(f"p{i}", 0, hd95=d) for i, d in enumerate(distances)])), "0")
    assert (fold["hd95_mm"], fold["hd95_mean_mm"], fold["hd95_infinite"]) == (4.0, 3.0, 1)
    most = [2.0, np.inf, np.inf]
    table = fold_table(pd.DataFrame([row(f"p{i}", 0, hd95=d) for i, d in enumerate(most)] + [row("q", 1, hd95=1.0)]))
    assert line(table, "0")["hd95_mm"] == np.inf
    assert line(table, MEAN_OF_FOLDS)["hd95_mm"] == np.inf
    assert line(table, MEAN_OF_FOLDS)["hd95_mean_mm"] == pytest.approx(1.5)
    assert line(table, MEAN_OF_FOLDS)["hd95_infinite"] == 2


def test_a_fold_that_found_nothing_has_no_finite_distance():
    fold = line(fold_table(pd.DataFrame([row("p", "A", dice=0.0, hd95=np.inf)])), "A")
    assert fold["hd95_mm"] == np.inf
    assert np.isnan(fold["hd95_mean_mm"])


def test_undefined_dice_stays_out():
    rows = pd.DataFrame([row("p", "A", dice=np.nan, hd95=np.nan), row("q", "A", dice=0.8)])
    fold = line(fold_table(rows), "A")
    assert (fold["dice"], fold["hd95_mm"], fold["n"]) == (0.8, 3.0, 2)


def test_folds_stay_in_their_order_and_structures_apart():
    rows = pd.DataFrame([row(f"p{f}{s}", f, structure=s) for f in (10, 9, 2) for s in ("GTVp", "GTVn")])
    table = fold_table(rows)
    assert list(table["row"]) == ["10", "9", "2", MEAN_OF_FOLDS] * 2
    assert list(table["structure"]) == ["GTVp"] * 4 + ["GTVn"] * 4
    assert set(fold_table(rows, structure="GTVn")["structure"]) == {"GTVn"}


def test_a_patient_in_two_folds_is_one_patient():
    rows = pd.DataFrame([row("p", "CHUM"), row("p", "random_0"), row("q", "CHUS")])
    assert line(fold_table(rows), MEAN_OF_FOLDS)["n"] == 2


def test_the_ensemble_on_test_patients_is_a_row_of_its_own():
    rows = pd.DataFrame([row("p", "A", dice=0.2)])
    tested = pd.DataFrame([row("t", "", dice=0.6), row("u", "", dice=0.8)]).drop(columns="fold")
    table = fold_table(rows, rows, test=tested)
    assert line(table, ENSEMBLE)["dice"] == pytest.approx(0.7)
    assert np.isnan(line(table, ENSEMBLE)["dice_postprocessed"])  # nobody made it: nothing, rather than a zero
    assert line(table, MEAN_OF_FOLDS)["dice"] == pytest.approx(0.2)


def centre_rows():
    lines = []
    for centre, (n, *scores) in PUBLISHED_CENTRES.items():
        columns = [spread_to(*scores[place : place + 2], n) for place in (0, 2, 4)]
        for number, (dice, precision, recall) in enumerate(zip(*columns, strict=True)):
            named = row(f"{centre}{number}", centre, dice=dice)
            lines.append(named | {"precision": precision, "recall": recall})
    return pd.DataFrame(lines)


def test_iantsens_table_1_comes_out_of_patients_like_theirs():
    table = centre_table(centre_rows())
    columns = ["n", *[f"{name}_{what}" for name in ("dice", "precision", "recall") for what in ("mean", "sd")]]
    for centre, printed in PUBLISHED_CENTRES.items():
        assert tuple(round(float(value), 3) for value in line(table, centre)[columns]) == printed
    average = line(table, "mean of centres")
    means = [average[f"{name}_mean"] for name in ("dice", "precision", "recall")]
    assert means == pytest.approx([0.745, 0.760, 0.789], abs=6e-4)  # theirs are of unrounded centres
    assert MEAN_OF_RANDOM_SPLITS not in set(table["row"])  # every patient was tested once


@pytest.mark.parametrize("names", [("random_0", "random_1"), ("new_split_0", "new_split_1")])
def test_random_splits_are_averaged_by_themselves(names):
    first, second = names
    left_out = [row("CHUM1", "CHUM", dice=0.4), row("CHUS1", "CHUS", dice=0.6)]
    random = [row("CHUM1", first, dice=0.9), row("CHUS1", second, dice=0.5), row("CHUS2", second, dice=0.7)]
    table = centre_table(pd.DataFrame(left_out + random))
    assert list(table["row"]) == ["CHUM", "CHUS", "mean of centres", MEAN_OF_RANDOM_SPLITS]
    assert line(table, "CHUM")["dice_mean"] == 0.4  # and not the 0.65 that both folds would give
    assert line(table, MEAN_OF_RANDOM_SPLITS)["dice_mean"] == pytest.approx((0.9 + 0.6) / 2)


@pytest.mark.parametrize("folds", [(0, 1, 2), ("random_0", "random_1", "random_2")])
def test_folds_of_one_kind_give_centres(folds):
    rows = pd.DataFrame([row(case, fold) for case, fold in zip(("CHUM1", "CHUS1", "CHUM2"), folds, strict=True)])
    assert list(centre_table(rows)["row"]) == ["CHUM", "CHUS", "mean of centres"]


def test_test_patients_by_centre():
    rows = pd.DataFrame([row("CHUV1", "", dice=0.7), row("CHUV2", "", dice=0.8)]).drop(columns="fold")
    table = paper_tables.test_table(rows)
    assert list(table["row"]) == ["CHUV"]
    assert table["dice_mean"].iloc[0] == pytest.approx(0.75)
    both = paper_tables.test_table(pd.concat([rows, rows.assign(case=["CHUP1", "CHUP2"], centre="CHUP")]))
    assert list(both["row"]) == ["CHUP", "CHUV", "all patients"]


def test_false_positives_by_hand():
    before = [row("a", "A", predicted=5, common=3, false=2), row("b", "A", predicted=4, common=4),
              row("c", "B", predicted=3, common=1, false=1)]  # fmt: skip
    after = [row("a", "A", predicted=3.5, common=3, false=0), row("b", "A", predicted=4, common=4),
             row("c", "B", predicted=4, common=1, false=1)]  # fmt: skip
    table = false_positive_table(pd.DataFrame(before), pd.DataFrame(after))
    assert list(table["row"]) == ["A", "B", "all folds"]
    fold = line(table, "A")
    assert (fold["false_positive_ml"], fold["false_positive_ml_postprocessed"]) == (1.0, 0.25)
    assert (fold["lesions_false"], fold["lesions_false_postprocessed"]) == (1.0, 0.0)
    assert fold["false_negative_ml"] == 0.5
    everyone = line(table, "all folds")
    assert everyone["change_ml"] == pytest.approx((-1.5 + 0 + 1) / 3)
    assert (everyone["fell"], everyone["rose"], everyone["unchanged"]) == (1, 1, 1)
    assert everyone["change_low"] < everyone["change_ml"] < everyone["change_high"]
    assert np.isnan(line(table, "B")["change_low"])  # one patient


def test_a_chain_that_deletes_everything_pays_in_false_negatives():
    before = pd.DataFrame([row(f"p{i}", "A", predicted=6, common=3) for i in range(3)])
    table = false_positive_table(before, before.assign(volume_mm3=0.0, intersection_mm3=0.0))
    fold = line(table, "all folds")
    assert fold["false_positive_ml_postprocessed"] == 0
    assert (fold["false_negative_ml"], fold["false_negative_ml_postprocessed"]) == (1.0, 4.0)
    assert fold["fell"] == 3


def test_the_interval_is_that_of_paired_differences():
    """Patients differ a lot, what is removed does not: only a paired interval is narrow."""
    outside = np.random.default_rng(0).uniform(0, 100, 60)
    removed = np.random.default_rng(1).normal(1.0, 0.2, 60)
    before, after = (
        pd.DataFrame([row(f"p{i}", "A", predicted=3 + volume) for i, volume in enumerate(volumes)])
        for volumes in (outside, outside - removed)
    )
    fold = line(false_positive_table(before, after.sample(frac=1, random_state=0)), "A")  # the order is no pairing
    width = fold["change_high"] - fold["change_low"]
    assert width == pytest.approx(2 * 1.96 * removed.std() / np.sqrt(60), rel=0.2)
    assert fold["change_low"] < -removed.mean() < fold["change_high"] < 0


def test_a_patient_of_two_folds_counts_once_over_all_folds():
    before = pd.DataFrame([row("p", "A", predicted=5), row("p", "random_0", predicted=7), row("q", "A", predicted=3)])
    everyone = line(false_positive_table(before, before.assign(volume_mm3=3000.0)), "all folds")
    assert everyone["n"] == 2
    assert everyone["false_positive_ml"] == pytest.approx((3 + 0) / 2)


def test_rounding_is_no_change():
    """Three voxels of 0.1 ml outside, as 13 - 10 and as 9 - 6: not the same floating-point number."""
    before = pd.DataFrame([row("p", "A", predicted=13 * 0.1, common=10 * 0.1)])
    after = pd.DataFrame([row("p", "A", predicted=9 * 0.1, common=6 * 0.1)])
    assert line(false_positive_table(before, after), "A")["unchanged"] == 1


def test_who_has_only_one_half_is_named():
    rows = pd.DataFrame([row("p", "A"), row("q", "A")])
    with pytest.raises(ValueError, match="only without or only with post-processing: q"):
        false_positive_table(rows, rows[:1])
    with pytest.raises(ValueError, match="p: two rows"):
        false_positive_table(pd.concat([rows, rows[:1]]), rows)


TABLES = {
    "fold": fold_table,
    "centre": centre_table,
    "test": paper_tables.test_table,
    "false positive": lambda rows, structure=None: false_positive_table(rows, rows, structure),
}


@pytest.mark.parametrize("name", TABLES)
def test_what_is_missing_is_named(name):
    rows = pd.DataFrame([row("p", "A")])
    needed = "volume_mm3" if name == "false positive" else "hd95_mm"
    with pytest.raises(ValueError, match=needed):
        TABLES[name](rows.drop(columns=needed))
    with pytest.raises(ValueError, match="no rows"):
        TABLES[name](rows[:0])
    with pytest.raises(ValueError, match=r"'GTVx'; the table has GTVt"):
        TABLES[name](rows, structure="GTVx")


@pytest.mark.parametrize("name", ["fold", "centre", "false positive"])
def test_rows_without_a_fold_are_refused(name):
    with pytest.raises(ValueError, match="fold"):
        TABLES[name](pd.DataFrame([row("p", "A")]).drop(columns="fold"))
