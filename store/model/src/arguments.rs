//! The command line: `bfs` or `walk`, and what differs from the defaults as `name=number`.

use std::time::Duration;

use crate::config::Config;
use crate::walk::Limits;

#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) how: How,
    /// The arguments as they were given, which is what the outcome is told under.
    pub(crate) name: String,
    pub(crate) config: Config,
    /// Of a search.
    pub(crate) most_states: usize,
    /// Of walks.
    pub(crate) limits: Limits,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum How {
    Search,
    Walk,
}

impl Arguments {
    pub(crate) fn parse(words: &[String]) -> Result<Self, String> {
        let how = match words.first().map(String::as_str) {
            Some("bfs") => How::Search,
            Some("walk") => How::Walk,
            _ => return Err("bfs or walk?".to_owned()),
        };
        let mut arguments = Self {
            how,
            name: words.join(" "),
            config: Config::default(),
            most_states: 3_000_000,
            limits: Limits {
                time: Duration::from_secs(30),
                steps: 150,
                seed: 12345,
            },
        };
        for word in &words[1..] {
            arguments
                .set(word)
                .ok_or_else(|| format!("{word} says nothing"))?;
        }
        Ok(arguments)
    }

    fn set(&mut self, word: &str) -> Option<()> {
        let (name, value) = word.split_once('=')?;
        let value = value.parse().ok()?;
        match name {
            "max" => self.most_states = value as usize,
            "secs" => self.limits.time = Duration::from_secs(value),
            "steps" => self.limits.steps = value as usize,
            "seed" => self.limits.seed = value,
            _ => return self.config.set(name, value),
        }
        Some(())
    }
}
