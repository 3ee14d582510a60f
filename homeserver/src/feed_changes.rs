//! Putting together what changed for a user.

use std::collections::{HashMap, HashSet};

use gantry_accounts::{AccountDatum, InviteVerdict, Receipt, Session, room_owner, user_owner};
use gantry_model::{
    Value,
    id::{OwnedRoomId, OwnedUserId, RoomId, UserId},
};
use gantry_rooms::{Cut, Membership, MembershipRow, OUT_OF_BAND, OutOfBandKind, StreamKind};

use crate::{
    Feed, FeedOptions, InvitedChange, JoinedChange, LeftChange, Result, SyncToken, UserChanges,
    feed_timeline::{Span, StateWanted},
    notify::Notified,
    sieve::Sieve,
    stripped::stripped_state,
};

/// What one answer is about.
struct Question<'a> {
    user: &'a UserId,
    since: Option<&'a SyncToken>,
    upto: &'a SyncToken,
    options: &'a FeedOptions,
    news: News,
    /// Account data of rooms.
    account_data: HashMap<OwnedRoomId, Vec<AccountDatum>>,
    receipts: HashMap<OwnedRoomId, Vec<Receipt>>,
    typing: HashMap<OwnedRoomId, Vec<OwnedUserId>>,
    notified: Notified,
}

/// What is new in the stream; empty if there is no `since`.
#[derive(Default)]
struct News {
    /// Rooms whose log grew.
    rooms: HashSet<OwnedRoomId>,
    /// Rooms that we are not in, of which the user heard, as the stream names them.
    outside: HashSet<[u8; 16]>,
}

impl<'a> Question<'a> {
    fn sieve<'b>(&'b self, room: &'b RoomId) -> Sieve<'b>
    where
        'a: 'b,
    {
        Sieve {
            user: self.user,
            room,
            ignored: &self.notified.ignored,
            filter: &self.options.timeline,
        }
    }

    fn since_cut(&self) -> Option<&Cut> {
        self.since.map(|since| &since.cut)
    }
}

/// A user's membership of a room at both ends of the span.
struct Transition<'a> {
    row: &'a MembershipRow,
    /// At its start; `None`: none, or there is no start.
    before: Option<Membership>,
    /// At its end.
    after: Option<Membership>,
    /// Whether the membership is newer than the start.
    is_news: bool,
}

impl Transition<'_> {
    fn was_joined(&self) -> bool {
        self.before == Some(Membership::Join)
    }
}

impl Feed {
    /// What changed for the user after `since` (`None`: everything there is) up to `upto`, which
    /// [`Feed::wait`] or [`Feed::now`] gave. A `since` of another generation of the store counts
    /// as none.
    pub async fn changes_for(
        &self,
        session: &Session,
        since: Option<&SyncToken>,
        upto: &SyncToken,
        options: &FeedOptions,
    ) -> Result<UserChanges> {
        let since = since.filter(|since| since.cut.generation() == upto.cut.generation());
        let user = &*session.user_id;
        let mut rows = self.core.rooms.memberships(user).await?;
        rows.retain(|row| is_wanted(options, &row.room_id));
        let (global, account_data) = self.account_data(user, since, upto).await?;
        let joined: Vec<_> = rows.iter().map(|row| row.room_id.clone()).collect();
        let question = Question {
            user,
            since,
            upto,
            options,
            news: self.news(user, since, upto).await?,
            account_data,
            receipts: self.receipts(user, &joined, since, upto).await?,
            typing: self.typing(&joined, since),
            notified: self.core.notified(user).await?,
        };
        let mut changes = UserChanges {
            account_data: global,
            ..UserChanges::default()
        };
        for row in &rows {
            self.add_room(&question, row, &mut changes).await?;
        }
        self.add_outside(&question, &rows, &mut changes).await?;
        changes.presence = self.presence(user, &rows, since, &changes.joined).await?;
        Ok(changes)
    }

    async fn add_room(
        &self,
        question: &Question<'_>,
        row: &MembershipRow,
        changes: &mut UserChanges,
    ) -> Result<()> {
        let transition = self.transition(question, row).await?;
        match transition.after {
            Some(Membership::Join) => {
                changes
                    .joined
                    .extend(self.joined_change(question, &transition).await?);
            }
            Some(Membership::Invite) if transition.is_news => {
                if self.is_silenced(question, &row.sender).await? {
                    return Ok(());
                }
                changes
                    .invited
                    .push(self.invited_change(question, row).await?);
            }
            Some(Membership::Knock) if transition.is_news => {
                changes
                    .knocked
                    .push(self.invited_change(question, row).await?);
            }
            Some(Membership::Leave | Membership::Ban) => {
                let wanted = match question.since {
                    None => question.options.include_leave && !row.forgotten,
                    Some(_) => {
                        transition.is_news
                            || question.options.full_state
                                && question.options.include_leave
                                && !row.forgotten
                    }
                };
                if wanted {
                    changes
                        .left
                        .push(self.left_change(question, &transition).await?);
                }
            }
            Some(Membership::Invite | Membership::Knock) | None => {}
        }
        Ok(())
    }

