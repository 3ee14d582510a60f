//! The public directory.
//!
//! Specification:
//! <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3publicrooms>.

use gantry_model::id::{OwnedRoomAliasId, OwnedRoomId, OwnedServerName};
use gantry_rooms::RoomView;
use serde::{Deserialize, Serialize};

use crate::{Directory, Error, Result};

/// Entries of a page if the client does not say.
const DEFAULT_LIMIT: usize = 100;
/// The most entries of a page.
const MAX_LIMIT: usize = 500;

/// Which public rooms are wanted.
#[derive(Debug, Clone, Default)]
pub struct PublicRoomsQuery {
    /// The most entries.
    pub limit: Option<usize>,
    /// The `next_batch` or `prev_batch` of another page.
    pub since: Option<String>,
    /// Text in the name, topic or alias, whatever its case.
    pub search: Option<String>,
    /// Only rooms of these types, where `None` is the type of a room that has none.
    pub room_types: Option<Vec<Option<String>>>,
    /// Whose directory; `None`: ours.
    pub server: Option<OwnedServerName>,
}

/// A page of the directory.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct PublicRooms {
    /// The entries, the largest room first.
    pub chunk: Vec<PublicRoom>,
    /// Where the next page begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_batch: Option<String>,
    /// Where the page before begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev_batch: Option<String>,
    /// How many entries there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_room_count_estimate: Option<u64>,
}

/// An entry of the directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicRoom {
    /// The room.
    pub room_id: OwnedRoomId,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its topic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic: Option<String>,
    /// Its canonical alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canonical_alias: Option<OwnedRoomAliasId>,
    /// Its picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_url: Option<String>,
    /// How many are in it.
    pub num_joined_members: u64,
    /// Whether everybody may read it.
    pub world_readable: bool,
    /// Whether guests may join.
    pub guest_can_join: bool,
    /// Its join rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub join_rule: Option<String>,
    /// Its type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room_type: Option<String>,
}

impl PublicRoom {
    /// The entry of a room.
    pub fn of(view: &RoomView) -> Self {
        let alias = view.canonical_alias();
        Self {
            room_id: view.room_id().to_owned(),
            name: view.name(),
            topic: view.topic(),
            canonical_alias: alias.and_then(|alias| OwnedRoomAliasId::try_from(alias).ok()),
            avatar_url: view.avatar(),
            num_joined_members: view.counts().joined.max(0) as u64,
            world_readable: view.history_visibility() == "world_readable",
            guest_can_join: view.guest_access() == "can_join",
            join_rule: Some(view.join_rule()),
            room_type: view.room_type(),
        }
    }

    fn fits(&self, query: &PublicRoomsQuery) -> bool {
        let type_fits = query
            .room_types
            .as_ref()
            .is_none_or(|types| types.contains(&self.room_type));
        let Some(search) = query.search.as_deref().filter(|search| !search.is_empty()) else {
            return type_fits;
        };
        let search = search.to_lowercase();
        let alias = self.canonical_alias.as_ref().map(|alias| alias.as_str());
        type_fits
            && [self.name.as_deref(), self.topic.as_deref(), alias]
                .into_iter()
                .flatten()
                .any(|text| text.to_lowercase().contains(&search))
    }
}

impl Directory {
    /// A page of the directory of this or another server.
    pub async fn public_rooms(&self, query: PublicRoomsQuery) -> Result<PublicRooms> {
        if let Some(server) = query.server.as_deref()
            && server != self.core.server_name()
        {
            let asked = gantry_federation::PublicRoomsQuery {
                limit: query.limit.map(|limit| limit.min(MAX_LIMIT) as u64),
                since: query.since.clone(),
                search: query.search.clone(),
                room_types: query.room_types.clone(),
            };
            let answer = self.core.federation.public_rooms(server, &asked).await?;
            return serde_json::to_value(&answer)
                .and_then(serde_json::from_value)
                .map_err(|_| {
                    let kind = gantry_model::ErrorKind::RemoteFailed;
                    Error::refused(kind, "The other server's answer cannot be read")
                });
        }
        let start = start_of(query.since.as_deref())?;
        let mut rooms = Vec::new();
        for room in self.core.rooms.published().await? {
            if let Some(view) = self.core.rooms.view(&room).await? {
                rooms.push(PublicRoom::of(&view));
            }
        }
        rooms.retain(|room| room.num_joined_members > 0 && room.fits(&query));
        Ok(page(
            rooms,
            start,
            query.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MAX_LIMIT),
        ))
    }
}

/// Where a page begins: our tokens are `p` and the number of entries before it.
fn start_of(since: Option<&str>) -> Result<usize> {
    let Some(since) = since.filter(|since| !since.is_empty()) else {
        return Ok(0);
    };
    since
        .strip_prefix('p')
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| Error::invalid("Not a token"))
}

fn page(mut rooms: Vec<PublicRoom>, start: usize, limit: usize) -> PublicRooms {
    rooms.sort_by(|a, b| {
        b.num_joined_members
            .cmp(&a.num_joined_members)
            .then_with(|| a.room_id.cmp(&b.room_id))
    });
    let total = rooms.len();
    let end = start.saturating_add(limit);
    PublicRooms {
        chunk: rooms.into_iter().skip(start).take(limit).collect(),
        next_batch: (end < total).then(|| format!("p{end}")),
        prev_batch: (start > 0).then(|| format!("p{}", start.saturating_sub(limit))),
        total_room_count_estimate: Some(total as u64),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn room(name: &str, members: u64, room_type: Option<&str>) -> PublicRoom {
        PublicRoom {
            room_id: OwnedRoomId::try_from(format!("!{name}:b")).expect("a room id"),
            name: Some(name.to_owned()),
            topic: None,
            canonical_alias: None,
            avatar_url: None,
            num_joined_members: members,
            world_readable: false,
            guest_can_join: false,
            join_rule: None,
            room_type: room_type.map(str::to_owned),
        }
    }

    #[test]
    fn pages_follow_each_other_from_the_largest_room_on() {
        let rooms = vec![room("a", 1, None), room("b", 3, None), room("c", 2, None)];

        let first = page(rooms.clone(), 0, 2);
        let second = page(
            rooms,
            start_of(first.next_batch.as_deref()).expect("ours"),
            2,
        );

        assert_eq!(first.chunk[0].name.as_deref(), Some("b"));
        assert_eq!(first.prev_batch, None);
        assert_eq!(second.chunk[0].name.as_deref(), Some("a"));
        assert_eq!(
            (second.next_batch, second.prev_batch),
            (None, Some("p0".to_owned()))
        );
    }

    #[test]
    fn text_and_type_have_to_fit() {
        let query = PublicRoomsQuery {
            search: Some("GEN".to_owned()),
            room_types: Some(vec![None]),
            ..PublicRoomsQuery::default()
        };

        assert!(room("General", 1, None).fits(&query));
        assert!(!room("Other", 1, None).fits(&query));
        assert!(!room("General", 1, Some("m.space")).fits(&query));
    }

    proptest! {
        #[test]
        fn any_text_is_a_token_or_refused(text in "p?[0-9+]{0,25}") {
            if let Ok(start) = start_of(Some(&text)) {
                prop_assert!(page(Vec::new(), start, 500).chunk.is_empty());
            }
        }
    }
}
