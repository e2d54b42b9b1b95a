"""The files in deploy/, checked with the programs of this machine: each does what docs/deployment.md says."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from kalends.settings import Settings
from tests.house.dockerfile import Image, instructions, words_of
from tests.served import PATIENCE_S

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
FILES = sorted(DEPLOY.iterdir())
GUIDE = ROOT / "docs" / "deployment.md"
NETWORK_ERRORS = ("Temporary failure in name resolution", "Failed to establish a new connection", "Network is unreach")


def needs(program: str) -> str:
    """Return the path of a program. Skip the test if it is not installed."""
    path = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    return path or pytest.skip(f"{program} is not installed here")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def lint(*words: str, **options: Any) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_every_file_is_explained():
    guide = GUIDE.read_text()
    assert [file.name for file in FILES if f"deploy/{file.name}" not in guide] == []


@pytest.mark.parametrize("file", [*FILES, GUIDE], ids=lambda file: file.name)
def test_every_setting_exists(file):
    known = {f"KALENDS_{name.upper()}" for name in Settings.__struct_fields__}
    known |= {"KALENDS_DATABASE_URL_FILE", "KALENDS_DATABASE_PASSWORD"}  # the second is of compose.yaml alone
    assert set(re.findall(r"KALENDS_[A-Z_]*[A-Z]", file.read_text())) <= known


# ----------------------------------------------------------------------------------------------------------- Dockerfile


def test_the_image_is_built_and_started_as_another_user_from_what_is_locked():
    played = instructions(DEPLOY / "Dockerfile")
    assert [one.word for one in played].count("FROM") == 2
    last = played[[one.word for one in played].index("USER") :]
    assert last[0].rest == "10001:10001"
    assert {one.word for one in last} >= {"HEALTHCHECK", "ENTRYPOINT", "CMD", "EXPOSE", "VOLUME"}
    assert not [one for one in last if one.word == "RUN"]
    installs = [line for one in played if one.word == "RUN" for line in one.rest.split("&&") if " install " in line]
    assert all("--require-hashes" in line or "--no-deps --no-index" in line for line in installs)


def test_the_context_holds_what_is_copied_and_no_more():
    """.dockerignore excludes everything that it does not name."""
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    first, *rules = [line for line in lines if line and not line.startswith("#")]
    assert first == "*"
    let_in = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    copied = [
        source
        for one in instructions(DEPLOY / "Dockerfile")
        if one.word == "COPY" and "--from=" not in one.rest
        for source in words_of(one.rest)[:-1]
    ]
    for source in copied:
        assert (ROOT / source).exists()
        assert any(Path(source).match(rule) for rule in let_in), source


@pytest.mark.slow
def test_the_commands_of_the_dockerfile_make_a_healthy_service(tmp_path):
    """RUN and COPY are run in a plain folder without Docker; the service is started and checked as by HEALTHCHECK."""
    image = Image(tmp_path, ROOT, {name: os.environ[name] for name in os.environ if name.startswith(("PIP_", "HOME"))})
    try:
        for one in instructions(DEPLOY / "Dockerfile"):
            image.play(one)
    except AssertionError as error:
        if any(word in str(error) for word in NETWORK_ERRORS):
            pytest.skip("no package index can be reached, so the image's packages cannot be installed")
        raise
    assert not (image.root / "opt/kalends/bin/pip").exists()
    port = free_port()
    words = [*image.command["ENTRYPOINT"], *image.command["CMD"]]
    words = [{"8000": str(port), "0.0.0.0": "127.0.0.1"}.get(word, word) for word in words]
    check = [word.replace(":8000", f":{port}") for word in image.command["HEALTHCHECK"]]
    place: dict[str, Any] = {"cwd": image.here, "env": image.environment, "stderr": subprocess.DEVNULL, "text": True}
    program = str(image.root / "opt/kalends/bin/kalends")
    assert shutil.which(words[0], path=image.environment["PATH"]) == program
    python = shutil.which(check[0], path=image.environment["PATH"]) or ""

    def is_well() -> bool:
        return subprocess.run([python, *check[1:]], check=False, **place).returncode == 0

    assert not is_well()
    with subprocess.Popen([program, *words[1:]], stdout=subprocess.PIPE, **place) as server:
        assert server.stdout
        try:
            assert f"http://127.0.0.1:{port}" in server.stdout.readline()
            assert is_well()
        finally:
            server.terminate()
        assert server.wait(PATIENCE_S) == 0
    assert not is_well()
    assert (image.root / "data/kalends.db").exists()


# -------------------------------------------------------------------------------------------------------------- compose


@pytest.fixture(scope="module")
def composed():
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_compose_names_what_exists(composed):
    """Its structure follows the Compose specification; Docker itself reads it if it is installed."""
    assert composed.keys() == {"name", "services", "volumes"}
    service, database = composed["services"]["kalends"], composed["services"]["database"]
    build = service["build"]
    assert (DEPLOY / build["context"]).resolve() == ROOT
    assert (ROOT / build["dockerfile"]).is_file()
    assert service["depends_on"] == {"database": {"condition": "service_healthy"}}
    assert database["healthcheck"]["test"][0] == "CMD"
    assert {volume.partition(":")[0] for volume in database["volumes"]} == composed["volumes"].keys()
    url = service["environment"]["KALENDS_DATABASE_URL"]
    assert url.startswith("postgresql://kalends:${KALENDS_DATABASE_PASSWORD:?")
    assert url.endswith("@database/kalends")
    assert database["environment"]["POSTGRES_USER"] == database["environment"]["POSTGRES_DB"] == "kalends"
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    for one in (service, database):
        assert one["restart"] == "unless-stopped"
        assert int(one["stop_grace_period"].removesuffix("s")) >= 30


def test_docker_reads_the_compose_file():
    docker = needs("docker")
    if subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("Docker's compose plugin is not installed here")
    lint(docker, "compose", "config", "--quiet", cwd=DEPLOY, env={**os.environ, "KALENDS_DATABASE_PASSWORD": "x"})


# -------------------------------------------------------------------------------------------------------------- systemd


def test_systemd_accepts_the_unit(tmp_path):
    program = needs("systemd-analyze")
    unit = tmp_path / "kalends.service"
    kalends = Path(sys.executable).parent / "kalends"
    unit.write_text((DEPLOY / "kalends.service").read_text().replace("/opt/kalends/bin/kalends", str(kalends)))
    assert not [line for line in lint(program, "verify", str(unit)).splitlines() if str(unit) in line]


def test_systemd_finds_the_unit_hardened():
    said = lint(
        needs("systemd-analyze"), "security", "--offline=yes", "--threshold=20", str(DEPLOY / "kalends.service")
    )
    assert "Overall exposure level" in said


# -------------------------------------------------------------------------------------------------------------- proxies


def test_caddy_accepts_its_file():
    caddy = needs("caddy")
    lint(caddy, "validate", "--adapter", "caddyfile", "--config", str(DEPLOY / "Caddyfile"))


def test_nginx_accepts_its_file(tmp_path):
    """The file is included in a whole configuration with a self-signed certificate."""
    nginx, openssl = needs("nginx"), needs("openssl")
    key, certificate = tmp_path / "kalends.key", tmp_path / "kalends.pem"
    lint(
        *(openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"),
        *("-keyout", str(key), "-out", str(certificate)),
    )
    text = (DEPLOY / "nginx.conf").read_text()
    text = text.replace("/etc/ssl/private/kalends.key", str(key)).replace(
        "/etc/ssl/certs/kalends.pem", str(certificate)
    )
    whole = tmp_path / "nginx.conf"
    whole.write_text(f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; {text} }}")
    lint(nginx, "-t", "-p", str(tmp_path), "-e", "stderr", "-c", str(whole))
