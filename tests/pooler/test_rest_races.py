"""The tests of tests.rest.test_races, behind a transaction pooler."""

import pytest

from tests.rest.test_races import *  # noqa: F403 (every test and fixture)

pytestmark = [
    pytest.mark.parametrize("engine", ["pgbouncer"], indirect=True, scope="session"),
    pytest.mark.unmeasured,
]
