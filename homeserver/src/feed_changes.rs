//! Putting together what changed for a user.

use std::collections::{HashMap, HashSet};

use futures::{TryStreamExt, stream::FuturesOrdered};
use gantry_accounts::{AccountDatum, InviteVerdict, Receipt, Session, room_owner, user_owner};
use gantry_model::{
    Value,
    id::{OwnedRoomId, OwnedUserId, RoomId, UserId},
};
use gantry_rooms::{Membership, MembershipRow, OUT_OF_BAND, OutOfBand, OutOfBandKind, StreamKind};
use tokio::try_join;

use crate::{
    Feed, FeedOptions, InvitedChange, JoinedChange, LeftChange, Result, SyncToken, UserChanges,
    feed_timeline::{Span, StateWanted},
    notify::Notified,
    sieve::Sieve,
    stripped::stripped_state,
};

/// How many rooms are looked at at once.
const ROOMS_AT_ONCE: usize = 8;

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
    /// Rooms whose log grew, and by what.
    rooms: HashMap<OwnedRoomId, Span>,
    /// Rooms that we are not in, of which the user heard, as the stream names them.
    outside: HashSet<[u8; 16]>,
}

impl<'a> Question<'a> {
    fn sieve<'b>(&'b self, row: &'b MembershipRow) -> Sieve<'b>
    where
        'a: 'b,
    {
        Sieve {
            user: self.user,
            row: Some(row),
            room: &row.room_id,
            ignored: &self.notified.ignored,
            filter: &self.options.timeline,
        }
    }
}

