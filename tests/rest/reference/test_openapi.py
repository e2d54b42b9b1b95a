"""The OpenAPI document: it is complete, it is correct, and the committed copy is the same."""

import json
import re
from pathlib import Path

import jsonschema_rs
import msgspec
import pytest

from kalends.app import reference
from kalends.rest.reference.openapi import example_of
from kalends.rest.routes import OPERATIONS
from kalends.rest.wire import read_struct, read_value
from tests.api import client

COMMITTED = Path(__file__).parents[3] / "docs" / "openapi.json"
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def document(app):
    answer = client(app).get("/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json()


def operations(document):
    return [operation for methods in document["paths"].values() for operation in methods.values()]


def contents(operation):
    """Return all content that an operation receives or answers."""
    bodies = [operation["requestBody"]] if "requestBody" in operation else []
    return [
        content for body in (*bodies, *operation["responses"].values()) for content in body.get("content", {}).values()
    ]


def test_the_committed_copy_is_the_document(document):
    message = "docs/openapi.json is not what the code says: .venv/bin/kalends openapi > docs/openapi.json"
    assert json.loads(COMMITTED.read_text()) == document == reference(), message


def test_no_description_has_the_indent_of_the_code(document):
    texts = [text for schema in document["components"]["schemas"].values() if (text := schema.get("description"))]
    assert any("\n" in text for text in texts)
    assert not [text for text in texts if "\n " in text]


def test_every_operation_is_described_completely(document):
    known = {(operation.method.lower(), operation.path) for operation in OPERATIONS}
    written = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert written - known == {("get", "/health/live"), ("get", "/health/ready")}
    assert known <= written
    for operation in operations(document):
        assert operation["summary"]
        assert not operation["summary"].endswith(".")
        assert operation["description"]
        assert any(status.startswith("2") for status in operation["responses"])
        assert {"500"} <= operation["responses"].keys()
        assert all("example" in content for content in contents(operation))
        if operation.get("security") != []:
            assert {"400", "401", "422", "503"} <= operation["responses"].keys()
        if "requestBody" in operation:
            assert {"413", "415"} <= operation["responses"].keys()
    ids = [operation["operationId"] for operation in operations(document)]
    assert len(ids) == len(set(ids))


def test_every_reference_leads_somewhere(document):
    text = json.dumps(document)
    for pointer in set(re.findall(r'"\$ref": "([^"]+)"', text)):
        found = document
        for part in pointer.removeprefix("#/").split("/"):
            found = found[part]
    for section in ("schemas", "parameters", "headers"):
        for name in document["components"][section]:
            assert f'"#/components/{section}/{name}"' in text, f"{name} is not used"


def test_every_schema_is_valid_and_every_example_fits_it(document):
    checked = 0
    for operation in operations(document):
        for content in contents(operation):
            schema = content["schema"] | {"components": document["components"]}
            validator = jsonschema_rs.Draft202012Validator(schema, validate_formats=True)
            assert [str(error) for error in validator.iter_errors(content["example"])] == []
            checked += 1
        for parameter in operation["parameters"]:
            if "schema" in parameter:
                validator = jsonschema_rs.Draft202012Validator(
                    parameter["schema"] | {"components": document["components"]}
                )
                for example in parameter["schema"].get("examples", ()):
                    assert validator.is_valid(example)
    assert checked > 100
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.Draft202012Validator(schema | {"components": document["components"]})


def test_every_example_is_accepted_and_written_by_the_code():
    for signature in (operation.signature for operation in OPERATIONS):
        if signature.body is not None:
            assert read_struct(signature.body, example_of(signature.body)) is not None
        for kind in signature.answers:
            assert msgspec.json.decode(msgspec.json.encode(example_of(kind)), type=kind, dec_hook=read_value)


def test_kinds_of_ids_differ_by_their_pattern(document):
    user = document["paths"]["/v1/users/{user_id}"]["get"]["parameters"][0]["schema"]["pattern"]
    assert re.search(user, "usr_018f3c5a9b2d4e6f")
    for other in ("evt_018f3c5a9b2d4e6f", "usr_818f3c5a9b2d4e6f", "usr_018f3c5a9b2d4e6", "xusr_018f3c5a9b2d4e6f0"):
        assert not re.search(user, other)


def test_only_the_health_of_the_service_needs_no_token(document):
    open_to_all = [operation["operationId"] for operation in operations(document) if operation.get("security") == []]
    assert open_to_all == ["check_liveness", "check_readiness"]
    assert document["security"] == [{"token": []}]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
