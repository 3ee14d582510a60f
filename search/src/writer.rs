//! Writing the index. Everything here blocks.

use gantry_model::id::OwnedUserId;
use gantry_rooms::Gone;
use tantivy::{
    IndexWriter, TantivyDocument, Term,
    tokenizer::{PreTokenizedString, Token},
};

use crate::{
    Key, Result,
    folder::{Opened, Progress},
    schema::id_of,
    tokens::Tokens,
};

/// A change of the index.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    /// An event is found by this now; `None`: by nothing.
    Set {
        room: u64,
        pos: u64,
        document: Option<Document>,
    },
    /// Something was taken away.
    Gone(Gone),
}

/// By what an event is found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Document {
    pub(crate) key: Key,
    pub(crate) text: String,
    pub(crate) sender: OwnedUserId,
    /// Milliseconds.
    pub(crate) ts: i64,
    pub(crate) has_url: bool,
}

impl Op {
    /// About how much memory it takes.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Set {
                document: Some(document),
                ..
            } => 200 + document.text.len(),
            _ => 100,
        }
    }
}

/// A writer. It takes memory and threads while it is there.
pub(crate) struct Writer {
    opened: Opened,
    writer: IndexWriter,
    tokens: Tokens,
}

impl Writer {
    pub(crate) fn open(opened: &Opened) -> Result<Self> {
        Ok(Self {
            writer: opened.index.writer_with_options(Opened::writer_options())?,
            opened: opened.clone(),
            tokens: Tokens::new(),
        })
    }

    /// Takes changes in; they are found after the next commit.
    pub(crate) fn apply(&mut self, ops: Vec<Op>) -> Result<()> {
        for op in ops {
            match op {
                Op::Set {
                    room,
                    pos,
                    document,
                } => self.set(room, pos, document)?,
                Op::Gone(gone) => self.remove(&gone),
            }
        }
        Ok(())
    }

    /// Makes everything durable and found.
    pub(crate) fn commit(&mut self, progress: &Progress) -> Result<()> {
        let mut commit = self.writer.prepare_commit()?;
        let payload = serde_json::to_string(progress);
        commit.set_payload(&payload.expect("texts and numbers can be written"));
        commit.commit()?;
        self.opened.reader.reload()?;
        Ok(())
    }

    /// Gives memory and threads back, after what is under way.
    pub(crate) fn close(self) -> Result<()> {
        self.writer.wait_merging_threads()?;
        self.opened.reader.reload()?;
        Ok(())
    }

    fn set(&mut self, room: u64, pos: u64, document: Option<Document>) -> Result<()> {
        let fields = self.opened.fields;
        let id = id_of(room, pos);
        self.writer
            .delete_term(Term::from_field_bytes(fields.id, &id));
        let Some(document) = document else {
            return Ok(());
        };
        let mut row = TantivyDocument::default();
        row.add_bytes(fields.id, &id);
        row.add_u64(fields.room, room);
        row.add_u64(fields.pos, pos);
        row.add_i64(fields.ts, document.ts);
        row.add_text(fields.sender, document.sender.as_str());
        row.add_u64(fields.key, document.key.number());
        row.add_u64(fields.url, u64::from(document.has_url));
        let tokens = self.tokens.of_text(&document.text);
        row.add_pre_tokenized_text(fields.text(document.key), pre_tokenized(tokens));
        self.writer.add_document(row)?;
        Ok(())
    }

    fn remove(&mut self, gone: &Gone) {
        let fields = self.opened.fields;
        match gone {
            Gone::Room(room) => {
                self.writer
                    .delete_term(Term::from_field_u64(fields.room, *room));
            }
            Gone::User(user) => {
                let sender = Term::from_field_text(fields.sender, user.as_str());
                self.writer.delete_term(sender);
            }
            // These are looked at one by one.
            Gone::Messages { .. } => {}
        }
    }
}

fn pre_tokenized(tokens: Vec<String>) -> PreTokenizedString {
    let token = |(position, text)| Token {
        offset_from: 0,
        offset_to: 0,
        position,
        text,
        position_length: 1,
    };
    PreTokenizedString {
        text: String::new(),
        tokens: tokens.into_iter().enumerate().map(token).collect(),
    }
}
