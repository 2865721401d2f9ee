"""Train a network: python train.py model=senorm_unet data=hecktor2021 data.root=DIR trainer.devices=2

The same as `hnseg train ...`; `python train.py --help` lists what can be chosen.
"""

import sys

from hnseg.run.cli import main

if __name__ == "__main__":
    sys.exit(main(["train", *sys.argv[1:]]))
