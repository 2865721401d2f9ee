"""`hnseg <command> key=value ...`: finds the command and hands over, importing nothing else."""

from __future__ import annotations

import sys
from importlib import import_module

COMMANDS = {
    "train": "train a network, and where test=true score held-out patients",
    "cv": "train every fold of a split; tables, ensemble and one report of all of them",
    "tune-postprocess": "choose the settings of post-processing on validation patients",
    "reproduce": "make a table of a paper, with hours and disk said before it starts",
    "predict": "outline the patients of a folder with trained checkpoints",
    "evaluate": "score a folder of masks against the truth",
    "compare": "put runs and folders of masks side by side, paired by patient",
    "import": "turn a folder of DICOM files into cases, and report what was found and why some was not",
    "survival": "predict outcome from clinical, radiomic and deep features; survival predict applies a saved model",
    "prepare": "turn a data set's raw studies into the cache that training reads",
    "check": "report on a folder before any work is done with it",
    "phantom": "write the built-in phantom in the layout of a data set",
    "export-nnunet": "write a prepared data set and its folds for nnU-Net v2",
    "report": "write the HTML page of a run again",
}
SECOND_WORDS = ("survival predict",)
"""Commands of two words, which have a configuration and a module of their own."""


def usage() -> str:
    """What ``hnseg --help`` prints."""
    width = max(map(len, COMMANDS)) + 2
    lines = [f"  {name:<{width}}{about}" for name, about in COMMANDS.items()]
    return "\n".join(
        [
            "hnseg: outline tumours and organs in head-and-neck CT, PET and PET/CT",
            "",
            "usage: hnseg COMMAND key=value ...",
            "",
            *lines,
            "",
            "Each has --help with an example. A first try: hnseg train",
        ]
    )


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit code is 0 only where nothing failed."""
    given = sys.argv[1:] if arguments is None else arguments
    if not given or given[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    if given[0] == "--version":
        from hnseg import __version__

        print(f"hnseg {__version__}")
        return 0
    name, rest = given[0], given[1:]
    if rest and f"{name} {rest[0]}" in SECOND_WORDS:
        name, rest = f"{name} {rest[0]}", rest[1:]
    if name not in COMMANDS and name not in SECOND_WORDS:
        print(f"hnseg: no command {name!r}\n\n{usage()}", file=sys.stderr)
        return 2
    return int(import_module("hnseg.run.command").run(name, rest))


if __name__ == "__main__":
    sys.exit(main())
