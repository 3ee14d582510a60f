//! Heads: extremities, current state, what changed in it, and counters.

use gantry_state_res::StateMap;

use super::log::{LogCheck, Looked};
use crate::{
    Result,
    codec::{Change, ExtremityDoc, Group, Hash},
    commit::{MAX_EXTREMITIES, MAX_HIDDEN},
    partial::unpack_corrections,
    state::diff,
};

/// A forward extremity.
#[derive(Clone)]
pub(super) struct Extremity {
    pos: u64,
    sa: Group,
    hash: Hash,
    /// `None`: the body is gone.
    depth: Option<i64>,
}

impl LogCheck<'_> {
    /// Checks the head that an entry leaves behind; returns what it changed in the current state.
    pub(super) async fn head(&mut self, looked: &Looked) -> Result<Vec<Change>> {
        let moves = looked.is_live() && !looked.flags.soft && looked.entry.sa.is_some();
        if moves {
            self.move_extremities(looked);
        }
        let corrects = looked.entry.is_control();
        if corrects {
            self.correct(looked);
        }
        self.extremities(looked);
        let old = match &self.last {
            Some(last) => self.states.get(last.head.cs).await?.unwrap_or_default(),
            None => StateMap::new(),
        };
        let Some(new) = self.states.get(looked.entry.h.cs).await? else {
            self.find(&looked.place, "the current state after it is unknown");
            return self.said_changes(looked).await;
        };
        let expected = match moves || corrects {
            true => {
                self.resolved(self.fx.iter().map(|one| one.sa).collect())
                    .await?
            }
            false => old.clone(),
        };
        if !diff(&new, &expected).is_empty() {
            self.find(&looked.place, "the current state after it is another one");
        }
        self.divergence(looked, moves, &old, &new);
        let said = self.said_changes(looked).await?;
        if said != diff(&old, &new) {
            self.find(
                &looked.place,
                "the change of the current state is another one",
            );
        }
        self.counters(looked, &said);
        Ok(said)
    }

    /// Takes over what a control entry says of earlier entries.
    fn correct(&mut self, looked: &Looked) {
        let corrections = looked.entry.ov.as_deref().map(unpack_corrections);
        let corrections = corrections.unwrap_or_default();
        for place in self.places.values_mut() {
            if let Some(correction) = corrections.get(&place.pos) {
                place.sa = Some(correction.sa);
                place.hidden = correction.soft.then(|| place.prev.clone());
            }
        }
        let is_out = |pos: u64| corrections.get(&pos).is_some_and(|one| one.soft);
        if !self.fx.iter().all(|one| is_out(one.pos)) {
            self.fx.retain(|one| !is_out(one.pos));
        }
        for one in &mut self.fx {
            if let Some(correction) = corrections.get(&one.pos) {
                one.sa = correction.sa;
            }
        }
    }

    fn move_extremities(&mut self, looked: &Looked) {
        let entry = &looked.entry;
        let Some(sa) = entry.sa else { return };
        let itself = ExtremityDoc {
            pos: looked.pos as i64,
            sa,
        };
        // A join through another server begins anew.
        let restarts = looked.flags.gap && looked.flags.local && entry.h.fx == [itself];
        if restarts {
            self.fx.clear();
        } else {
            self.drop_ancestors(looked);
        }
        self.fx.push(Extremity {
            pos: looked.pos,
            sa,
            hash: looked.hash,
            depth: looked.pdu.as_ref().map(|pdu| pdu.depth()),
        });
        while self.fx.len() > MAX_EXTREMITIES {
            let lowest = (0..self.fx.len()).min_by_key(|n| (self.fx[*n].depth, self.fx[*n].pos));
            self.fx.remove(lowest.unwrap_or(0));
        }
    }

    fn drop_ancestors(&mut self, looked: &Looked) {
        let mut wave: Vec<Hash> = looked.entry.prev_hashes().collect();
        let mut looked_at = 0;
        while let Some(hash) = wave.pop() {
            if let Some(index) = self.fx.iter().position(|one| one.hash == hash) {
                self.fx.remove(index);
                continue;
            }
            looked_at += 1;
            if looked_at > MAX_HIDDEN {
                break;
            }
            let hidden = self
                .places
                .get(&hash)
                .and_then(|place| place.hidden.as_ref());
            if let Some(before) = self.bodies.rejected.get(&hash).or(hidden) {
                wave.extend(before);
            }
        }
    }

    fn extremities(&mut self, looked: &Looked) {
        let head = &looked.entry.h;
        let expected = self.fx.iter().map(|one| (one.pos as i64, one.sa));
        if !head.fx.iter().map(|one| (one.pos, one.sa)).eq(expected) {
            self.find(&looked.place, "the extremities after it are other ones");
        }
        let known: Option<Vec<i64>> = self.fx.iter().map(|one| one.depth).collect();
        let own = looked.pdu.as_ref().map(|pdu| pdu.depth());
        let deepest = known.map(|depths| depths.into_iter().max().or(own));
        if let Some(Some(depth)) = deepest
            && depth != head.depth
        {
            self.find(&looked.place, "the depth after it is another one");
        }
    }

    fn divergence(&mut self, looked: &Looked, moves: bool, old: &StateMap, new: &StateMap) {
        let event = looked
            .entry
            .rn
            .and_then(|rn| self.bodies.dag.get(rn as u32));
        let applied = match event {
            Some(event) => old.update(event.skid, event.rn),
            None => old.clone(),
        };
        if looked.flags.div != (moves && !diff(&applied, new).is_empty()) {
            self.find(
                &looked.place,
                "whether its state can be told in the timeline is wrong",
            );
        }
    }

    fn counters(&mut self, looked: &Looked, changes: &[Change]) {
        let dag = &self.bodies.dag;
        self.counting
            .add(dag, &looked.entry, changes, looked.pdu.as_deref());
        let fit = self.counting.counts() == looked.entry.h.n;
        // What is wrong once stays wrong; it is told once.
        if self.counts_fit && !fit {
            self.find(&looked.place, "the counters after it are wrong");
        }
        self.counts_fit = fit;
    }
}
