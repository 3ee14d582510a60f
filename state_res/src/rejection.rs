//! Why an event is not allowed.

/// The authorization rule that an event breaks. Numbers are those of the
/// [rules of room version 11](https://spec.matrix.org/v1.19/rooms/v11/#authorization-rules); from
/// version 12 on all but the first count one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Rejection {
    /// Rule 1.1: a create event has previous events.
    #[error("the create event has previous events")]
    CreateNotFirst,
    /// Rule 1.2: the room id has another domain than the sender of the create event; from version
    /// 12 on: the create event has a room id.
    #[error("the create event has a wrong room id")]
    CreateRoomId,
    /// Rule 1.3: the room version is not the one that the room is read with.
    #[error("the create event names another room version")]
    CreateVersion,
    /// Rule 1.4 of versions 1 to 10: there is no creator.
    #[error("the create event has no creator")]
    CreateWithoutCreator,
    /// Rule 1.4 of version 12: `additional_creators` is not a list of user ids.
    #[error("the additional creators are not a list of users")]
    AdditionalCreators,
    /// Rule 2 of version 12, 2.4 before: there is no create event, or it is another room's.
    #[error("the create event of the room is missing")]
    NoCreate,
    /// Rule 2.1: two auth events with the same type and state key.
    #[error("two auth events have the same type and state key")]
    DuplicateAuthEvents,
    /// Rule 2.2: an auth event that the selection does not ask for.
    #[error("an auth event is none of those that authorize such an event")]
    UnexpectedAuthEvent,
    /// Rule 2.3: an auth event that was rejected itself.
    #[error("an auth event was rejected")]
    RejectedAuthEvent,
    /// Rule 2.5: an auth event of another room.
    #[error("an auth event belongs to another room")]
    ForeignAuthEvent,
    /// Rule 3: the room is closed to other servers.
    #[error("the room is not open to other servers")]
    NotFederated,
    /// Rule 4 of versions 1 to 5: aliases of another server.
    #[error("the aliases are not those of the sender's server")]
    ForeignAliases,
    /// Rule 4.1: a member event without state key or membership.
    #[error("the member event has no user or no membership")]
    MemberMalformed,
    /// Rule 4.2: the user who authorizes a restricted join is none.
    #[error("the authorizing user of the join is malformed")]
    AuthorisingUser,
    /// Rule 4.3.2: a join for somebody else.
    #[error("nobody can join for somebody else")]
    JoinForOther,
    /// Rule 4.3.3: the user is banned.
    #[error("the user is banned")]
    Banned,
    /// Rule 4.3.5: the restricted join is not authorized by a member who may invite.
    #[error("the join is not authorized by a member who may invite")]
    JoinNotAuthorised,
    /// Rule 4.3.7: the join rule does not let the user in.
    #[error("the join rule does not let the user in")]
    JoinRule,
    /// Rule 4.4.1: the third-party invite does not fit the event or the room.
    #[error("the third-party invite does not hold")]
    ThirdPartyInvite,
    /// Rules 4.4.2, 4.5.2, 4.6.1 and 5: the sender is not in the room.
    #[error("the sender is not in the room")]
    SenderNotJoined,
    /// Rule 4.4.3: the invited user is in the room or banned.
    #[error("the user is in the room already or banned")]
    InviteTarget,
    /// Rules 4.4.5 and 6: the sender may not invite.
    #[error("the sender may not invite")]
    InviteLevel,
    /// Rule 4.5.1: leaving without being in.
    #[error("the user is not in the room")]
    LeaveWithoutBeingIn,
    /// Rule 4.5.3: the sender may not lift a ban.
    #[error("the sender may not lift a ban")]
    UnbanLevel,
    /// Rule 4.5.5: the sender may not kick this user.
    #[error("the sender may not remove this user")]
    KickLevel,
    /// Rule 4.6.3: the sender may not ban this user.
    #[error("the sender may not ban this user")]
    BanLevel,
    /// Rule 4.7.1: the join rule does not allow knocking.
    #[error("the join rule does not allow knocking")]
    KnockRule,
    /// Rule 4.7.2: a knock for somebody else.
    #[error("nobody can knock for somebody else")]
    KnockForOther,
    /// Rule 4.7.4: the user is in the room, invited or banned.
    #[error("the user is in the room, invited or banned")]
    KnockMembership,
    /// Rule 4.8: a membership that the room version does not know.
    #[error("unknown membership")]
    UnknownMembership,
    /// Rule 7: the event type needs a higher level.
    #[error("the sender may not send events of this type")]
    EventLevel,
    /// Rule 8: the state key is another user.
    #[error("the state key is another user")]
    StateKeyOfOther,
    /// Rule 8 with owned state: the state key does not begin with a user id.
    #[error("the state key is not a user id, nor one with an underscore behind it")]
    StateKeyMalformed,
    /// Rules 9.1 to 9.3: the power levels are not of the form that the version asks for.
    #[error("the power levels are malformed")]
    PowerLevelsMalformed,
    /// Rule 10.4 of version 12: the power levels name a creator.
    #[error("the power levels name a creator of the room")]
    PowerLevelsOfCreator,
    /// Rules 9.5 to 9.9: a level is changed that is, or becomes, too high for the sender.
    #[error("the sender may not change this power level")]
    PowerLevelChange,
    /// Rule 11 of versions 1 and 2: the sender may not redact.
    #[error("the sender may not redact this event")]
    RedactionLevel,
}
