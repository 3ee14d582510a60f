//! What those are told who wait for a commit.

use std::{ops::Range, sync::Arc};

use gantry_model::{Pdu, id::OwnedEventId, pdu::event_id_of_hash};
use gantry_store::{Outcome, Position, Scan, schema::ROOM};
use tokio::sync::oneshot;

use super::{Actor, Answer, Command, Task};
use crate::{
    Error, Ingested, NewEvent, Result, Submitted, codec::EntryDoc, commit::txn_hash, load::binary,
};

/// A command that was drafted and waits for its commit.
pub(super) struct Waiting {
    pub(super) command: Command,
    /// Its operations in the batch.
    pub(super) ops: Range<usize>,
    pub(super) outcome: Pending,
}

/// The answer once the commit is there.
pub(super) enum Pending {
    Ready(Result<Answer>),
    Submitted(OwnedEventId),
    Ingested { soft: bool },
}

impl Actor {
    /// Answers what was applied, settles the first conflict, and returns what must be repeated.
    pub(super) async fn answer(&self, waiting: Vec<Waiting>, outcomes: &[Outcome]) -> Vec<Command> {
        let mut again = Vec::new();
        for one in waiting {
            let own = &outcomes[one.ops.clone()];
            let clean = again.is_empty() && own.iter().all(Outcome::is_applied);
            if clean {
                let position = own.iter().rev().find_map(Outcome::position);
                reply(one.command.reply, one.outcome.with(position));
                continue;
            }
            if again.is_empty()
                && let Some(settled) = self.settle(&one, own).await
            {
                reply(one.command.reply, settled);
                continue;
            }
            again.push(one.command);
        }
        again
    }

    /// The answer to a command whose entry is there already; `None`: draft it anew.
    async fn settle(&self, waiting: &Waiting, outcomes: &[Outcome]) -> Option<Result<Answer>> {
        let index = outcomes.iter().find_map(|outcome| match outcome {
            Outcome::Conflict { index } => Some(*index),
            _ => None,
        })??;
        match (index, &*waiting.command.task) {
            ("txh", Task::Submit(event)) => match self.repeated(event).await {
                Ok(found) => found.map(|submitted| Ok(Answer::Submitted(submitted))),
                Err(error) => Some(Err(error)),
            },
            ("rc", Task::Submit(event)) => Some(self.same_message(event).await),
            ("le", Task::Ingest { .. }) => Some(Ok(Answer::Ingested(Ingested::Known))),
            _ => None,
        }
    }

    /// The entry that an earlier request of the same transaction made.
    pub(super) async fn repeated(&self, event: &NewEvent) -> Result<Option<Submitted>> {
        let Some(txn) = &event.txn else {
            return Ok(None);
        };
        let hash = txn_hash(&event.sender, txn);
        let scan = Scan::index("txh", vec![(self.shared.rid as i64).into(), binary(&hash)]);
        let found = self
            .store
            .scan::<EntryDoc>(ROOM, scan.limit(1))
            .await?
            .pop();
        found.map(|(_, entry)| self.submitted(&entry)).transpose()
    }

    /// The entry that bears the message id which the client chose.
    async fn same_message(&self, event: &NewEvent) -> Result<Answer> {
        let Some(rc) = &event.rc else {
            return Err(Error::DuplicateId);
        };
        let scan = Scan::index("rc", vec![rc.as_str().into()]).limit(1);
        let found = self.store.scan::<EntryDoc>(ROOM, scan).await?.pop();
        let (_, entry) = found.ok_or(Error::DuplicateId)?;
        if entry.rid as u64 != self.shared.rid {
            return Err(Error::DuplicateId);
        }
        let pdu = self.event_of(&entry)?;
        if pdu.sender() != event.sender {
            return Err(Error::DuplicateId);
        }
        Ok(Answer::Submitted(self.submitted(&entry)?))
    }

    fn submitted(&self, entry: &EntryDoc) -> Result<Submitted> {
        let rules = self.shared.version.rules();
        let event_id = match event_id_of_hash(&entry.hash()?, rules) {
            Some(id) => id,
            // Ids of versions 1 and 2 stand in the bodies only.
            None => self.event_of(entry)?.event_id().to_owned(),
        };
        Ok(Submitted {
            event_id,
            repeated: true,
            position: entry.position()?,
        })
    }

    fn event_of(&self, entry: &EntryDoc) -> Result<Arc<Pdu>> {
        let view = self.shared.view.read().clone();
        let view = view.ok_or(Error::Broken("a room with entries has no view"))?;
        view.dag().event_of(entry, self.shared.version)
    }
}

impl Pending {
    fn with(self, position: Option<Position>) -> Result<Answer> {
        match (self, position) {
            (Self::Ready(answer), _) => answer,
            (Self::Submitted(event_id), Some(position)) => Ok(Answer::Submitted(Submitted {
                event_id,
                repeated: false,
                position,
            })),
            (Self::Ingested { soft: true }, Some(_)) => Ok(Answer::Ingested(Ingested::SoftFailed)),
            (Self::Ingested { soft: false }, Some(position)) => {
                Ok(Answer::Ingested(Ingested::Accepted(position)))
            }
            (Self::Submitted(_) | Self::Ingested { .. }, None) => {
                Err(Error::Broken("an entry without position"))
            }
        }
    }
}

pub(super) fn reply(to: oneshot::Sender<Result<Answer>>, answer: Result<Answer>) {
    // Whoever asked may have gone; the commit stands all the same.
    drop(to.send(answer));
}

/// Tells everybody that nothing came of it.
pub(super) fn refuse(commands: Vec<Command>, error: &Error) {
    for command in commands {
        let copy = match error {
            Error::Contention => Error::Contention,
            Error::Broken(what) => Error::Broken(what),
            Error::Storage(gantry_store::Error::Full) => Error::Storage(gantry_store::Error::Full),
            _ => Error::Closed,
        };
        reply(command.reply, Err(copy));
    }
}
