"""The digital phantom of the IBSI-1 (design by A. Zwanenburg, CC BY 4.0, https://github.com/theibsi/data_sets)."""

import numpy as np

SPACING_MM = (2.0, 2.0, 2.0)
IMAGE = np.array(
    [
        [[1, 4, 4, 1, 1], [1, 4, 6, 1, 1], [4, 1, 6, 4, 1], [4, 4, 6, 4, 1]],
        [[1, 4, 4, 1, 1], [1, 1, 6, 1, 1], [1, 1, 3, 1, 1], [4, 4, 6, 1, 1]],
        [[1, 4, 4, 1, 1], [1, 1, 1, 1, 1], [1, 1, 9, 1, 1], [1, 1, 6, 1, 1]],
        [[1, 4, 4, 1, 1], [1, 1, 1, 1, 1], [1, 1, 1, 1, 1], [1, 1, 6, 1, 1]],
    ]
)
MASK = np.ones_like(IMAGE, bool)
MASK[1, 2, 0] = MASK[2, 2, 2] = MASK[2, 0, 3] = MASK[2, 0, 4] = MASK[3, 0, 3] = MASK[3, 0, 4] = False
