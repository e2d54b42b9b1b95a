"""The wheel and the source distribution: their contents, and that an installed wheel serves from any folder."""

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path

import httpx
import pytest

import kalends
from tests.served import ADDRESS, PATIENCE_S

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src"
VERSION = kalends.__version__
WHEEL = f"kalends-{VERSION}-py3-none-any.whl"


def build(source: Path, target: Path, *kinds: str) -> None:
    words = [part for kind in kinds for part in ("--target", kind)]
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--directory", str(target), *words],
        cwd=source,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as packed:
        return {name: packed.read(name) for name in packed.namelist()}


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """Build both from a copy of the repository."""
    source, target = tmp_path_factory.mktemp("source") / "kalends", tmp_path_factory.mktemp("dist")
    left_out = shutil.ignore_patterns(
        ".git", ".venv", "build", "dist", "__pycache__", ".*_cache", ".hypothesis", ".coverage*", "*.db*"
    )
    shutil.copytree(ROOT, source, ignore=left_out)
    (source / "private.db").write_text("data of a local run")
    (source / ".env").write_text("a secret of a local run")
    build(source, target, "sdist", "wheel")
    return target


@pytest.mark.slow
def test_the_wheel_has_every_file_of_the_package_as_it_is(dist):
    packed = contents(dist / WHEEL)
    ours = {name: text for name, text in packed.items() if not name.startswith(f"kalends-{VERSION}.dist-info/")}
    files = {file for file in SOURCE.rglob("*") if file.is_file() and file.suffix != ".pyc"}
    assert ours == {str(file.relative_to(SOURCE)): file.read_bytes() for file in files}
    assert {"kalends/py.typed", "kalends/rest/reference/templates/reference.html.j2"} <= ours.keys()


@pytest.mark.slow
def test_the_metadata_is_whole(dist):
    packed = contents(dist / WHEEL)
    about = f"kalends-{VERSION}.dist-info"
    assert packed[f"{about}/entry_points.txt"].decode().split() == [
        "[console_scripts]",
        "kalends",
        "=",
        "kalends.cli:main",
    ]
    assert packed[f"{about}/licenses/LICENSE"] == (ROOT / "LICENSE").read_bytes()
    metadata = Parser().parsestr(packed[f"{about}/METADATA"].decode())
    assert (metadata["Name"], metadata["Version"]) == ("kalends", VERSION)
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert str(metadata.get_payload()).strip() == (ROOT / "README.md").read_text().strip()
    assert "psycopg[binary,pool]>=3.3" in metadata.get_all("Requires-Dist", [])
    assert metadata.get_all("Project-URL") is None
    assert metadata["Author-Email"] is None
    assert tuple(map(int, metadata["Metadata-Version"].split("."))) <= (2, 4)


@pytest.mark.slow
def test_the_source_distribution_builds_the_same_wheel(dist, tmp_path):
    with tarfile.open(dist / f"kalends-{VERSION}.tar.gz") as packed:
        packed.extractall(tmp_path, filter="data")
    source = tmp_path / f"kalends-{VERSION}"
    build(source, tmp_path, "wheel")
    assert contents(tmp_path / WHEEL) == contents(dist / WHEEL)
    for name in (
        "Makefile",
        "requirements/build.txt",
        ".ci/run",
        "deploy/Dockerfile",
        "docs/openapi.json",
        "tests/cast.py",
    ):
        assert (source / name).read_bytes() == (ROOT / name).read_bytes()
    assert not list(source.glob("private.db"))
    assert not (source / ".env").exists()


@pytest.mark.slow
def test_an_installed_wheel_serves_from_any_folder(dist, tmp_path):
    """Its dependencies are those of this environment; the package itself is the wheel's."""
    home, folder = tmp_path / "home", tmp_path / "elsewhere"
    folder.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    python = str(home / "bin" / "python")
    install = ["-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", str(dist / WHEEL)]
    subprocess.run([sys.executable, *install], check=True)
    (library,) = home.glob("lib/python*/site-packages")
    (library / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    environment = {"PATH": "/usr/bin:/bin", "KALENDS_DATABASE_URL": "sqlite:///own.db"}
    where = subprocess.check_output(
        [python, "-c", "import kalends; print(kalends.__file__)"], cwd=folder, env=environment
    )
    assert Path(where.decode().strip()).is_relative_to(home)
    with subprocess.Popen(
        [str(home / "bin" / "kalends"), "serve", "--port", "0"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout
        try:
            (address,) = ADDRESS.findall(server.stdout.readline())
            assert httpx.get(f"{address}/health/ready").status_code == 200
            assert "<title>" in httpx.get(f"{address}/docs").text
        finally:
            server.terminate()
        assert server.wait(PATIENCE_S) == 0
    assert (folder / "own.db").exists()
