//! An engine that loses answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Applying;
use crate::{Engine, Error, Op};

/// Passes everything to another engine, but every now and then applies only a random prefix of
/// each batch, or all of it, and reports that the outcome is unknown. The same seed tears the same
/// calls at the same places.
pub fn torn(inner: Arc<dyn Engine>, seed: u64) -> Applying {
    let random = Arc::new(Random(AtomicU64::new(seed)));
    Applying::new(inner, move |inner, batches| {
        let random = Arc::clone(&random);
        async move {
            if random.draw(2) == 0 {
                return inner.apply(batches).await;
            }
            let prefix = |ops: &Vec<Op>| match random.draw(3) {
                0 => ops.clone(),
                _ => ops[..random.draw(ops.len() + 1)].to_vec(),
            };
            inner.apply(batches.iter().map(prefix).collect()).await?;
            Err(Error::Unavailable("torn on purpose".into()))
        }
    })
}

/// SplitMix64, which needs no state but a counter.
struct Random(AtomicU64);

impl Random {
    /// A number below `end`.
    fn draw(&self, end: usize) -> usize {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut number = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((number ^ number >> 31) % end as u64) as usize
    }
}
