//! Time and memory of a function. The time is that of the thread on the processor, so that others
//! on the machine do not count.

use std::{hint::black_box, time::Duration};

use cpu_time::ThreadTime;

/// No more calls are made once they have taken so long together.
const ENOUGH: Duration = Duration::from_secs(2);

/// What one call took.
pub(crate) struct Measured<T> {
    /// The median of the calls, in nanoseconds.
    pub(crate) median: u64,
    /// How often the first call asked for memory.
    pub(crate) allocations: u64,
    /// The most memory that the first call held at once, in bytes.
    pub(crate) peak_bytes: u64,
    /// What the last call returned.
    pub(crate) last: T,
}

/// Calls a function at most so many times, each time with a fresh input that is not measured.
pub(crate) fn measure<I, T>(
    calls: usize,
    input: impl Fn() -> I,
    function: impl Fn(I) -> T,
) -> Measured<T> {
    let mut times = Vec::new();
    let mut last = None;
    let mut call = |input: I| {
        let start = ThreadTime::now();
        last = Some(black_box(function(black_box(input))));
        times.push(start.elapsed());
        times.iter().sum::<Duration>()
    };
    let first = input();
    let memory = allocation_counter::measure(|| {
        call(first);
    });
    for _ in 1..calls {
        if call(input()) > ENOUGH {
            break;
        }
    }
    times.sort_unstable();
    Measured {
        median: times[times.len() / 2].as_nanos() as u64,
        allocations: memory.count_total,
        peak_bytes: memory.bytes_max,
        last: last.expect("there was a call"),
    }
}
