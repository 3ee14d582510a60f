//! Who may see which event: history visibility and membership.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility>.

use std::{collections::HashMap, sync::Arc};

use gantry_model::id::{RoomId, ServerName, UserId};
use gantry_state_res::StateMap;

use crate::{
    Membership, Result, RoomEvent, RoomView, Rooms,
    codec::Group,
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
        let view = self.get(room).await?;
        let row = self.membership_of(user, room).await?;
        let last_joined = match &row {
            Some(row) if row.membership == Membership::Join => Some(u64::MAX),
            // What was sent before the user left was sent while the user could still see it.
            Some(row) if row.previous() == Some(Membership::Join) => Some(row.pos()),
            _ => None,
        };
        let mut states = States {
            rooms: self,
            view: &view,
            known: HashMap::new(),
        };
        let erased = self.erased().await?;
        let mut visible = Vec::with_capacity(events.len());
        for mut event in events {
            if event.flags.soft {
                continue;
            }
            let (before, after) = states.around(&event).await?;
            if may_see(view.dag(), user, &event, &before, &after, last_joined) {
                if erased.contains(event.pdu.sender())
                    && membership_in(view.dag(), &before, user) != Some(Membership::Join)
                {
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
        let mut states = States {
            rooms: self,
            view: &view,
            known: HashMap::new(),
        };
        let erased = self.erased().await?;
        let mut shown = Vec::with_capacity(events.len());
        for mut event in events {
            let (before, _) = states.around(&event).await?;
            let visibility = visibility_in(view.dag(), &before);
            let visible = event.pdu.state_key().is_some()
                || matches!(visibility.as_str(), "shared" | "world_readable")
                || server_in(view.dag(), &before, server, visibility == "invited");
            let is_erased = erased.contains(event.pdu.sender())
                && !server_in(view.dag(), &before, server, false);
            if !visible || is_erased {
                forget(&mut event);
            }
            shown.push(event);
        }
        Ok(shown)
    }
}

/// The states around events, each looked up once.
struct States<'a> {
    rooms: &'a Rooms,
    view: &'a RoomView,
    known: HashMap<Group, StateMap>,
}

impl States<'_> {
    /// The states before and after an event. Of history without a state, the oldest that is known
    /// after it stands in: the current one.
    async fn around(&mut self, event: &RoomEvent) -> Result<(StateMap, StateMap)> {
        let before = self.group(event.sb.unwrap_or(event.cs)).await?;
        let after = match event.sa {
            Some(sa) => self.group(sa).await?,
            None => before.clone(),
        };
        Ok((before, after))
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

fn may_see(
    dag: &Dag,
    user: &UserId,
    event: &RoomEvent,
    before: &StateMap,
    after: &StateMap,
    last_joined: Option<u64>,
) -> bool {
    // A change of visibility is judged by the more open of both, a change of the own membership by
    // the closer one to the room.
    let visibilities = [visibility_in(dag, before), visibility_in(dag, after)];
    let memberships = [
        membership_in(dag, before, user),
        membership_in(dag, after, user),
    ];
    if memberships.contains(&Some(Membership::Join)) {
        return true;
    }
    if event.pdu.is_state("m.room.member", user.as_str()) {
        return true;
    }
    visibilities
        .iter()
        .any(|visibility| match visibility.as_str() {
            "world_readable" => true,
            "invited" => {
                memberships.contains(&Some(Membership::Invite))
                    && last_joined.is_some_and(|last| event.pos <= last)
            }
            "joined" => false,
            _ => last_joined.is_some_and(|last| event.pos <= last),
        })
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
