"""One event loop in a thread of its own, for the asynchronous client libraries."""

import asyncio
import logging
import threading

_loop = asyncio.new_event_loop()
threading.Thread(target=_loop.run_forever, name="client libraries", daemon=True).start()


def wait_for(coroutine, deadline=60.0):
    """Run a coroutine on the loop and return its result."""
    return asyncio.run_coroutine_threadsafe(coroutine, _loop).result(deadline)


def keep_running(coroutine):
    """Run a coroutine on the loop until the returned function is called."""
    future = asyncio.run_coroutine_threadsafe(coroutine, _loop)
    future.add_done_callback(_complain)
    return future.cancel


def _complain(future):
    """Nobody waits for what keeps running, so its failure goes to the log of the test."""
    if not future.cancelled() and (error := future.exception()):
        logging.getLogger(__name__).error("a client library stopped", exc_info=error)
