//! The numbers of what is kept in memory only.

/// The number after one: never less than the time (milliseconds), so that those of a restarted server
/// go on, and those of several nodes are alike.
pub(crate) fn next_serial(serial: u64, now: i64) -> u64 {
    (serial + 1).max(u64::try_from(now).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_grow_and_keep_up_with_the_time() {
        assert_eq!(next_serial(7, 1_000), 1_000);
        assert_eq!(next_serial(1_000, 1_000), 1_001);
        assert_eq!(next_serial(5, -1), 6);
    }
}
