//! Rule 4: `m.room.member`.

mod ban;
mod invite;
mod join;
mod knock;
mod leave;

use std::sync::Arc;

use gantry_model::{
    Pdu,
    id::{OwnedUserId, parse_user},
};

use super::{Knowledge, ensure, selection::authorising_user};
use crate::{
    PowerLevels, Rejection,
    view::{Create, Membership},
};

/// A member event under check.
struct Change<'a> {
    pdu: &'a Pdu,
    target: OwnedUserId,
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
        self.state.membership(&self.target)
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
    membership: Membership,
    create: &Arc<Create>,
    state: &dyn Knowledge,
) -> Result<(), Rejection> {
    // Rule 4.1.
    let target = pdu.state_key().and_then(parse_user);
    let target = target.ok_or(Rejection::MemberMalformed)?;
    ensure(
        pdu.content_str("membership").is_some(),
        Rejection::MemberMalformed,
    )?;
    let change = Change {
        pdu,
        target,
        create,
        state,
    };
    match membership {
        Membership::Join => join::check(&change),
        Membership::Invite => invite::check(&change),
        Membership::Leave => leave::check(&change),
        Membership::Ban => ban::check(&change),
        Membership::Knock if pdu.rules().knocking => knock::check(&change),
        Membership::Knock | Membership::Unknown => Err(Rejection::UnknownMembership),
    }
}

/// Rule 4.2: the user who authorizes a restricted join, where the version has them.
fn authorised_via(pdu: &Pdu) -> Result<Option<OwnedUserId>, Rejection> {
    if !pdu.rules().restricted
        || !pdu
            .content()
            .contains_key("join_authorised_via_users_server")
    {
        return Ok(None);
    }
    authorising_user(pdu.content())
        .and_then(parse_user)
        .map(Some)
        .ok_or(Rejection::AuthorisingUser)
}
