//! Shared HTTP plumbing inwards.