    async fn joined_change(
        &self,
        question: &Question<'_>,
        transition: &Transition<'_>,
    ) -> Result<Option<JoinedChange>> {
        let room = &transition.row.room_id;
        let was_joined = transition.was_joined();
        let full = !was_joined || question.options.full_state;
        let wanted = if full {
            StateWanted::Full
        } else {
            StateWanted::Delta
        };
        // A room that is new to the client starts with its newest events, however old.
        let since = question.since_cut().filter(|_| was_joined);
        let timeline = if full || question.news.rooms.contains(room) {
            let span = self.span(room, since, &question.upto.cut).await?;
            let mut timeline = self.timeline(&question.sieve(room), span, wanted).await?;
            // What was said before the user came is not in the timeline that the client knows.
            timeline.limited |= question.since.is_some() && !was_joined;
            Some(timeline)
        } else {
            None
        };
        let account_data = question.account_data.get(room).cloned().unwrap_or_default();
        let receipts = if was_joined {
            question.receipts.get(room).cloned().unwrap_or_default()
        } else {
            self.room_receipts(question.user, room).await?
        };
        let typing = question.typing.get(room).cloned();
        if timeline.is_none() && account_data.is_empty() && receipts.is_empty() && typing.is_none()
        {
            return Ok(None);
        }
        let view = match &timeline {
            Some(timeline) => timeline.now.clone(),
            None => self.core.rooms.state_at(room, &question.upto.cut).await?,
        };
        let unread = self.core.unread_by(&question.notified, room, &view).await?;
        let room_id = room.clone();
        Ok(Some(JoinedChange {
            room_id,
            timeline,
            full,
            newly: !was_joined,
            view,
            account_data,
            receipts,
            typing,
            unread,
        }))
    }

    async fn invited_change(
        &self,
        question: &Question<'_>,
        row: &MembershipRow,
    ) -> Result<InvitedChange> {
        let view = self
            .core
            .rooms
            .state_at(&row.room_id, &question.upto.cut)
            .await?;
        let stripped = stripped_state(&view, question.user);
        Ok(InvitedChange {
            room_id: row.room_id.clone(),
            stripped,
        })
    }

    async fn left_change(
        &self,
        question: &Question<'_>,
        transition: &Transition<'_>,
    ) -> Result<LeftChange> {
        let (row, was_joined) = (transition.row, transition.was_joined());
        if !was_joined && !self.core.was_in(question.user, &row.room_id).await? {
            return self.farewell(question, row).await;
        }
        let since = question.since_cut().filter(|_| was_joined);
        let whole = self.span(&row.room_id, since, &question.upto.cut).await?;
        let span = Span {
            upto: whole.upto.min(row.pos()),
            ..whole
        };
        let wanted = if was_joined {
            StateWanted::Delta
        } else {
            StateWanted::Full
        };
        let sieve = question.sieve(&row.room_id);
        let timeline = self.timeline(&sieve, span, wanted).await?;
        Ok(LeftChange {
            room_id: row.room_id.clone(),
            timeline: Some(timeline),
            event: None,
            account_data: question
                .account_data
                .get(&row.room_id)
                .cloned()
                .unwrap_or_default(),
        })
    }

    /// The end of an invite or a knock: whoever was never in a room learns no more of it.
    async fn farewell(&self, question: &Question<'_>, row: &MembershipRow) -> Result<LeftChange> {
        let room = &row.room_id;
        let leave = self.core.rooms.pdu(room, &row.event_id).await?;
        let event = leave.map(|leave| {
            let mut event = leave.object().clone();
            event.insert("event_id", leave.event_id().as_str().into());
            event
        });
        Ok(LeftChange {
            room_id: room.clone(),
            timeline: None,
            event,
            account_data: question.account_data.get(room).cloned().unwrap_or_default(),
        })
    }

