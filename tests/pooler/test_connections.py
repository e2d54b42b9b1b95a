"""Lost connections and commits, behind a transaction pooler."""

from tests.store.postgresql.conftest import database  # noqa: F401 (a fixture)
from tests.store.postgresql.test_connections import (  # noqa: F401 (tests)
    test_a_commit_after_a_swallowed_error_is_not_taken_for_saved,
    test_a_commit_that_did_not_reach_the_replica_is_unknown,
    test_a_connection_lost_in_the_middle_is_a_reason_to_try_again,
    test_a_domain_error_is_not_hidden_by_a_lost_connection,
    test_a_dry_run_that_loses_its_connection_at_the_end_is_tried_again,
    test_a_read_that_loses_its_connection_is_run_again,
    test_other_notices_are_ignored,
    test_whether_a_lost_commit_was_saved_is_unknown_and_not_tried_again,
)
