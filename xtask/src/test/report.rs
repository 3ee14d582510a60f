//! How long each part of a run took.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// The parts that ran so far, in order.
#[derive(Debug, Default)]
pub(crate) struct Report {
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    name: &'static str,
    took: Duration,
    passed: bool,
}

impl Report {
    /// Runs one part of the test run and remembers its time, whether it passes or fails.
    pub(crate) fn measure<T>(
        &mut self,
        name: &'static str,
        part: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        eprintln!("== {name}");
        #[allow(
            clippy::disallowed_methods,
            reason = "times of a developer command are real times"
        )]
        let start = Instant::now();
        let outcome = part();
        self.parts.push(Part {
            name,
            took: start.elapsed(),
            passed: outcome.is_ok(),
        });
        outcome.with_context(|| format!("step {name} failed"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "\nminutes  step")?;
        for Part { name, took, passed } in &self.parts {
            let verdict = if *passed { "" } else { "  FAILED" };
            writeln!(out, "{:7.2}  {name}{verdict}", minutes(*took))?;
        }
        let total = self.parts.iter().map(|part| part.took).sum();
        write!(out, "{:7.2}  in all", minutes(total))
    }
}

fn minutes(time: Duration) -> f64 {
    time.as_secs_f64() / 60.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_part_is_named_in_the_error_and_in_the_table() {
        let mut report = Report::default();

        let outcome: Result<()> = report.measure("clippy", || anyhow::bail!("a warning"));

        let error = outcome.map_or_else(|error| format!("{error:#}"), |()| String::new());
        assert_eq!(error, "step clippy failed: a warning");
        assert!(report.to_string().contains("clippy  FAILED"));
    }
}
