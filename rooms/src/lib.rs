//! The room engine.
