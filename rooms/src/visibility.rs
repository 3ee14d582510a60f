//! Who may see which event: history visibility and membership.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility>.

use std::{collections::HashMap, ops::Bound, sync::Arc};

use gantry_model::id::{RoomId, ServerName, UserId};
use gantry_state_res::StateMap;
use gantry_store::{Blob, Scan, schema::ROOM};
use serde::Deserialize;

use crate::{
    Direction, Error, Membership, MembershipRow, Result, RoomEvent, RoomView, Rooms, TimelineKey,
    codec::Group,
    dummy::is_dummy,
    load::binary,
    memory::{Dag, joined_users},
};

impl Rooms {
    /// Those of the events that a user may see, in their order.
    pub async fn visible(
        &self,
        user: &UserId,
        room: &RoomId,
        events: Vec<RoomEvent>,
    ) -> Result<Vec<RoomEvent>> {
        let row = self.membership_of(user, room).await?;
        self.visible_with(row.as_ref(), user, room, events).await
    }

    /// The same for a user whose membership is at hand.
    pub async fn visible_with(
        &self,
        row: Option<&MembershipRow>,
        user: &UserId,
        room: &RoomId,
        events: Vec<RoomEvent>,
    ) -> Result<Vec<RoomEvent>> {
        let view = self.get(room).await?;
        let has_forgotten = row.is_some_and(|row| row.forgotten);
        let last_joined = match row {
            Some(row) if row.membership == Membership::Join => Some(u64::MAX),
            // What was sent before the user left was sent while the user could still see it.
            Some(row) if row.previous() == Some(Membership::Join) => Some(row.pos()),
            _ => None,
        };
        let mut states = States::new(self, &view);
        let erased = self.erased().await?;
        let mut visible = Vec::with_capacity(events.len());
        for mut event in events {
            if event.flags.soft || is_dummy(&event.pdu) {
                continue;
            }
            // Who was there keeps what an erased user said; who came later does not get it.
            let (sees, was_there) = match states.around(&event).await? {
                Around::Known(before, after) => {
                    let states = [&before, &after];
                    let memberships = states.map(|state| membership_in(view.dag(), state, user));
                    event.membership = Some(memberships[1].unwrap_or(Membership::Leave));
                    let was_joined_later = last_joined.is_some_and(|last| event.pos <= last);
                    let sees = match has_forgotten {
                        true => is_open(view.dag(), states),
                        false => {
                            is_own_end(&event, user)
                                || may_see(view.dag(), states, memberships, was_joined_later)
                        }
                    };
                    (sees, memberships[0] == Some(Membership::Join))
                }
                Around::Nearest(sides) => {
                    let joined =
                        |state: &Option<StateMap>| is_joined(view.dag(), state.as_ref(), user);
                    let joined = !has_forgotten && sides.iter().all(joined);
                    (joined, joined)
                }
            };
            if sees {
                if erased.contains(event.pdu.sender()) && !was_there {
                    forget(&mut event);
                }
                visible.push(event);
            }
        }
        Ok(visible)
    }

    /// The events as another server may see them: what it may not see is redacted.
    pub async fn server_visible(
        &self,
        server: &ServerName,
        room: &RoomId,
        events: Vec<RoomEvent>,
    ) -> Result<Vec<RoomEvent>> {
        let view = self.get(room).await?;
        let mut states = States::new(self, &view);
        let erased = self.erased().await?;
        let mut shown = Vec::with_capacity(events.len());
        for mut event in events {
            let visible = event.pdu.state_key().is_some()
                || match states.around(&event).await? {
                    Around::Known(before, _) => {
                        let is_erased = erased.contains(event.pdu.sender())
                            && !server_in(view.dag(), &before, server, false);
                        !is_erased && may_serve(view.dag(), &before, server)
                    }
                    Around::Nearest(sides) => sides.iter().all(|state| {
                        let state = state.as_ref();
                        state.is_some_and(|state| server_in(view.dag(), state, server, false))
                    }),
                };
            if !visible {
                forget(&mut event);
            }
            shown.push(event);
        }
        Ok(shown)
    }
}

/// What is known of the states around an event.
enum Around {
    /// The states before and after it.
    Known(StateMap, StateMap),
    /// Of history that came without a state: the nearest known states on both sides, if there are
    /// any.
    Nearest([Option<StateMap>; 2]),
}

/// The states around events, each looked up once.
struct States<'a> {
    rooms: &'a Rooms,
    view: &'a RoomView,
    known: HashMap<Group, StateMap>,
    stretch: Option<Stretch>,
}

/// Entries without states, from one that has some to the next one that has, both excluded.
#[derive(Clone, Copy)]
struct Stretch {
    from: TimelineKey,
    to: TimelineKey,
    before: Option<Group>,
    after: Option<Group>,
}

/// What is read of an entry to find a known state.
#[derive(Deserialize)]
struct StateRow {
    tk: Blob,
    sb: Option<Group>,
    sa: Option<Group>,
}

/// Entries that are read at once while looking for one with a state, and how often.
const LOOK: usize = 100;
const MOST_LOOKS: usize = 20;

impl<'a> States<'a> {
    fn new(rooms: &'a Rooms, view: &'a RoomView) -> Self {
        Self {
            rooms,
            view,
            known: HashMap::new(),
            stretch: None,
        }
    }

