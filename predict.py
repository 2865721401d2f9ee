"""Outline the patients of a folder: python predict.py checkpoint=RUN_OR_CKPT input=DIR output=DIR

The same as `hnseg predict ...`; `python predict.py --help` lists what can be chosen.
"""

import sys

from hnseg.run.cli import main

if __name__ == "__main__":
    sys.exit(main(["predict", *sys.argv[1:]]))
