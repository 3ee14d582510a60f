//! The results of a room's last resolutions.

use std::collections::VecDeque;

use gantry_model::RoomVersionRules;

use super::{Resolution, resolve};
use crate::{EventSource, StateMap};

/// How many results are kept: a room has few forks at a time.
const KEPT: usize = 8;

/// The results of the last resolutions of one room. States are known by the memory that they share:
/// a state that was read anew is resolved anew, with the same result.
#[derive(Debug, Default)]
pub struct ResolutionCache {
    /// The states that went in, kept so that their memory is not reused, and what came out.
    results: VecDeque<(Vec<StateMap>, Resolution)>,
}

impl ResolutionCache {
    /// What [`resolve()`] gives for the same arguments. The events of `source` must be the same in
    /// all calls, apart from new ones.
    pub fn resolve(
        &mut self,
        rules: &RoomVersionRules,
        states: &[StateMap],
        source: &impl EventSource,
    ) -> Resolution {
        let known = self.results.iter().find(|(of, _)| is_same(of, states));
        if let Some((_, resolution)) = known {
            return resolution.clone();
        }
        let resolution = resolve(rules, states, source);
        if self.results.len() == KEPT {
            self.results.pop_front();
        }
        let entry = (states.to_vec(), resolution.clone());
        self.results.push_back(entry);
        resolution
    }
}

/// Whether both are the same set of states, in any order.
fn is_same(known: &[StateMap], asked: &[StateMap]) -> bool {
    let within = |all: &[StateMap], some: &[StateMap]| {
        some.iter()
            .all(|state| all.iter().any(|other| other.ptr_eq(state)))
    };
    known.len() == asked.len() && within(known, asked) && within(asked, known)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use gantry_model::RoomVersion;

    use super::*;
    use crate::{AuthEvent, Rn, Skid};

    /// A room without events that counts how often it is asked.
    #[derive(Default)]
    struct Asked(Cell<usize>);

    impl EventSource for Asked {
        fn event(&self, _: Rn) -> Option<&AuthEvent> {
            self.0.set(self.0.get() + 1);
            None
        }

        fn skid(&self, _: &str, _: &str) -> Option<Skid> {
            None
        }

        fn create(&self) -> Option<Rn> {
            None
        }
    }

    #[test]
    fn the_same_states_in_any_order_are_resolved_once() {
        let rules = RoomVersion::V11.rules();
        let source = Asked::default();
        let mut cache = ResolutionCache::default();
        let one: StateMap = [(1_u32, 1_u32), (2, 2)].into_iter().collect();
        let other = one.update(2, 3);

        let first = cache.resolve(rules, &[one.clone(), other.clone()], &source);
        let asked = source.0.get();
        let second = cache.resolve(rules, &[other, one.clone()], &source);

        assert!(asked > 0);
        assert_eq!(source.0.get(), asked);
        assert_eq!(first.state, second.state);

        cache.resolve(rules, &[one.clone(), one.update(2, 4)], &source);
        assert!(source.0.get() > asked);
    }

    #[test]
    fn only_the_last_results_are_kept() {
        let rules = RoomVersion::V11.rules();
        let mut cache = ResolutionCache::default();
        let base = StateMap::unit(1_u32, 1_u32);

        for rn in 0_u32..100 {
            cache.resolve(
                rules,
                &[base.clone(), base.update(1, rn)],
                &Asked::default(),
            );
        }

        assert_eq!(cache.results.len(), KEPT);
    }
}
