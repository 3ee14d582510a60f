//! How long a failing destination is left alone.

use gantry_model::Rng;

/// Bounds of the pause between two attempts, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The pause after the first failure.
    pub min_ms: i64,
    /// The longest pause.
    pub max_ms: i64,
}

impl Backoff {
    /// The pause after so many failures in a row: it doubles with each, up to the longest, and is
    /// spread by a fifth to both sides, so that servers that failed together do not return
    /// together.
    pub fn pause(&self, failures: u32, rng: &dyn Rng) -> i64 {
        let doublings = failures.saturating_sub(1).min(32);
        let full = self
            .min_ms
            .max(1)
            .saturating_mul(1_i64 << doublings)
            .clamp(1, self.max_ms.max(1));
        let fifth = full / 5;
        let spread = i64::try_from(rng.next_u64() % (fifth as u64 * 2 + 1)).unwrap_or(0);
        full - fifth + spread
    }
}

#[cfg(test)]
mod tests {
    use gantry_model::SeededRng;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_pause_grows_and_stays_within_its_bounds(
            failures in 0_u32..100, min_ms in 1_i64..10_000, extra in 0_i64..1_000_000, seed: u64,
        ) {
            let backoff = Backoff { min_ms, max_ms: min_ms + extra };
            let rng = SeededRng::new(seed);

            let pause = backoff.pause(failures, &rng);

            prop_assert!(pause >= min_ms - min_ms / 5);
            prop_assert!(pause <= backoff.max_ms + backoff.max_ms / 5);
        }
    }

    #[test]
    fn the_third_failure_waits_four_times_as_long() {
        let backoff = Backoff {
            min_ms: 1_000,
            max_ms: 60_000,
        };

        let pause = backoff.pause(3, &SeededRng::new(1));

        assert!((3_200..=4_800).contains(&pause));
    }
}
