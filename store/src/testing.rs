//! Engines and disks that misbehave on purpose.

mod applying;
mod power;
mod torn;

pub use applying::{Applying, Batches};
pub use power::{PowerCutDisk, Syncing};
pub use torn::torn;
