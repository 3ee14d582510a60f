//! A question to the index.

use std::{collections::HashSet, fmt, ops::Bound, str::FromStr, sync::Arc};

use gantry_model::id::OwnedUserId;
use tantivy::{
    Term as IndexTerm,
    collector::DocSetCollector,
    query::{
        BooleanQuery, BoostQuery, ConstScoreQuery, InvertedIndexRangeQuery, Occur, Query,
        RangeQuery, TermQuery, TermSetQuery,
    },
    schema::{Field, IndexRecordOption},
};

use crate::{
    Error, Key, Term,
    collect::{Best, Place},
    folder::Opened,
    schema::{Fields, POS},
    tokens::Wanted,
};

/// How much more a word counts than its forms.
const EXACT: f32 = 2.0;
/// What a hit by a prefix counts, which has no rank of its own.
const PREFIX: f32 = 1.0;
/// The most hits that are given at once.
const MAX_HITS: usize = 500;

/// In which order hits are given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// The best first; of equally good ones the newest.
    #[default]
    Rank,
    /// The newest first.
    Recent,
}

/// A place in the list of hits, behind which the next ones are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After(pub(crate) Place);

/// What is looked for, and where.
#[derive(Debug, Clone)]
pub struct Question {
    /// The words.
    pub term: Term,
    /// What of events is searched.
    pub keys: Vec<Key>,
    /// In which rooms, by their numbers.
    pub rooms: Arc<HashSet<u64>>,
    /// Only from these; `None`: from all.
    pub senders: Option<Vec<OwnedUserId>>,
    /// Not from these.
    pub not_senders: Vec<OwnedUserId>,
    /// Only with or without a `url`.
    pub has_url: Option<bool>,
    /// In which order.
    pub order: Order,
    /// Only behind this one.
    pub after: Option<After>,
    /// The most hits, not more than 500.
    pub limit: usize,
}

/// An event that was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The number of its room.
    pub room: u64,
    /// Where it stands in the room's log.
    pub pos: u64,
    /// How good it is; more is better.
    pub rank: f32,
    /// The place behind it.
    pub after: After,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    /// The next hits in the order that was asked for.
    pub hits: Vec<Hit>,
    /// How many there are in all, about.
    pub count: usize,
}

impl Question {
    /// Asks the index. This blocks.
    pub(crate) fn ask(&self, opened: &Opened) -> Result<Found, Error> {
        if self.term.is_empty() || self.rooms.is_empty() || self.keys.is_empty() {
            return Ok(Found::default());
        }
        let best = Best {
            rooms: Arc::clone(&self.rooms),
            order: self.order,
            after: self.after.map(|after| after.0),
            limit: self.limit.clamp(1, MAX_HITS),
        };
        let searcher = opened.reader.searcher();
        let collected = searcher.search(&self.query(&opened.fields), &best)?;
        let hit = |ranked: crate::collect::Ranked| Hit {
            room: ranked.place.room,
            pos: ranked.place.pos,
            rank: ranked.score,
            after: After(ranked.place),
        };
        Ok(Found {
            hits: collected.hits.into_iter().map(hit).collect(),
            count: collected.count,
        })
    }

    fn query(&self, fields: &Fields) -> BooleanQuery {
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        for (occur, wanted) in [
            (Occur::Must, &self.term.all),
            (Occur::MustNot, &self.term.none),
        ] {
            for word in wanted {
                let in_keys = self.keys.iter().map(|key| word.query(fields.text(*key)));
                clauses.push((occur, Box::new(BooleanQuery::union(in_keys.collect()))));
            }
        }
        if let Some(senders) = &self.senders {
            clauses.push((Occur::Must, of_senders(fields, senders)));
        }
        if !self.not_senders.is_empty() {
            clauses.push((Occur::MustNot, of_senders(fields, &self.not_senders)));
        }
        if let Some(has_url) = self.has_url {
            let url = IndexTerm::from_field_u64(fields.url, u64::from(has_url));
            let url = TermQuery::new(url, IndexRecordOption::Basic);
            clauses.push((Occur::Must, unranked(Box::new(url))));
        }
        BooleanQuery::new(clauses)
    }
}

