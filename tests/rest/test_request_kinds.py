"""Which threads handle which requests: writes and slow requests do not delay quick reads."""

import pytest

from kalends.http.lanes import Kind
from kalends.rest.request_kinds import kind_finder
from kalends.rest.routes import OPERATIONS

kind_of = kind_finder(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda one: f"{one.method} {one.path}")
def test_every_operation_is_found_by_its_path(operation):
    path = operation.path.replace("{", "").replace("}", "")
    assert kind_of(operation.method, path, "dry_run=true") is operation.kind
    if operation.method == "GET":
        assert kind_of("HEAD", path, "") is operation.kind


@pytest.mark.parametrize(
    ("method", "path", "query", "kind"),
    [
        ("GET", "/v1/users", "limit=2", Kind.LIGHT),
        ("GET", "/v1/users", "limit=2&q=ada", Kind.HEAVY),
        ("GET", "/v1/events", "q=", Kind.HEAVY),
        ("GET", "/v1/events", "expand=participants&limit=250", Kind.HEAVY),
        ("GET", "/v1/events", "limit=99&expand=participants", Kind.LIGHT),
        ("POST", "/v1/find-time", "", Kind.CALCULATION),
        ("POST", "/v1/free-busy", "", Kind.CALCULATION),
        ("GET", "/v1/users/usr_1/export", "", Kind.HEAVY),
        ("GET", "/v1/audit", "", Kind.HEAVY),
        ("POST", "/v1/events", "q=a", Kind.WRITE),
        ("DELETE", "/v1/users/usr_1", "", Kind.WRITE),
        ("GET", "/docs", "", Kind.LIGHT),
        ("GET", "/no/such/path", "", Kind.LIGHT),
        ("BREW", "/no/such/path", "", Kind.WRITE),
    ],
)
def test_a_request_goes_to_the_threads_of_its_kind(method, path, query, kind):
    assert kind_of(method, path, query) is kind
