"""Limits of waiting and of statements, and migrations, behind a transaction pooler."""

from tests.store.postgresql.conftest import database  # noqa: F401 (a fixture)
from tests.store.postgresql.test_limits import (  # noqa: F401 (tests)
    test_a_blocked_migration_lets_others_pass_and_tries_again,
    test_a_commit_that_is_cancelled_is_known_to_have_failed,
    test_a_migration_that_loses_its_connection_is_run_again,
    test_a_migration_that_stays_blocked_gives_up,
    test_a_pool_without_a_free_connection_is_unavailable,
    test_a_statement_that_runs_too_long_is_ended,
    test_a_transaction_that_cannot_be_put_in_an_order_is_tried_again,
    test_an_idle_transaction_is_ended_and_unavailable,
    test_waiting_too_long_for_a_row_is_unavailable,
    test_writers_who_lock_each_other_out_both_get_through,
)
