"""What is seen while many patients are predicted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class PatientBar:
    """Patients done, and windows of the one at work."""

    def __init__(self, progress: Progress, patients: int, enabled: bool) -> None:
        self._progress, self._enabled = progress, enabled
        self._patients = progress.add_task("patients", total=patients)
        self._windows = progress.add_task("windows", total=None, visible=False)

    def windows(self, done: int, total: int) -> None:
        """How far the patient at work is."""
        self._progress.update(self._windows, completed=done, total=total, visible=done < total)

    def next_patient(self) -> None:
        """The patient at work is done."""
        self._progress.update(self._windows, visible=False)
        self._progress.advance(self._patients)

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        if self._enabled:
            self._progress.console.print(line, markup=False, highlight=False, soft_wrap=True)


@contextmanager
def patient_bar(patients: int, enabled: bool) -> Iterator[PatientBar]:
    """A bar that is drawn while it is in use; not ``enabled``, it says nothing."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, disable=not enabled) as progress:
        yield PatientBar(progress, patients, enabled)
