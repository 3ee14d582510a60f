//! Engines and disks that misbehave on purpose.

mod power;
mod torn;

pub use power::{PowerCutDisk, Syncing};
pub use torn::TornEngine;
