//! What each task adds to the batch.

use std::sync::Arc;

use gantry_model::id::UserId;
use gantry_store::Batch;

use super::{Actor, Answer, Task, answer::Pending};
use crate::{
    Arrival, Error, Ingested, NewEvent, Result, Template,
    commit::Env,
    create::{append_own, begin},
    draft::{authorize, draft, sign},
    import::{import_history, import_join},
    ingest::{Verdict, add_outliers, ingest},
    memory::Memory,
    partial::complete,
};

impl Actor {
    /// Drafts what a task asks for, ahead of the log.
    pub(super) async fn stage(
        &self,
        memory: &mut Memory,
        batch: &mut Batch,
        task: &Task,
    ) -> Result<Pending> {
        let is_local = |user: &UserId| self.identity.is_local(user);
        let env = Env {
            now_ms: self.clock.now_ms(),
            rng: &*self.rng,
            is_local: &is_local,
        };
        let done = Ok(Pending::Ready(Ok(Answer::Done)));
        match task {
            Task::Look => done,
            Task::Begin(beginning) => {
                begin(memory, batch, &env, &self.identity, beginning).await?;
                done
            }
            Task::Submit(event) if event.drafted.is_some() => {
                Self::require_local(memory)?;
                self.stage_drafted(memory, batch, &env, event).await
            }
            Task::Submit(event) => {
                Self::require_local(memory)?;
                match sign(memory, &env, &self.identity, event).await {
                    Ok(pdu) => {
                        let id = pdu.event_id().to_owned();
                        append_own(memory, batch, &env, pdu, Some(event)).await?;
                        Ok(Pending::Submitted(id))
                    }
                    Err(error) => match self.repeated(event).await? {
                        Some(submitted) => Ok(Pending::Ready(Ok(Answer::Submitted(submitted)))),
                        None => Err(error),
                    },
                }
            }
            Task::Draft(event) => {
                Self::require_local(memory)?;
                let pdu = sign(memory, &env, &self.identity, event).await?;
                Ok(Pending::Ready(Ok(Answer::Drafted(Box::new(
                    (*pdu).clone(),
                )))))
            }
            Task::Template(event) => {
                Self::require_local(memory)?;
                let template = self.template(memory, &env, event).await?;
                Ok(Pending::Ready(Ok(Answer::Template(Box::new(template)))))
            }
            Task::Ingest {
                pdu,
                arrival,
                given,
            } => {
                Self::require_local(memory)?;
                let (pdu, given) = (Arc::clone(pdu), given.as_ref());
                let verdict = ingest(memory, batch, &env, pdu, *arrival, given, None).await?;
                Ok(match verdict {
                    Verdict::Appended { soft } => Pending::Ingested { soft },
                    Verdict::Done(ingested) => Pending::Ready(Ok(Answer::Ingested(ingested))),
                    Verdict::Rejected(rejection) => {
                        Pending::Ready(Ok(Answer::Ingested(Ingested::Rejected(rejection))))
                    }
                })
            }
            Task::Outliers(pdus) => {
                add_outliers(memory, batch, pdus.iter())?;
                done
            }
            Task::Join(import) => {
                import_join(memory, batch, &env, import).await?;
                done
            }
            Task::History(history) => {
                let added = import_history(memory, batch, &env, history).await?;
                Ok(Pending::Ready(Ok(Answer::Added(added))))
            }
            Task::Complete(given) => {
                complete(memory, batch, &env, given).await?;
                done
            }
        }
    }

    /// An event of a local user that was drafted before, and got another server's signature since.
    async fn stage_drafted(
        &self,
        memory: &mut Memory,
        batch: &mut Batch,
        env: &Env<'_>,
        event: &NewEvent,
    ) -> Result<Pending> {
        let Some(pdu) = event.drafted.clone() else {
            return Err(Error::Contention);
        };
        let id = pdu.event_id().to_owned();
        let (arrival, wanted) = (Arrival::Local, Some(event));
        let verdict = ingest(memory, batch, env, pdu, arrival, None, wanted).await;
        let refused = match verdict {
            Ok(Verdict::Appended { .. }) => return Ok(Pending::Submitted(id)),
            Ok(Verdict::Rejected(rejection)) => Error::Rejected(rejection),
            Ok(Verdict::Done(_)) => Error::Contention,
            Err(error) => error,
        };
        match self.repeated(event).await? {
            Some(submitted) => Ok(Pending::Ready(Ok(Answer::Submitted(submitted)))),
            None => Err(refused),
        }
    }

    async fn template(&self, memory: &Memory, env: &Env<'_>, event: &NewEvent) -> Result<Template> {
        let draft = draft(memory, env, event).await?;
        let rules = memory.rules();
        // A trial signature gives the event a form that the rules can be asked about.
        let trial = draft.sign(self.identity.server_name(), self.identity.key(), rules)?;
        authorize(memory, memory.head.cs, &trial).await?;
        let object = draft.to_object(event.sender.server_name(), rules);
        Ok(Template {
            object,
            version: memory.version,
        })
    }

    /// Without a local member there is no current state to act on.
    fn require_local(memory: &Memory) -> Result<()> {
        if memory.head.pos == 0 {
            return Err(Error::UnknownRoom);
        }
        if memory.local_joined > 0 {
            Ok(())
        } else {
            Err(Error::NotInRoom)
        }
    }
}