/// What there is to tell of a room that this server is in.
enum RoomChange {
    Joined(Box<JoinedChange>),
    Invited(InvitedChange),
    Knocked(InvitedChange),
    Left(Box<LeftChange>),
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
    /// What the room's log holds anew; `None`: nothing.
    span: Option<Span>,
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
        let (mut rows, (global, account_data), news, notified, outside) = try_join!(
            async { Ok(self.core.rooms.memberships(user).await?) },
            self.account_data(user, since, upto),
            self.news(user, since, upto),
            self.core.notified(user),
            async { Ok(self.core.rooms.out_of_band(user).await?) },
        )?;
        rows.retain(|row| is_wanted(options, &row.room_id));
        let joined: Vec<_> = rows.iter().map(|row| row.room_id.clone()).collect();
        let question = Question {
            user,
            since,
            upto,
            options,
            news,
            account_data,
            receipts: self.receipts(user, &joined, since, upto).await?,
            typing: self.typing(&joined, since),
            notified,
        };
        let mut changes = UserChanges {
            account_data: global,
            ..UserChanges::default()
        };
        let (mut waiting, mut running) = (rows.iter(), FuturesOrdered::new());
        loop {
            while running.len() < ROOMS_AT_ONCE
                && let Some(row) = waiting.next()
            {
                running.push_back(self.room_change(&question, row));
            }
            let Some(change) = running.try_next().await? else {
                break;
            };
            match change {
                Some(RoomChange::Joined(change)) => changes.joined.push(*change),
                Some(RoomChange::Invited(change)) => changes.invited.push(change),
                Some(RoomChange::Knocked(change)) => changes.knocked.push(change),
                Some(RoomChange::Left(change)) => changes.left.push(*change),
                None => {}
            }
        }
        self.add_outside(&question, &rows, outside, &mut changes)
            .await?;
        changes.presence = self.presence(user, &rows, since, &changes.joined).await?;
        Ok(changes)
    }

    /// What there is to tell of a room.
    async fn room_change(
        &self,
        question: &Question<'_>,
        row: &MembershipRow,
    ) -> Result<Option<RoomChange>> {
        let transition = self.transition(question, row).await?;
        let change = match transition.after {
            Some(Membership::Join) => {
                let change = self.joined_change(question, &transition).await?;
                return Ok(change.map(|change| RoomChange::Joined(Box::new(change))));
            }
            Some(Membership::Invite) if transition.is_news => {
                if self.is_silenced(question, &row.sender).await? {
                    return Ok(None);
                }
                RoomChange::Invited(self.invited_change(question, row).await?)
            }
            Some(Membership::Knock) if transition.is_news => {
                RoomChange::Knocked(self.invited_change(question, row).await?)
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
                if !wanted {
                    return Ok(None);
                }
                let change = self.left_change(question, &transition).await?;
                RoomChange::Left(Box::new(change))
            }
            Some(Membership::Invite | Membership::Knock) | None => return Ok(None),
        };
        Ok(Some(change))
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
        let account_data = question.account_data.get(room).cloned().unwrap_or_default();
        let typing = question.typing.get(room).cloned();
        let has_grown = full || question.news.rooms.contains_key(room);
        let is_quiet = !question.receipts.contains_key(room) && account_data.is_empty();
        if !has_grown && is_quiet && typing.is_none() {
            return Ok(None);
        }
        // A room that is new to the client starts with its newest events, however old.
        let span = self.span(question, transition).await?;
        let timeline = async {
            if !has_grown {
                return Ok(None);
            }
            let sieve = question.sieve(transition.row);
            let mut timeline = self.timeline(&sieve, span, wanted).await?;
            // What was said before the user came is not in the timeline that the client knows.
            timeline.limited |= question.since.is_some() && !was_joined;
            Ok(Some(timeline))
        };
        let receipts = async {
            if was_joined {
                return Ok(question.receipts.get(room).cloned().unwrap_or_default());
            }
            self.room_receipts(question.user, room).await
        };
        let unread = async {
            let view = self.core.rooms.view_at_pos(room, span.upto).await?;
            let unread = self.core.unread_by(&question.notified, room, &view).await?;
            Ok((view, unread))
        };
        let (timeline, receipts, (view, unread)) = try_join!(timeline, receipts, unread)?;
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
        let whole = self.span(question, transition).await?;
        let span = Span {
            upto: whole.upto.min(row.pos()),
            ..whole
        };
        let wanted = if was_joined {
            StateWanted::Delta
        } else {
            StateWanted::Full
        };
        let sieve = question.sieve(row);
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
        outside: Vec<OutOfBand>,
        changes: &mut UserChanges,
    ) -> Result<()> {
        for one in outside {
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

    /// What a user who was in the room, or was not, has not seen of its log.
    async fn span(&self, question: &Question<'_>, transition: &Transition<'_>) -> Result<Span> {
        let room = &transition.row.room_id;
        let span = match transition.span {
            Some(span) => span,
            None => {
                let end = self.core.rooms.log_end(room, &question.upto.cut).await?;
                Span {
                    after: end,
                    upto: end,
                }
            }
        };
        let after = if transition.was_joined() {
            span.after
        } else {
            0
        };
        Ok(Span { after, ..span })
    }

    /// The user's membership at both ends of what is new. A room whose log did not grow needs no look.
    async fn transition<'a>(
        &self,
        question: &Question<'_>,
        row: &'a MembershipRow,
    ) -> Result<Transition<'a>> {
        let (room, user) = (&*row.room_id, question.user);
        if question.since.is_none() {
            let upto = self.core.rooms.log_end(room, &question.upto.cut).await?;
            return Ok(Transition {
                row,
                before: None,
                after: self.membership_at(row, user, upto).await?,
                is_news: true,
                span: Some(Span { after: 0, upto }),
            });
        }
        let Some(span) = question.news.rooms.get(room).copied() else {
            let membership = Some(row.membership);
            return Ok(Transition {
                row,
                before: membership,
                after: membership,
                is_news: false,
                span: None,
            });
        };
        Ok(Transition {
            row,
            before: self.membership_at(row, user, span.after).await?,
            after: self.membership_at(row, user, span.upto).await?,
            is_news: row.pos() > span.after,
            span: Some(span),
        })
    }

    /// The user's membership when the log ended at `pos`: what the row remembers, else what the state
    /// says.
    async fn membership_at(
        &self,
        row: &MembershipRow,
        user: &UserId,
        pos: u64,
    ) -> Result<Option<Membership>> {
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
                StreamKind::Room { room, pos } => {
                    let alone = Span {
                        after: pos - 1,
                        upto: pos,
                    };
                    let span = news.rooms.entry(room).or_insert(alone);
                    span.after = span.after.min(alone.after);
                    span.upto = span.upto.max(alone.upto);
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
