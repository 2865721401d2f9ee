import pandas as pd
import pytest

from hnseg.evaluate.click_curves import WITH_TUMOUR, WITHOUT_TUMOUR, click_curve, clicks_needed
from hnseg.inference.click_scores import COLUMNS, click_scores, write_click_scores
from hnseg.report.reading import read_csv
from tests.inference.click_fakes import VOXEL_ML, Painter, channels, disks, make_case

SHAPE = (3, 24, 24)
PLACES = ((0, 5, 5), (1, 12, 18), (2, 18, 6))
DISK = 13  # voxels


def scored(predictor, click_channels, *cases, **options):
    return pd.DataFrame(click_scores(predictor, click_channels, cases, show_progress=False, **options))


def dice_of(rows, **wanted):
    for name, value in wanted.items():
        rows = rows[rows[name] == value]
    return list(rows["dice"])


@pytest.fixture
def three_disks(tmp_path):
    return make_case(tmp_path / "P1", disks(SHAPE, *PLACES), modalities=("ct",))


def test_the_robot_finds_one_lesion_a_click_and_stops(three_disks):
    painter = Painter()
    robot = scored(painter, channels(), three_disks).query("user == 'robot'")
    assert list(robot["clicks"]) == list(range(11))
    assert list(robot["placed"]) == [0, 1, 2, *[3] * 8]
    assert list(robot["dice"]) == pytest.approx([0, 2 / 4, 4 / 5, *[1] * 8])
    assert list(robot["predicted_ml"]) == pytest.approx([VOXEL_ML * DISK * n for n in [0, 1, 2, *[3] * 8]])
    curve = click_curve(robot)
    assert list(curve["dice_median"]) == pytest.approx([0, 0.5, 0.8, 1, 1, 1])
    assert clicks_needed(robot).iloc[0]["clicks_median"] == 3
    clicks = [made for _, made in painter.seen[:4]]
    assert [len(made) for made in clicks] == [0, 1, 2, 3]
    assert sorted(index for index, _ in clicks[-1]) == [list(map(float, place)) for place in PLACES]


def test_a_negative_click_takes_away_what_is_too_much(three_disks):
    always = [(1, 4, 4)]
    with_negatives = dice_of(scored(Painter(always=always), channels(), three_disks), user="robot")
    # four errors of one size, in scan order: missed, too much, missed, missed
    assert with_negatives == pytest.approx([0, 2 / 5, 2 / 4, 4 / 5, *[1] * 7])
    positive_only = scored(Painter(always=always), channels(negatives=0), three_disks).query("user == 'robot'")
    assert list(positive_only["dice"]) == pytest.approx([0, 2 / 5, 4 / 6, *[6 / 7] * 8])
    assert positive_only["placed"].max() == 3


def test_slices_are_clicked_each_by_itself_and_answered_together(tmp_path):
    label = disks(SHAPE, (0, 5, 5), (2, 5, 5), (2, 15, 15))
    painter = Painter()
    case = make_case(tmp_path / "P1", label, modalities=("ct",))
    rows = scored(painter, channels(dims=2), case)
    robot = rows[rows["user"] == "robot"]
    assert dice_of(robot, slice=0) == pytest.approx([0, *[1] * 10])
    assert dice_of(robot, slice=2) == pytest.approx([0, 2 / 3, *[1] * 9])
    assert set(robot["slice"]) == {0, 2}
    shapes = [shape for shape, _ in painter.seen[:4]]
    assert shapes == [(2, 24, 24), (2, 24, 24), (1, 24, 24), (2, 24, 24)]  # slice 0 needs no second click; then users
    assert [sorted(index) for index, _ in painter.seen[2][1]] == [[0, 5, 5], [0, 15, 15]]
    assert set(rows.loc[rows["user"] == "no_tumour", "slice"]) == {1}


def test_one_click_users_with_their_marks(three_disks):
    painter = Painter()
    rows = scored(painter, channels(), three_disks)
    assert set(rows["user"]) <= {"robot", *WITH_TUMOUR, *WITHOUT_TUMOUR}
    assert set(WITH_TUMOUR) - {"no_click"} <= set(rows["user"])
    assert dice_of(rows, user="centre") == [1]
    assert list(rows.loc[rows["user"] == "centre", "clicks"]) == [3]
    wrong = rows[rows["user"] == "wrong_organ"].iloc[0]
    assert (wrong["clicks"], wrong["dice"]) == (1, 0)
    # 3 mm are less than two voxels of 2 mm or one slice of 4 mm, 6 mm about three or one and a half
    near, far = (dice_of(rows, user=f"displaced_{mm}mm")[0] for mm in (3, 6))
    assert 1 > near > far


