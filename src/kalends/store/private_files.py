"""Files that nobody but their owner may read: databases and their copies."""

import os
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from kalends.errors import BadSetting, Unavailable


def create_private(path: Path) -> None:
    """Create an empty file that only its owner may read, unless there is one. Raises Unavailable."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except FileExistsError:
        pass
    except OSError as error:
        advice = "Check its folder, and the rights and the room there."
        raise Unavailable(f"The file {path} cannot be created: {error.strerror}.", 10, advice) from error


@contextmanager
def new_private_file(target: Path) -> Generator[Path]:
    """Give an empty private file to fill, which then becomes `target`: only a whole and saved one ever bears the name.

    Raises BadSetting if there is such a file already, also if somebody else makes it meanwhile.
    """
    fresh = partial_file(target)
    try:
        yield fresh
        publish(fresh, target)
    finally:
        fresh.unlink(missing_ok=True)


def partial_file(target: Path) -> Path:
    """Make an empty private file beside `target`, which must not exist. Raises BadSetting."""
    with refusing(target):
        if target.exists():
            raise FileExistsError
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".partial")
        os.close(handle)
        return Path(name)


def publish(fresh: Path, target: Path) -> None:
    """Give a file its name once its contents are on the disk. Raises BadSetting."""
    with refusing(target):
        synchronize(fresh)
        os.link(fresh, target)  # fails where somebody was faster, unlike a rename
        synchronize(target.parent)


@contextmanager
def refusing(target: Path) -> Generator[None]:
    """Say what is wrong with a file that was asked for."""
    try:
        yield
    except FileExistsError as error:
        raise BadSetting(str(target), "there is such a file already: name a new one") from error
    except OSError as error:
        raise BadSetting(str(target), f"it cannot be made there ({error.strerror})") from error


def synchronize(path: Path) -> None:
    """Return once a file or folder is on the disk: neither VACUUM INTO nor a new name waits for that."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