/// Where the messages of a room stand that were sent before a time. This blocks.
pub(crate) fn messages_before(
    opened: &Opened,
    room: u64,
    before_ms: i64,
) -> Result<Vec<u64>, Error> {
    let fields = &opened.fields;
    let is = |term| -> Box<dyn Query> { Box::new(TermQuery::new(term, IndexRecordOption::Basic)) };
    let before = IndexTerm::from_field_i64(fields.ts, before_ms);
    // Names and topics are state, which is not taken away.
    let query = BooleanQuery::intersection(vec![
        is(IndexTerm::from_field_u64(fields.room, room)),
        is(IndexTerm::from_field_u64(fields.key, Key::Body.number())),
        Box::new(RangeQuery::new(Bound::Unbounded, Bound::Excluded(before))),
    ]);
    let searcher = opened.reader.searcher();
    let mut positions = Vec::new();
    for found in searcher.search(&query, &DocSetCollector)? {
        let segment = searcher.segment_reader(found.segment_ord);
        let column = segment.fast_fields().u64(POS)?;
        positions.extend(column.first(found.doc_id));
    }
    positions.sort_unstable();
    Ok(positions)
}

fn of_senders(fields: &Fields, senders: &[OwnedUserId]) -> Box<dyn Query> {
    let terms = senders
        .iter()
        .map(|sender| IndexTerm::from_field_text(fields.sender, sender.as_str()));
    unranked(Box::new(TermSetQuery::new(terms)))
}

/// A condition that says nothing of how good a hit is.
fn unranked(query: Box<dyn Query>) -> Box<dyn Query> {
    Box::new(ConstScoreQuery::new(query, 0.0))
}

impl Wanted {
    fn query(&self, field: Field) -> Box<dyn Query> {
        let of = |some: &[Self]| some.iter().map(|one| one.query(field)).collect::<Vec<_>>();
        match self {
            Self::Token(text) => {
                let term = IndexTerm::from_field_text(field, text);
                Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs))
            }
            Self::Prefix(prefix) => {
                let from = IndexTerm::from_field_text(field, prefix);
                let to = IndexTerm::from_field_text(field, &format!("{prefix}{}", char::MAX));
                let range =
                    InvertedIndexRangeQuery::new(Bound::Included(from), Bound::Included(to));
                Box::new(ConstScoreQuery::new(Box::new(range), PREFIX))
            }
            Self::Any(some) => {
                let mut some = of(some);
                if !some.is_empty() {
                    let exact = some.remove(0);
                    some.insert(0, Box::new(BoostQuery::new(exact, EXACT)));
                }
                Box::new(BooleanQuery::union(some))
            }
            Self::All(some) => Box::new(BooleanQuery::intersection(of(some))),
        }
    }
}

impl fmt::Display for After {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place {
            score,
            ts,
            room,
            pos,
        } = self.0;
        write!(formatter, "{score:x}.{ts:x}.{room:x}.{pos:x}")
    }
}

impl FromStr for After {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let parse = || {
            let mut parts = text.split('.');
            let mut number = || u64::from_str_radix(parts.next()?, 16).ok();
            let place = Place {
                score: u32::try_from(number()?).ok()?,
                ts: number()? as i64,
                room: number()?,
                pos: number()?,
            };
            Some(Self(place)).filter(|after| after.to_string() == text)
        };
        parse().ok_or(Error::InvalidToken)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn places_come_back(score: u32, ts: i64, room: u64, pos: u64) {
            let after = After(Place { score, ts, room, pos });

            prop_assert_eq!(after.to_string().parse::<After>().expect("its own text"), after);
        }

        #[test]
        fn any_text_is_refused_or_is_the_place_that_it_names(text in "[0-9a-f.+-]{0,24}") {
            if let Ok(after) = text.parse::<After>() {
                prop_assert_eq!(after.to_string(), text);
            }
        }
    }
}
