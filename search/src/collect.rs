//! Taking the best hits, after those that were given before.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashSet},
    sync::Arc,
};

use tantivy::{
    DocId, Score, SegmentOrdinal, SegmentReader,
    collector::{Collector, SegmentCollector},
    columnar::ColumnValues,
};

use crate::{
    Order,
    schema::{POS, ROOM, TS},
};

/// A hit, in the order of hits: worse ones are less. Two hits are never at the same place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    /// The bits of the score, or 0 where only the time counts: scores are not negative, so their
    /// bits are in their order.
    pub(crate) score: u32,
    /// Milliseconds.
    pub(crate) ts: i64,
    /// Room number.
    pub(crate) room: u64,
    /// Log position.
    pub(crate) pos: u64,
}

/// A hit with its score, which is no part of its order where only the time counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ranked {
    pub(crate) place: Place,
    pub(crate) score: f32,
}

/// The best hits in some rooms.
pub(crate) struct Best {
    pub(crate) rooms: Arc<HashSet<u64>>,
    pub(crate) order: Order,
    /// Only worse ones than this.
    pub(crate) after: Option<Place>,
    pub(crate) limit: usize,
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// The best, the best first.
    pub(crate) hits: Vec<Ranked>,
    /// How many there are in all, also those that were given before.
    pub(crate) count: usize,
}

pub(crate) struct OfSegment {
    rooms: Arc<HashSet<u64>>,
    order: Order,
    after: Option<Place>,
    limit: usize,
    room: Arc<dyn ColumnValues<u64>>,
    pos: Arc<dyn ColumnValues<u64>>,
    ts: Arc<dyn ColumnValues<i64>>,
    /// The worst on top.
    best: BinaryHeap<Reverse<(Place, u32)>>,
    count: usize,
}

impl Collector for Best {
    type Fruit = Collected;
    type Child = OfSegment;

    fn for_segment(
        &self,
        _: SegmentOrdinal,
        segment: &SegmentReader,
    ) -> tantivy::Result<OfSegment> {
        let fast = segment.fast_fields();
        Ok(OfSegment {
            rooms: Arc::clone(&self.rooms),
            order: self.order,
            after: self.after,
            limit: self.limit,
            room: fast.column_first_or_default(ROOM)?,
            pos: fast.column_first_or_default(POS)?,
            ts: fast.column_first_or_default(TS)?,
            best: BinaryHeap::new(),
            count: 0,
        })
    }

    fn requires_scoring(&self) -> bool {
        true
    }

    fn merge_fruits(&self, fruits: Vec<Collected>) -> tantivy::Result<Collected> {
        let mut all = Collected::default();
        for fruit in fruits {
            all.count += fruit.count;
            all.hits.extend(fruit.hits);
        }
        all.hits.sort_by_key(|hit| Reverse(hit.place));
        all.hits.truncate(self.limit);
        Ok(all)
    }
}

impl SegmentCollector for OfSegment {
    type Fruit = Collected;

    fn collect(&mut self, doc: DocId, score: Score) {
        let room = self.room.get_val(doc);
        if !self.rooms.contains(&room) {
            return;
        }
        self.count += 1;
        let score = score.max(0.0).to_bits();
        let place = Place {
            score: match self.order {
                Order::Rank => score,
                Order::Recent => 0,
            },
            ts: self.ts.get_val(doc),
            room,
            pos: self.pos.get_val(doc),
        };
        if self.after.is_some_and(|after| place >= after) {
            return;
        }
        self.best.push(Reverse((place, score)));
        if self.best.len() > self.limit {
            self.best.pop();
        }
    }

    fn harvest(self) -> Collected {
        let hits = self.best.into_iter().map(|Reverse((place, score))| Ranked {
            place,
            score: f32::from_bits(score),
        });
        Collected {
            hits: hits.collect(),
            count: self.count,
        }
    }
}
