//! Why a key has the event that it has.

use gantry_model::RoomVersionRules;

use super::run;
use crate::{EventSource, Rejection, Rn, Skid, StateMap};

/// In which part of the algorithm an event was checked. Parts come one after the other, and within
/// a part the last event that is allowed wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Versions 2 and 2.1: power events, in the reverse topological power ordering.
    PowerEvents,
    /// Versions 2 and 2.1: all others, in the mainline ordering.
    Mainline,
    /// Version 1: by ascending depth, until one is not allowed.
    AscendingDepth,
    /// Version 1: by descending depth; the first that is allowed wins.
    DescendingDepth,
}

/// An event that was checked for a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The event.
    pub rn: Rn,
    /// Its key.
    pub skid: Skid,
    /// The part of the algorithm.
    pub part: Part,
    /// Whether it was allowed, and if not, the rule that it broke.
    pub verdict: Result<(), Rejection>,
    /// Which of the states have it; none for an event that came from the auth chains.
    pub states: Vec<usize>,
}

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The states agree, so nothing was asked.
    Agreed,
    /// One candidate in that part of the algorithm stood last.
    Chosen(Part),
    /// No candidate was allowed, but a part of version 1 keeps one all the same; or only one state
    /// had the key, which is no conflict there.
    Kept,
    /// No candidate was allowed: the key has no event.
    NoneAllowed,
}

/// The account of one key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The key.
    pub skid: Skid,
    /// Its event in the resolved state.
    pub winner: Option<Rn>,
    /// What decided.
    pub decision: Decision,
    /// The candidates in the order in which they were checked.
    pub candidates: Vec<Candidate>,
}

/// What was checked so far, if somebody wants to know.
pub(super) type Log = Option<Vec<Candidate>>;

/// Resolves states and says how one key came to its event. It takes about as long as the
/// resolution itself.
pub fn explain(
    rules: &RoomVersionRules,
    states: &[StateMap],
    source: &impl EventSource,
    skid: Skid,
) -> Explanation {
    let mut log = Some(Vec::new());
    let winner = run(rules, states, source, &mut log)
        .state
        .get(&skid)
        .copied();
    let mut candidates = log.unwrap_or_default();
    candidates.retain(|candidate| candidate.skid == skid);
    for candidate in &mut candidates {
        let has_it = |state: &StateMap| state.get(&skid) == Some(&candidate.rn);
        let numbered = states.iter().enumerate();
        candidate.states = numbered
            .filter(|(_, state)| has_it(state))
            .map(|(number, _)| number)
            .collect();
    }
    Explanation {
        skid,
        winner,
        decision: decision(states, skid, winner, &candidates),
        candidates,
    }
}

fn decision(
    states: &[StateMap],
    skid: Skid,
    winner: Option<Rn>,
    candidates: &[Candidate],
) -> Decision {
    if states
        .iter()
        .all(|state| state.get(&skid).copied() == winner)
    {
        return Decision::Agreed;
    }
    let Some(winner) = winner else {
        return Decision::NoneAllowed;
    };
    let mut last_first = candidates.iter().rev();
    last_first
        .find(|candidate| candidate.rn == winner && candidate.verdict.is_ok())
        .map_or(Decision::Kept, |candidate| Decision::Chosen(candidate.part))
}
