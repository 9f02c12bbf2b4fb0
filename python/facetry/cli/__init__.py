"""The command ``facetry``: its entry point, which turns errors into one line and an exit code.

0: done; 1: it could not be done; 2: the command line is wrong; 130: interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; gives the exit code."""
    try:
        from .commands import UsageError, run
    except ModuleNotFoundError as error:
        if not error.name or error.name.split(".")[0] not in ("typer", "rich"):
            raise
        return _fail(f"the command facetry needs {error.name}: pip install 'facetry[survey]'", 1)
    except KeyboardInterrupt:
        return _interrupted()
    try:
        run(sys.argv[1:] if arguments is None else list(arguments))
        return 0
    except UsageError as error:
        return _fail(error.format_message(), 2)
    except KeyboardInterrupt:
        return _interrupted()
    except BrokenPipeError:
        sys.stderr.close()  # the reader is gone; nothing more can be said to it
        return 1
    except OSError as error:
        named = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else str(error)
        return _fail(named, 1)
    except (ValueError, TypeError, MemoryError, RuntimeError, ImportError) as error:
        return _fail(str(error) or type(error).__name__, 1)


def _fail(message: str, code: int) -> int:
    print("error:", " ".join(message.split()), file=sys.stderr)
    return code


def _interrupted() -> int:
    print("interrupted, nothing written", file=sys.stderr)
    return 130
