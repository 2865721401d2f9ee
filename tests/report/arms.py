"""Three arms as ``hnseg cv`` leaves them, of heads with a hot brain: what the tests of the five methods read."""

import json
import shutil

import numpy as np
import pandas as pd
import yaml

ARMS = ("cnnonly", "rand1cnn", "cm1cnn")
SIDE = 128
Y, X = np.mgrid[:SIDE, :SIDE]


def write_manifest(folder, **fields):
    """As the report's own, without asking git for every fold."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(json.dumps(fields))


def blob(y, x, radius, stretch=1.0):
    return ((Y - y) / (radius * stretch)) ** 2 + ((X - x) / radius) ** 2 <= 1


def dice(prediction, truth):
    return 2.0 * (prediction & truth).sum() / max(1, prediction.sum() + truth.sum())


def make_slice(rng):
    """Image, truth, and what the three networks and the two filters answer."""
    y, x, radius = rng.uniform(55, 85), rng.uniform(35, 90), rng.uniform(3, 8)
    truth, brain = blob(y, x, radius, 1.3), blob(28, 64, 20, 0.6)
    image = 0.12 * blob(64, 64, 50, 1.1) + 0.6 * brain + rng.uniform(0.5, 0.85) * truth
    image = np.clip(image + 0.03 * rng.standard_normal(image.shape), 0, 1)
    moved = blob(y + rng.uniform(-5, 5), x + rng.uniform(-5, 5), radius * rng.uniform(0.6, 1.1))
    false = blob(30, 60, 9) if rng.random() < 0.4 else np.zeros_like(truth)
    answers = {
        "cnnonly": moved | false,
        "rand1cnn": blob(y + rng.uniform(-3, 3), x + rng.uniform(-3, 3), radius * 0.9),
        "cm1cnn": blob(y + rng.uniform(-1, 1), x, radius * rng.uniform(0.8, 1.2), 1.2),
    }
    central = dice(moved, truth)
    return image, truth, answers, central, central if rng.random() < 0.8 else 0.0


def make_arms(
    folder, *, folds=3, patients=4, slices=4, arms=ARMS, unfinished=(), phantom=False, pictures=True, thresholds=True
):
    """Write the arms; ``unfinished`` are pairs of arm and fold that were started."""
    for number in range(folds):
        rng = np.random.default_rng(number)
        made = [
            (f"{10 * number + patient}", place, *make_slice(rng))
            for patient in range(patients) for place in range(12, 12 + slices)
        ]  # fmt: skip
        for arm in arms:
            done = (arm, number) not in unfinished
            below = folder / "arms" / arm / "folds" / str(number)
            fields = {"threshold": 0.1 + 0.05 * number} if thresholds else {}
            write_manifest(below, name=f"{arm}-{number}", task="train", finished=done, phantom=phantom, **fields)
            (below / "report.html").write_text("a page")
            if done:
                write_slices(below, arm, made, phantom, pictures)
    for arm in arms:
        below = folder / "arms" / arm
        write_manifest(below, name=arm, task="cv", folds=[str(n) for n in range(folds)], phantom=phantom)
        (below / "report.html").write_text("a page")
    write_manifest(folder, name=folder.name, task="arms", arms=list(ARMS), phantom=phantom, data={"name": "turku"})
    (folder / "overrides.yaml").write_text(yaml.safe_dump(["experiment=rainio2024", "data.root=/data/my scans"]))
    return folder


def write_slices(folder, arm, made, phantom, pictures):
    rows, answers = [], []
    for case, place, _, truth, answered, central, random in made:
        answer = answered[arm]
        row = {"case": case, "slice": place, "pixels": truth.sum(), "predicted_pixels": answer.sum()}
        row["dice"] = dice(answer, truth)
        if arm == "cnnonly":
            row |= {"dice_filtered_centre": central, "dice_filtered_random": random}
        rows.append(row | {"phantom": phantom})
        answers.append(answer)
    pd.DataFrame(rows).to_csv(folder / "slices.csv", index=False)
    cases = sorted({row["case"] for row in rows})
    pixels = [40 * (arm == "cnnonly") * (place % 3 == 0) for _ in cases for place in range(9)]
    empty = {"case": np.repeat(cases, 9), "slice": [*range(9)] * len(cases), "predicted_pixels": pixels}
    volumes_ml = np.asarray(pixels) * 0.03
    pd.DataFrame(empty).assign(predicted_ml=volumes_ml, phantom=phantom).to_csv(
        folder / "empty_slices.csv", index=False
    )
    if pictures:
        np.savez_compressed(
            folder / "slices.npz",
            case=np.array([row["case"] for row in rows]),
            slice=np.array([row["slice"] for row in rows]),
            image=np.stack([image for _, _, image, *_ in made]).astype(np.float16),
            truth=np.stack([truth for _, _, _, truth, *_ in made]).astype(np.uint8),
            prediction=np.stack(answers).astype(np.uint8),
        )


def remove_arm(folder, arm):
    shutil.rmtree(folder / "arms" / arm)
