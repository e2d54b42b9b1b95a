"""The OpenAPI document on the command line."""

import json

from kalends.app import reference
from tests.cli.conftest import call_with


def test_the_document_is_the_one_that_is_served():
    printed = call_with()("openapi")
    assert json.loads(printed.stdout) == json.loads(json.dumps(reference()))
    assert printed.stderr == ""
