//! Engines that misbehave on purpose.

mod torn;

pub use torn::TornEngine;
