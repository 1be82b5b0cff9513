"""Runs pycrdt's own tests on the wheel, in Pyodide, in Node.

1. All of upstream's tests run but those named here with the reason; a name that matches no test is an error.
2. How many must pass is written down: a test that silently does not run is an error too.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tools.locks import fetch, pins
from tools.pycrdt_wheel import recipe
from tools.runtime.build import files_of, runtime
from tools.system import ROOT, node, run

HERE = Path(__file__).resolve().parent
LOCK = ROOT / "browser-tests.txt"
PASSED = 260
THREADS = "Pyodide cannot start a thread"
EVENT_LOOP = "Node 20 cannot run an event loop inside the one that runs pytest"
NOT_RUN = {
    "tests/test_thread_gc.py::test_access_remains_thread_affine": THREADS,
    "tests/test_thread_gc.py::test_borrowed_views_reject_worker_access_during_callback": THREADS,
    "tests/test_thread_gc.py::test_destroy_on_another_thread": THREADS,
    "tests/test_thread_gc.py::test_owned_object_access_on_another_thread": THREADS,
    "tests/test_thread_gc.py::test_owned_transaction_moves_between_threads": THREADS,
    "tests/test_thread_gc.py::test_subscription_releases_callback_on_another_thread": THREADS,
    "tests/test_thread_gc.py::test_uncommitted_transaction_is_committed_on_another_thread": THREADS,
    "tests/test_thread_gc.py::test_undo_manager_releases_python_state_on_another_thread": THREADS,
    "tests/test_thread_gc.py::test_undo_redo_on_another_thread": THREADS,
    "tests/test_thread_gc.py::test_worker_exception_is_reraised": THREADS,
    "tests/test_array.py::test_iterate_events": EVENT_LOOP,
    "tests/test_awareness.py::test_awareness_periodic_updates": EVENT_LOOP,
    "tests/test_doc.py::test_async_observer_exceptions": EVENT_LOOP,
    "tests/test_doc.py::test_iterate_events": EVENT_LOOP,
    "tests/test_doc.py::test_iterate_events_with_async_transactions": EVENT_LOOP,
    "tests/test_doc.py::test_subdoc": EVENT_LOOP,
    "tests/test_event_stream.py::test_unsubscribe_drains_buffer": EVENT_LOOP,
    "tests/test_event_stream.py::test_unsubscribe_drains_waiting_async_producer": EVENT_LOOP,
    "tests/test_event_stream.py::test_unsubscribe_keeps_other_subscribers": EVENT_LOOP,
    "tests/test_event_stream.py::test_unsubscribe_with_clones": EVENT_LOOP,
    "tests/test_map.py::test_iterate_events": EVENT_LOOP,
    "tests/test_provider.py::test_provider": EVENT_LOOP,
    "tests/test_provider.py::test_provider_synced": EVENT_LOOP,
    "tests/test_provider.py::test_provider_synced_ignores_updates": EVENT_LOOP,
    "tests/test_provider_shutdown.py::test_cancellation_during_drain": EVENT_LOOP,
    "tests/test_provider_shutdown.py::test_exception_exit_does_not_drain": EVENT_LOOP,
    "tests/test_provider_shutdown.py::test_exit_drains_queued_and_inflight_updates": EVENT_LOOP,
    "tests/test_provider_shutdown.py::test_exit_waits_for_initial_send": EVENT_LOOP,
    "tests/test_provider_shutdown.py::test_exit_without_updates": EVENT_LOOP,
    "tests/test_provider_shutdown.py::test_send_failure_propagates": EVENT_LOOP,
    "tests/test_provider_shutdown.py::test_stop_closes_update_stream": EVENT_LOOP,
    "tests/test_sync.py::test_sync": EVENT_LOOP,
    "tests/test_text.py::test_iterate_events": EVENT_LOOP,
    "tests/test_threads.py::test_multi_threading": EVENT_LOOP,
    "tests/test_transaction.py::test_async_callback_in_new_transaction": EVENT_LOOP,
    "tests/test_transaction.py::test_async_callback_in_sync_transaction": EVENT_LOOP,
    "tests/test_transaction.py::test_async_transaction_in_existing_async_transaction": EVENT_LOOP,
    "tests/test_transaction.py::test_async_transaction_in_existing_sync_transaction": EVENT_LOOP,
    "tests/test_transaction.py::test_concurrent_async_transactions": EVENT_LOOP,
    "tests/test_transaction.py::test_new_async_transaction_concurrent": EVENT_LOOP,
    "tests/test_transaction.py::test_new_async_transaction_concurrent_no_multithreading": EVENT_LOOP,
    "tests/test_transaction.py::test_new_async_transaction_while_async_transaction": EVENT_LOOP,
    "tests/test_transaction.py::test_new_async_transaction_while_transaction": EVENT_LOOP,
    "tests/test_transaction.py::test_new_transaction_multithreading": EVENT_LOOP,
    "tests/test_transaction.py::test_new_transaction_no_multithreading": EVENT_LOOP,
    "tests/test_transaction.py::test_new_transaction_while_async_transaction": EVENT_LOOP,
}


class SuiteFailed(Exception):
    """pycrdt's own tests did not go as they have to."""


def judge(outcomes: dict[str, str]) -> None:
    """Raise `SuiteFailed` unless all tests passed, as many as there have to be."""
    wrong = [f"{outcome}: {test}" for test, outcome in outcomes.items() if outcome != "passed"]
    if wrong or len(outcomes) != PASSED:
        words = f"{len(outcomes) - len(wrong)} of pycrdt's tests passed, {PASSED} have to"
        raise SuiteFailed("\n".join([words, *wrong]))


def run_suite() -> dict[str, str]:
    """Run the tests and return the outcome of each by its name."""
    with tempfile.TemporaryDirectory(prefix="carryon-suite-") as scratch:
        wheels = Path(scratch) / "wheels"
        fetch(LOCK, [name for name in pins(LOCK) if name not in pins(recipe.LOCK)], wheels)
        order = {
            "runtime": str(files_of(runtime())),
            "wheels": str(wheels),
            "source": str(recipe.unpacked_source(Path(scratch))),
            "not_run": list(NOT_RUN),
        }
        path = Path(scratch) / "order.json"
        path.write_text(json.dumps(order))
        printed = run([node(), HERE / "suite.mjs", path], quiet=True)
    *report, last = printed.splitlines()
    print("\n".join(report))
    outcomes: dict[str, str] = json.loads(last)["outcomes"]
    return outcomes
