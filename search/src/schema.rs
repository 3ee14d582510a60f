//! The fields of the index.
//!
//! Nothing is stored that can be read from the log: a document is the place of an event, by what it
//! is found, and by what it is chosen or ordered.

use tantivy::schema::{
    BytesOptions, Field, IndexRecordOption, NumericOptions, STRING, Schema, SchemaBuilder,
    TextFieldIndexing, TextOptions,
};

/// The version of fields and of what stands in them. An index of another one is made anew.
pub(crate) const VERSION: u32 = 1;

/// What of an event is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// What a message says.
    Body,
    /// The name of a room.
    Name,
    /// The topic of a room.
    Topic,
}

/// The fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields {
    /// Room number and log position, eight bytes each: what a document is replaced by.
    pub(crate) id: Field,
    /// Room number.
    pub(crate) room: Field,
    /// Log position.
    pub(crate) pos: Field,
    /// When its server says it was sent, in milliseconds.
    pub(crate) ts: Field,
    /// Who sent it.
    pub(crate) sender: Field,
    /// What is searched, by [`Key::number`].
    pub(crate) key: Field,
    /// 1 if the content has a `url`.
    pub(crate) url: Field,
    body: Field,
    name: Field,
    topic: Field,
}

impl Key {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Body, Self::Name, Self::Topic];

    /// The number that stands for it in the index.
    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Body => 0,
            Self::Name => 1,
            Self::Topic => 2,
        }
    }
}

impl Fields {
    /// The field of a key.
    pub(crate) fn text(&self, key: Key) -> Field {
        match key {
            Key::Body => self.body,
            Key::Name => self.name,
            Key::Topic => self.topic,
        }
    }
}

/// Names of numbers that are read for each hit.
pub(crate) const ROOM: &str = "room";
pub(crate) const POS: &str = "pos";
pub(crate) const TS: &str = "ts";

/// The schema and its fields.
pub(crate) fn schema() -> (Schema, Fields) {
    let mut schema = SchemaBuilder::new();
    let number = NumericOptions::default().set_fast();
    let fields = Fields {
        id: schema.add_bytes_field("id", BytesOptions::default().set_indexed()),
        room: schema.add_u64_field(ROOM, number.clone().set_indexed()),
        pos: schema.add_u64_field(POS, number.clone()),
        ts: schema.add_i64_field(TS, number),
        sender: schema.add_text_field("sender", STRING),
        key: schema.add_u64_field("key", NumericOptions::default().set_indexed()),
        url: schema.add_u64_field("url", NumericOptions::default().set_indexed()),
        body: schema.add_text_field("body", words()),
        name: schema.add_text_field("name", words()),
        topic: schema.add_text_field("topic", words()),
    };
    (schema.build(), fields)
}

/// Texts come as tokens; how often each occurs is kept for the rank, where it stands is not.
fn words() -> TextOptions {
    let indexing = TextFieldIndexing::default()
        .set_tokenizer("raw")
        .set_index_option(IndexRecordOption::WithFreqs);
    TextOptions::default().set_indexing_options(indexing)
}

/// The bytes of the field `id`.
pub(crate) fn id_of(room: u64, pos: u64) -> [u8; 16] {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&room.to_be_bytes());
    id[8..].copy_from_slice(&pos.to_be_bytes());
    id
}