    async fn around(&mut self, event: &RoomEvent) -> Result<Around> {
        if let (Some(sb), Some(sa)) = (event.sb, event.sa) {
            return Ok(Around::Known(self.group(sb).await?, self.group(sa).await?));
        }
        let Some(key) = event.key else {
            return Ok(Around::Nearest([None, None]));
        };
        let stretch = match self.stretch {
            Some(stretch) if stretch.from < key && key < stretch.to => stretch,
            _ => self.stretch_around(key).await?,
        };
        self.stretch = Some(stretch);
        let mut sides = [None, None];
        for (side, group) in sides.iter_mut().zip([stretch.before, stretch.after]) {
            if let Some(group) = group {
                *side = Some(self.group(group).await?);
            }
        }
        Ok(Around::Nearest(sides))
    }

    async fn stretch_around(&self, key: TimelineKey) -> Result<Stretch> {
        let older = self.nearest(key, Direction::Backward).await?;
        let newer = self.nearest(key, Direction::Forward).await?;
        Ok(Stretch {
            from: older.as_ref().map_or(TimelineKey::START, |(key, _)| *key),
            to: newer.as_ref().map_or(TimelineKey::END, |(key, _)| *key),
            before: older.and_then(|(_, row)| row.sa),
            after: newer.and_then(|(_, row)| row.sb),
        })
    }

    /// The nearest entry with known states on one side of a place.
    async fn nearest(
        &self,
        mut key: TimelineKey,
        direction: Direction,
    ) -> Result<Option<(TimelineKey, StateRow)>> {
        for _ in 0..MOST_LOOKS {
            let at = Bound::Excluded(binary(key.as_bytes()));
            let scan = Scan::index("tk", vec![(self.view.rid() as i64).into()]);
            let scan = match direction {
                Direction::Backward => scan.between(Bound::Unbounded, at).reverse(),
                Direction::Forward => scan.between(at, Bound::Unbounded),
            };
            let scan = scan.light().limit(LOOK);
            let rows = self.rooms.store().scan::<StateRow>(ROOM, scan).await?;
            let more = rows.len() == LOOK;
            for (_, row) in rows {
                key = TimelineKey::from_slice(&row.tk).ok_or(Error::Broken("a timeline key"))?;
                if row.sb.is_some() && row.sa.is_some() {
                    return Ok(Some((key, row)));
                }
            }
            if !more {
                break;
            }
        }
        Ok(None)
    }

    async fn group(&mut self, group: Group) -> Result<StateMap> {
        if let Some(state) = self.known.get(&group) {
            return Ok(state.clone());
        }
        let state = self.rooms.group(self.view, group).await?;
        self.known.insert(group, state.clone());
        Ok(state)
    }
}

fn is_joined(dag: &Dag, state: Option<&StateMap>, user: &UserId) -> bool {
    state.is_some_and(|state| membership_in(dag, state, user) == Some(Membership::Join))
}

/// Whether another server may see what was sent in a state.
fn may_serve(dag: &Dag, state: &StateMap, server: &ServerName) -> bool {
    let visibility = visibility_in(dag, state);
    matches!(visibility.as_str(), "shared" | "world_readable")
        || server_in(dag, state, server, visibility == "invited")
}

/// Whether a user may see what happened between two states, of his memberships in them.
/// `was_joined_later`: he has been in the room since.
fn may_see(
    dag: &Dag,
    states: [&StateMap; 2],
    memberships: [Option<Membership>; 2],
    was_joined_later: bool,
) -> bool {
    // A change of visibility is judged by the more open of both, a change of the own membership by
    // the closer one to the room.
    let may_see_in = |state| match visibility_in(dag, state).as_str() {
        "world_readable" => true,
        "invited" => was_joined_later && memberships.contains(&Some(Membership::Invite)),
        "joined" => false,
        _ => was_joined_later,
    };
    memberships.contains(&Some(Membership::Join)) || states.into_iter().any(may_see_in)
}

/// Whether an event takes a user out of a room, who always sees that: otherwise an invite that was
/// declined, or taken back, would stay.
fn is_own_end(event: &RoomEvent, user: &UserId) -> bool {
    event.pdu.is_state("m.room.member", user.as_str())
        && matches!(event.pdu.content_str("membership"), Some("leave" | "ban"))
}

/// Whether anybody may see what happened between the states.
fn is_open(dag: &Dag, states: [&StateMap; 2]) -> bool {
    let mut states = states.into_iter();
    states.any(|state| visibility_in(dag, state) == "world_readable")
}

/// Leaves nothing of an event but what a redaction leaves.
fn forget(event: &mut RoomEvent) {
    event.pdu = Arc::new(event.pdu.redacted());
    event.relation = None;
}

fn visibility_in(dag: &Dag, state: &StateMap) -> String {
    dag.state_event(state, "m.room.history_visibility", "")
        .and_then(|pdu| pdu.content_str("history_visibility").map(str::to_owned))
        .unwrap_or_else(|| "shared".to_owned())
}

fn membership_in(dag: &Dag, state: &StateMap, user: &UserId) -> Option<Membership> {
    dag.state_event(state, "m.room.member", user.as_str())?
        .content_str("membership")?
        .parse()
        .ok()
}

fn server_in(dag: &Dag, state: &StateMap, server: &ServerName, also_invited: bool) -> bool {
    if joined_users(dag, state).any(|user| user.server_name() == server) {
        return true;
    }
    also_invited
        && state.iter().any(|(skid, rn)| {
            let Some(("m.room.member", user)) = dag.key(*skid) else {
                return false;
            };
            let of_server = UserId::parse(user).is_ok_and(|user| user.server_name() == server);
            of_server
                && dag
                    .pdu(*rn)
                    .is_some_and(|pdu| pdu.content_str("membership") == Some("invite"))
        })
}
