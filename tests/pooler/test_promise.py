"""The tests of tests.house.test_promise, behind a transaction pooler."""

import pytest

from tests.house.test_promise import *  # noqa: F403 (every test and fixture)

pytestmark = [
    pytest.mark.parametrize("engine", ["pgbouncer"], indirect=True, scope="session"),
    pytest.mark.unmeasured,
]
