import subprocess
import sys
from pathlib import Path

import pytest

from hnseg.run.cli import COMMANDS, main
from hnseg.run.command import MODULES

ROOT = Path(__file__).parents[2]


def test_help_lists_every_command_and_imports_nothing_heavy() -> None:
    heavy = "[m for m in ('torch', 'hydra', 'numpy') if m in sys.modules]"
    code = f"import sys; from hnseg.run.cli import main; main(['--help']); print({heavy})"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert shown.splitlines()[-1] == "[]"
    assert all(f"  {name} " in shown for name in COMMANDS)


def test_every_command_has_a_module_and_a_configuration() -> None:
    for name in COMMANDS:
        assert (ROOT / "hnseg" / "run" / f"{MODULES.get(name, name.replace('-', '_'))}.py").is_file()
        assert (ROOT / "conf" / f"{name}.yaml").is_file()


def test_an_unknown_command_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tarin"]) == 2
    assert "no command 'tarin'" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("hnseg ")
