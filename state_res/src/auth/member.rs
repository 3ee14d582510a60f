//! Rule 4: `m.room.member`.

mod ban;
mod invite;
mod join;
mod knock;
mod leave;

use std::sync::Arc;

use gantry_model::{Pdu, id::UserId};

use super::{Knowledge, ensure};
use crate::{
    PowerLevels, Rejection,
    view::{Create, Member, Membership},
};

/// A member event under check.
struct Change<'a> {
    pdu: &'a Pdu,
    member: &'a Member,
    target: &'a UserId,
    create: &'a Arc<Create>,
    state: &'a dyn Knowledge,
}

impl Change<'_> {
    fn levels(&self) -> PowerLevels {
        PowerLevels::from_parts(
            Arc::clone(self.create),
            self.pdu.rules().privileged_creators,
            self.state.levels(),
        )
    }

    fn is_own(&self) -> bool {
        self.pdu.sender() == self.target
    }

    /// The membership of the target before the event.
    fn current(&self) -> Membership {
        self.state.membership(self.target)
    }

    /// Rule 4.2: the user who authorizes a restricted join, where the version has them.
    fn authorised_via(&self) -> Result<Option<&UserId>, Rejection> {
        match &self.member.via {
            Some(via) if self.pdu.rules().restricted => match via {
                Ok(user) => Ok(Some(user)),
                Err(_) => Err(Rejection::AuthorisingUser),
            },
            _ => Ok(None),
        }
    }

    fn sender_is_joined(&self) -> Result<(), Rejection> {
        ensure(
            self.state.is_joined(self.pdu.sender()),
            Rejection::SenderNotJoined,
        )
    }
}

/// Rule 4 of <https://spec.matrix.org/v1.19/rooms/v11/#authorization-rules>. That the server of
/// the authorizing user signed the event (4.2) is checked with the other signatures.
pub(super) fn check(
    pdu: &Pdu,
    member: &Member,
    create: &Arc<Create>,
    state: &dyn Knowledge,
) -> Result<(), Rejection> {
    // Rule 4.1.
    let target = member.target.as_deref();
    let target = target.ok_or(Rejection::MemberMalformed)?;
    ensure(member.has_membership, Rejection::MemberMalformed)?;
    let change = Change {
        pdu,
        member,
        target,
        create,
        state,
    };
    match member.membership {
        Membership::Join => join::check(&change),
        Membership::Invite => invite::check(&change),
        Membership::Leave => leave::check(&change),
        Membership::Ban => ban::check(&change),
        Membership::Knock if pdu.rules().knocking => knock::check(&change),
        Membership::Knock | Membership::Unknown => Err(Rejection::UnknownMembership),
    }
}
