//! Time and memory of a function. The time is that of the thread on the processor, so that others
//! on the machine do not count.

use std::hint::black_box;

use cpu_time::ThreadTime;

/// What one call took.
pub(crate) struct Measured {
    /// The median of the calls, in nanoseconds.
    pub(crate) median: u64,
    /// How often a call asked for memory.
    pub(crate) allocations: u64,
    /// The most memory that a call held at once, in bytes.
    pub(crate) peak_bytes: u64,
}

/// Calls a function so many times, after a call that looks at its memory.
pub(crate) fn measure<T>(calls: usize, function: impl Fn() -> T) -> Measured {
    let time_of_a_call = || {
        let start = ThreadTime::now();
        black_box(function());
        start.elapsed().as_nanos() as u64
    };
    if calls == 1 {
        return Measured {
            median: time_of_a_call(),
            allocations: 0,
            peak_bytes: 0,
        };
    }
    let memory = allocation_counter::measure(|| {
        black_box(function());
    });
    let mut times: Vec<u64> = (0..calls).map(|_| time_of_a_call()).collect();
    times.sort_unstable();
    Measured {
        median: times[times.len() / 2],
        allocations: memory.count_total,
        peak_bytes: memory.bytes_max,
    }
}
