"""Files that are whole or not there: written beside their place under another name, then moved."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


def check_writable(paths: list[Path]) -> None:
    """Raise OSError unless every file can be written; leaves nothing behind.

    Folders that are missing are made for the test and removed again.
    """
    for path in paths:
        if path.is_dir():
            raise IsADirectoryError(f"cannot write {path}: it is a folder")
        with _made(path.parent) as made:
            probe = _temporary(path)
            try:
                probe.touch(exist_ok=False)
                probe.unlink()
            except OSError as error:
                raise OSError(f"cannot write in {path.parent}: {error.strerror}") from None
            finally:
                for folder in made:
                    folder.rmdir()


def write_files(contents: Mapping[Path, str]) -> None:
    """Write all files or, where writing fails or is interrupted, none of them.

    All are written under temporary names first. Ctrl-C that comes while these take their places, which takes
    well under a millisecond, is too late and has no effect.
    """
    written: list[Path] = []
    try:
        for path, text in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            written.append(_temporary(path))
            with open(written[-1], "x", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
        with _interrupts_ignored():
            for temporary, path in zip(written, contents, strict=True):
                os.replace(temporary, path)
    finally:
        for temporary in written:
            temporary.unlink(missing_ok=True)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


@contextmanager
def _made(folder: Path) -> Iterator[list[Path]]:
    """Make a folder; gives those that were not there, the deepest first."""
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"cannot make the folder {folder}: {error.strerror}") from None
    yield missing


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ignore Ctrl-C in the block; only Python's main thread receives it and may say so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)