    /// Invites to, knocks on and farewells from rooms that this server is not in.
    async fn add_outside(
        &self,
        question: &Question<'_>,
        rows: &[MembershipRow],
        changes: &mut UserChanges,
    ) -> Result<()> {
        for one in self.core.rooms.out_of_band(question.user).await? {
            let is_inside = rows.iter().any(|row| {
                row.room_id == one.room_id
                    && matches!(row.membership, Membership::Join | Membership::Invite)
            });
            let is_known = question.since.is_some()
                && !question.news.outside.contains(&room_owner(&one.room_id));
            if is_inside || is_known || !is_wanted(question.options, &one.room_id) {
                continue;
            }
            let sender = one.event.get("sender").and_then(Value::as_str);
            let sender = sender.and_then(|sender| UserId::parse(sender).ok());
            if one.kind == OutOfBandKind::Invite
                && let Some(sender) = sender
                && self.is_silenced(question, &sender).await?
            {
                continue;
            }
            let (room_id, stripped) = (one.room_id, one.stripped);
            match one.kind {
                OutOfBandKind::Invite => changes.invited.push(InvitedChange { room_id, stripped }),
                OutOfBandKind::Knock => changes.knocked.push(InvitedChange { room_id, stripped }),
                OutOfBandKind::Gone if question.since.is_some() => {
                    let event = (!one.event.is_empty()).then_some(one.event);
                    let account_data = Vec::new();
                    changes.left.push(LeftChange {
                        room_id,
                        timeline: None,
                        event,
                        account_data,
                    });
                }
                OutOfBandKind::Gone => {}
            }
        }
        Ok(())
    }

    /// Whether the user does not want to hear of invites by somebody.
    async fn is_silenced(&self, question: &Question<'_>, sender: &UserId) -> Result<bool> {
        if question.notified.ignored.contains(sender) {
            return Ok(true);
        }
        let accounts = &self.core.accounts;
        let verdict = accounts.invite_verdict(question.user, sender).await?;
        Ok(verdict != InviteVerdict::Allow)
    }

    async fn span(&self, room: &RoomId, since: Option<&Cut>, upto: &Cut) -> Result<Span> {
        let after = match since {
            Some(since) => self.core.rooms.log_end(room, since).await?,
            None => 0,
        };
        Ok(Span {
            after,
            upto: self.core.rooms.log_end(room, upto).await?,
        })
    }

    /// The user's membership at both ends of the span. A room whose log did not grow needs no look.
    async fn transition<'a>(
        &self,
        question: &Question<'_>,
        row: &'a MembershipRow,
    ) -> Result<Transition<'a>> {
        let (room, user) = (&*row.room_id, question.user);
        let Some(since) = question.since_cut() else {
            let after = self.membership_at(row, user, &question.upto.cut).await?;
            return Ok(Transition {
                row,
                before: None,
                after,
                is_news: true,
            });
        };
        if !question.news.rooms.contains(room) {
            let membership = Some(row.membership);
            return Ok(Transition {
                row,
                before: membership,
                after: membership,
                is_news: false,
            });
        }
        let before = self.membership_at(row, user, since).await?;
        let after = self.membership_at(row, user, &question.upto.cut).await?;
        let is_news = row.pos() > self.core.rooms.log_end(room, since).await?;
        Ok(Transition {
            row,
            before,
            after,
            is_news,
        })
    }

    /// The user's membership at a cut: what the row remembers, else what the state says.
    async fn membership_at(
        &self,
        row: &MembershipRow,
        user: &UserId,
        cut: &Cut,
    ) -> Result<Option<Membership>> {
        let pos = self.core.rooms.log_end(&row.room_id, cut).await?;
        if pos == 0 {
            return Ok(None);
        }
        if let Some(membership) = row.at(pos) {
            return Ok(Some(membership));
        }
        let view = self.core.rooms.view_at_pos(&row.room_id, pos).await?;
        Ok(view.membership(user))
    }

    async fn news(
        &self,
        user: &UserId,
        since: Option<&SyncToken>,
        upto: &SyncToken,
    ) -> Result<News> {
        let mut news = News::default();
        let Some(since) = since else { return Ok(news) };
        let own = user_owner(user);
        for change in self
            .core
            .rooms
            .stream_changes(&since.cut, &upto.cut)
            .await?
        {
            match change.kind {
                StreamKind::Room(room) => {
                    news.rooms.insert(room);
                }
                StreamKind::Data {
                    owner,
                    kind: OUT_OF_BAND,
                    sub,
                } if owner == own => {
                    news.outside.insert(sub);
                }
                StreamKind::Data { .. } => {}
            }
        }
        Ok(news)
    }
}

/// Whether the client wants to hear of the room.
fn is_wanted(options: &FeedOptions, room: &RoomId) -> bool {
    !options.not_rooms.iter().any(|not| not == room)
        && options
            .rooms
            .as_ref()
            .is_none_or(|rooms| rooms.iter().any(|wanted| wanted == room))
}
