"""Rows of clicks as a run leaves them."""

import pandas as pd

ONE_CLICK = {"centre": 0.9, "random": 0.8, "displaced_3mm": 0.6, "displaced_6mm": 0.3, "wrong_organ": 0.0}


def click_rows(cases=("P1", "P2"), structures=("GTVp",), methods=("network", "pet_threshold"), phantom=False):
    """Two slices a case; after k robot clicks Dice is 0.1 k, or of the second method 0.05 k."""
    rows = []
    for case in cases:
        for structure in structures:
            for place, method in enumerate(methods):
                about = {"case": case, "structure": structure, "method": method, "predicted_ml": 2.0,
                         "seconds": 0.01, "phantom": phantom}  # fmt: skip
                rise = (0.1, 0.05)[place]
                rows += [about | {"slice": z, "user": "robot", "clicks": k, "placed": k, "dice": rise * k}
                         for z in (4, 5) for k in range(11)]  # fmt: skip
                rows += [about | {"slice": 4, "user": user, "clicks": 1, "placed": 1, "dice": dice}
                         for user, dice in ONE_CLICK.items()]  # fmt: skip
                rows += [about | {"slice": 9, "user": "no_tumour", "clicks": 0, "placed": 0, "predicted_ml": 0.0},
                         about | {"slice": 9, "user": "no_tumour_clicked", "clicks": 1, "placed": 1}]  # fmt: skip
    return pd.DataFrame(rows)
