//! What happens in a generated room.

mod acts;

use std::{io, sync::Arc};

use gantry_model::{Pdu, pdu::MAX_PREV_EVENTS};
use gantry_state_res::{MemoryRoom, StateMap, resolve};

use crate::{Branch, Cast, Fork, Merge, Params, World};

/// A finished room.
#[derive(Debug)]
pub struct Generated {
    /// All events; each comes behind those to which it refers.
    pub pdus: Vec<Arc<Pdu>>,
    /// The state events with their numbers.
    pub memory: MemoryRoom,
    /// The state at the end of the trunk.
    pub trunk: StateMap,
    /// The state at the end of each branch.
    pub forks: Vec<StateMap>,
    /// The state after all, if the branches were merged.
    pub merged: Option<StateMap>,
}

impl Generated {
    /// Writes the events as lines of canonical JSON.
    pub fn write_jsonl(&self, out: &mut impl io::Write) -> io::Result<()> {
        for pdu in &self.pdus {
            out.write_all(&pdu.to_bytes())?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }
}

/// Makes a room.
pub fn generate(params: &Params) -> Generated {
    let mut story = Story {
        world: World::new(params),
        params,
        next_user: 0,
    };
    let mut trunk = story.found();
    story.grow(&mut trunk);
    let mut branches: Vec<Branch> = Vec::new();
    for (number, fork) in params.forks.iter().enumerate() {
        let mut branch = trunk.clone();
        story.branch(&mut branch, fork, number);
        branches.push(branch);
    }
    let forks = branches.iter().map(|branch| branch.state.clone()).collect();
    let merged = (params.merge == Merge::Yes).then(|| story.merge(branches, &trunk));
    let (pdus, memory) = story.world.into_parts();
    Generated {
        pdus,
        memory,
        trunk: trunk.state,
        forks,
        merged,
    }
}

/// The room while it is told.
struct Story<'a> {
    world: World,
    params: &'a Params,
    /// The next user who was never in the room.
    next_user: usize,
}

impl Story<'_> {
    /// The create event, the creator, levels and rules, and the moderators.
    fn found(&mut self) -> Branch {
        let mut branch = Branch::default();
        self.create(&mut branch);
        self.join(&mut branch, None);
        self.change_levels(&mut branch, 0);
        self.set_join_rule(&mut branch, "public");
        self.set_topic(&mut branch, 0);
        for _ in 0..Cast::MODERATORS.min(self.params.members.saturating_sub(1)) {
            self.join(&mut branch, None);
        }
        branch
    }

    /// The trunk: everything else happens at equal distances between the joins.
    fn grow(&mut self, trunk: &mut Branch) {
        let params = self.params;
        let joins = params.members.saturating_sub(self.next_user);
        let every =
            |count: usize, at: usize| (at + 1) * count / (joins + 1) - at * count / (joins + 1);
        for at in 0..=joins {
            if at < joins {
                self.join(trunk, None);
            }
            for number in 0..every(params.power_level_changes, at) {
                self.change_levels(trunk, at + number + 1);
            }
            for _ in 0..every(params.profile_changes, at) {
                self.rename(trunk);
            }
            for _ in 0..every(params.messages, at) {
                self.chat(trunk);
            }
        }
        self.restricted_joins(trunk, params.restricted_joins);
        for _ in 0..params.bans {
            self.ban(trunk);
        }
    }

    fn branch(&mut self, branch: &mut Branch, fork: &Fork, number: usize) {
        let attacked_elsewhere = self.params.forks.iter().any(|other| other.attacks > 0);
        if attacked_elsewhere && fork.attacks == 0 {
            self.ban_attacker(branch);
        }
        for change in 0..fork.power_level_changes {
            self.change_levels(branch, 1000 * (number + 1) + change);
        }
        for _ in 0..fork.bans {
            self.ban(branch);
        }
        for _ in 0..fork.joins {
            self.join(branch, None);
        }
        for _ in 0..fork.profile_changes {
            self.rename(branch);
        }
        for topic in 0..fork.topics {
            self.set_topic(branch, 1000 * (number + 1) + topic);
        }
        for attack in 0..fork.attacks {
            self.attack(branch, attack);
        }
        for _ in 0..fork.messages {
            self.chat(branch);
        }
    }

    /// Brings all branches together and returns the state after that.
    fn merge(&mut self, mut branches: Vec<Branch>, trunk: &Branch) -> StateMap {
        while branches.len() > 1 {
            let several = branches.split_off(branches.len().saturating_sub(MAX_PREV_EVENTS));
            let states: Vec<StateMap> = several.iter().map(|b| b.state.clone()).collect();
            let resolved = resolve(self.world.rules(), &states, self.world.memory());
            let mut merged = Branch {
                state: resolved.state,
                tips: several.iter().flat_map(|b| b.tips.clone()).collect(),
                depth: several.iter().map(|b| b.depth).max().unwrap_or_default(),
            };
            let creator = self.world.user(0);
            self.world
                .send_message(&mut merged, &creator, "together again");
            branches.push(merged);
        }
        branches
            .pop()
            .map_or_else(|| trunk.state.clone(), |branch| branch.state)
    }
}
