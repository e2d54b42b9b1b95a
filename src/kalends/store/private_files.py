"""Files that only their owner may read: databases and their copies."""

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from kalends.errors import BadSetting, Unavailable


def create_private(path: Path) -> None:
    """Create an empty file that only its owner may read, unless it exists. Raise Unavailable."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        advice = "Check that the folder exists, that you may write to it, and that its disk has space."
        raise Unavailable(f"The file {path} cannot be created: {error.strerror}.", 10, advice) from error


@contextmanager
def new_private_file(target: Path) -> Generator[Path]:
    """Provide an empty private file, which becomes `target` at the end of the block, complete and synchronized.

    Raise BadSetting if `target` exists already, or is created by another process meanwhile.
    """
    fresh = partial_file(target)
    try:
        yield fresh
        publish(fresh, target)
    finally:
        fresh.unlink(missing_ok=True)


def partial_file(target: Path) -> Path:
    """Create an empty private file beside `target`, which must not exist. Raise BadSetting."""
    with refuse_bad_target(target):
        if target.exists():
            raise FileExistsError
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".partial")
        os.close(handle)
        return Path(name)


def publish(fresh: Path, target: Path) -> None:
    """Synchronize a file and give it its name. Raise BadSetting."""
    with refuse_bad_target(target):
        synchronize(fresh)
        os.link(fresh, target)  # unlike a rename, it fails if the name exists
        synchronize(target.parent)


@contextmanager
def refuse_bad_target(target: Path) -> Generator[None]:
    """Raise BadSetting if the file cannot be created."""
    try:
        yield
    except FileExistsError as error:
        raise BadSetting(str(target), "the file exists already: name a new one") from error
    except OSError as error:
        raise BadSetting(str(target), f"it cannot be created ({error.strerror})") from error


def synchronize(path: Path) -> None:
    """Write a file or folder to the disk; neither VACUUM INTO nor creating a name waits for that."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
