//! Leaving the server reliably: the outbox.
