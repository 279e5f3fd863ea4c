"""The programs' first lines; nothing is imported yet, so an early Ctrl-C ends in one line, too."""

import sys

__all__ = ["fertools", "zoo"]


def fertools() -> None:
    """Entry point of the command ``fertools``."""
    try:
        from cli.fertools_app import main

        main()
    except KeyboardInterrupt:
        _leave()


def zoo() -> None:
    """Entry point of the command ``zoo``."""
    try:
        from cli.zoo_app import main

        main()
    except KeyboardInterrupt:
        _leave()


def _leave() -> None:
    """Say one line and end with the status of an interruption."""
    print("interrupted; nothing was begun: start the same command again", file=sys.stderr)
    sys.exit(130)