def test_where_there_is_no_tumour_the_volume_counts(tmp_path):
    empty = make_case(tmp_path / "P2", disks(SHAPE), name="P2", hot=[(1, 12, 12)], modalities=("ct", "pt"))
    painter = Painter(always=[(0, 3, 3)])
    rows = scored(painter, channels(), empty).query("method == 'network'")
    assert list(rows["user"]) == ["no_tumour", "no_tumour_clicked"]
    assert rows["dice"].isna().all()
    assert list(rows["predicted_ml"]) == pytest.approx([VOXEL_ML * DISK, 2 * VOXEL_ML * DISK])
    assert painter.seen[1][1] == [([1.0, 12.0, 12.0], 1)]


def test_a_case_that_lacks_one_of_two_structures(tmp_path):
    label = disks(SHAPE, (1, 12, 12), value=2)
    case = make_case(tmp_path / "P1", label, names=("GTVp", "GTVn"), modalities=("ct",))
    rows = scored(Painter(("GTVp", "GTVn")), channels(structures=2), case)
    robot = rows[rows["user"] == "robot"]
    assert dice_of(robot, structure="GTVn") == pytest.approx([0, *[1] * 10])
    assert pd.isna(dice_of(robot, structure="GTVp")).all()
    assert set(rows.loc[rows["user"].isin(WITHOUT_TUMOUR), "structure"]) == {"GTVp"}
    clicked = rows[rows["user"] == "no_tumour_clicked"].iloc[0]
    assert clicked["predicted_ml"] > 0


def test_what_nobody_annotated_has_no_row_and_is_no_error(tmp_path):
    label = disks(SHAPE, (1, 12, 12))
    case = make_case(tmp_path / "P1", label, names=("GTVp", "GTVn"), annotated=(True, False), modalities=("ct",))
    painter = Painter(("GTVp", "GTVn"))
    paint = painter.predict_prepared

    def predict_prepared(image, progress=None, clicks=None):
        found = paint(image, progress, clicks)
        found[1, 0, :5, :5] = 0.9
        return found

    painter.predict_prepared = predict_prepared
    rows = scored(painter, channels(structures=2), case)
    assert set(rows["structure"]) == {"GTVp"}
    assert rows.loc[rows["user"] == "robot", "placed"].max() == 1


def test_the_same_again_and_the_same_clicks_for_a_patient_whoever_else_there_is(tmp_path, three_disks):
    other = make_case(tmp_path / "P0", disks(SHAPE, (1, 9, 9)), name="P0", modalities=("ct",))
    first = scored(Painter(), channels(), three_disks).drop(columns="seconds")
    again = scored(Painter(), channels(), other, three_disks).drop(columns="seconds")
    pd.testing.assert_frame_equal(again[again["case"] == "P1"].reset_index(drop=True), first)
    seeded = scored(Painter(), channels(), three_disks, seed=1).drop(columns="seconds")
    assert not seeded.equals(first)


def test_cases_without_a_truth_are_left_out(tmp_path):
    case = make_case(tmp_path / "P1", disks(SHAPE, (1, 9, 9)), annotated=(False,), modalities=("ct",))
    assert scored(Painter(), channels(), case).empty


def test_the_table_on_disk(tmp_path, three_disks):
    path = write_click_scores(tmp_path / "run", Painter(), channels(), [three_disks], show_progress=False)
    assert path.name == "clicks.csv"
    table = read_csv(path)
    assert tuple(table.columns) == COLUMNS
    assert set(table["phantom"]) == {"True"}
    assert table["slice"].isna().all()
    assert (table["seconds"] > 0).all()
    assert len(click_curve(table)) == 6
    nothing = read_csv(write_click_scores(tmp_path / "none", Painter(), channels(), [], show_progress=False))
    assert nothing.empty
    assert click_curve(nothing).empty
