//! `gantry-roomgen [--<parameter> <number>]...` writes a room to standard output, an event a line.
//!
//! Parameters: `version seed members servers loopback-port power-level-changes bans
//! restricted-joins profile-changes messages fork-width fork-length netsplit-joins ban-wave
//! attacks merge`.

use std::{
    io::{self, BufWriter, Write},
    process::ExitCode,
};

use gantry_model::RoomVersion;
use gantry_roomgen::{Fork, Merge, Params, generate};

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut plan = Plan::default();
    while let Some(name) = arguments.next() {
        let value = arguments.next().and_then(|text| text.parse().ok());
        if value.is_none_or(|value| !plan.set(name.trim_start_matches("--"), value)) {
            return complain(&format!("{name}: not a parameter with a number"));
        }
    }
    match write(&plan.into_params()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complain(&error.to_string()),
    }
}

fn write(params: &Params) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    generate(params).write_jsonl(&mut out)?;
    out.flush()
}

fn complain(message: &str) -> ExitCode {
    // Nothing can be done if not even this can be written.
    drop(writeln!(io::stderr(), "{message}"));
    ExitCode::FAILURE
}

/// The parameters while they are read.
#[derive(Default)]
struct Plan {
    params: Params,
    fork_width: usize,
    fork_length: usize,
    netsplit_joins: usize,
    ban_wave: usize,
    attacks: usize,
}

impl Plan {
    /// Whether there is a parameter of this name that takes this number.
    fn set(&mut self, name: &str, value: usize) -> bool {
        let params = &mut self.params;
        let target = match name {
            "version" => {
                let known = value.to_string().parse::<RoomVersion>();
                return known.is_ok_and(|version| {
                    params.version = version;
                    true
                });
            }
            "seed" => {
                params.seed = value as u64;
                return true;
            }
            "loopback-port" => {
                params.loopback_port = u16::try_from(value).ok();
                return params.loopback_port.is_some();
            }
            "merge" => {
                params.merge = if value == 0 { Merge::No } else { Merge::Yes };
                return true;
            }
            "members" => &mut params.members,
            "servers" => &mut params.servers,
            "power-level-changes" => &mut params.power_level_changes,
            "bans" => &mut params.bans,
            "restricted-joins" => &mut params.restricted_joins,
            "profile-changes" => &mut params.profile_changes,
            "messages" => &mut params.messages,
            "fork-width" => &mut self.fork_width,
            "fork-length" => &mut self.fork_length,
            "netsplit-joins" => &mut self.netsplit_joins,
            "ban-wave" => &mut self.ban_wave,
            "attacks" => &mut self.attacks,
            _ => return false,
        };
        *target = value;
        true
    }

    fn into_params(mut self) -> Params {
        let plain = Fork {
            power_level_changes: usize::from(self.fork_length > 1),
            profile_changes: self.fork_length.saturating_sub(1).max(1),
            ..Fork::default()
        };
        let forks = &mut self.params.forks;
        forks.extend(vec![plain; self.fork_width]);
        if self.netsplit_joins > 0 || self.ban_wave > 0 {
            forks.push(Fork {
                joins: self.netsplit_joins,
                ..Fork::default()
            });
            forks.push(Fork {
                bans: self.ban_wave,
                ..Fork::default()
            });
        }
        if self.attacks > 0 {
            forks.push(Fork {
                attacks: self.attacks,
                ..Fork::default()
            });
            forks.push(Fork {
                topics: 1,
                ..Fork::default()
            });
        }
        self.params
    }
}
