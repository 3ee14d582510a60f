//! Merging many forward extremities by an event that says nothing.
//!
//! Where servers talk past each other, extremities pile up, and every event must resolve all of
//! their states. Once there are more than ten, one of our members joins up to twenty of them by an
//! event of the type that Synapse uses for this. Clients never see it: it has no place in the
//! timeline, also if another server made it.

use std::cmp::Reverse;

use gantry_model::{
    Object, Pdu,
    id::{OwnedUserId, UserId},
};
use gantry_state_res::PowerLevels;
use gantry_store::Batch;

use crate::{
    Error, Identity, NewEvent, Result,
    commit::Env,
    create::append_own,
    draft::sign,
    memory::{Memory, joined_users},
};

/// The type of such events.
const DUMMY: &str = "org.matrix.dummy_event";

/// More extremities than these are merged.
const MOST_EXTREMITIES: usize = 10;

/// Members that are tried: the rules may forbid it to everyone.
const CANDIDATES: usize = 3;

/// Entries after which it is tried again if it was in vain.
const PAUSE: u64 = 50;

/// Whether an event is one that clients never see.
pub(crate) fn is_dummy(pdu: &Pdu) -> bool {
    pdu.kind() == DUMMY && pdu.state_key().is_none()
}

/// Appends a dummy event if there are too many extremities and one of our members may send it.
pub(crate) async fn merge_extremities(
    memory: &mut Memory,
    batch: &mut Batch,
    env: &Env<'_>,
    identity: &Identity,
) -> Result<()> {
    let is_due = memory.head.fx.len() > MOST_EXTREMITIES && memory.head.pos >= memory.next_merge;
    if !is_due || memory.local_joined == 0 {
        return Ok(());
    }
    memory.next_merge = memory.head.pos + PAUSE;
    for user in candidates(memory, env).await? {
        let event = NewEvent::message(user, DUMMY, Object::new());
        match sign(memory, env, identity, &event).await {
            Ok(pdu) => {
                append_own(memory, batch, env, pdu, None).await?;
                memory.next_merge = 0;
                return Ok(());
            }
            Err(Error::Rejected(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Our members with the most power.
async fn candidates(memory: &Memory, env: &Env<'_>) -> Result<Vec<OwnedUserId>> {
    let state = memory.state(memory.head.cs).await?;
    let Some(create) = memory.dag.state_event(&state, "m.room.create", "") else {
        return Ok(Vec::new());
    };
    let levels = memory.dag.state_event(&state, "m.room.power_levels", "");
    let levels = PowerLevels::of(&create, levels.as_deref());
    let is_ours = |user: &OwnedUserId| (env.is_local)(user);
    let mut ours: Vec<OwnedUserId> = joined_users(&memory.dag, &state).filter(is_ours).collect();
    let power = |user: &UserId| levels.for_user(user);
    ours.sort_by_cached_key(|user| (Reverse(power(user)), user.clone()));
    ours.truncate(CANDIDATES);
    Ok(ours)
}
