//! Aliases of this server. They are primary data: no event makes or unmakes them.

use gantry_model::id::{OwnedRoomAliasId, OwnedRoomId, OwnedUserId, RoomAliasId, RoomId, UserId};
use gantry_store::{Key, Scan, hash16, schema::ALIAS};
use serde::{Deserialize, Serialize};

use crate::{Error, Result, Rooms};

/// An alias of this server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alias {
    /// The alias.
    pub alias: OwnedRoomAliasId,
    /// The room that it leads to.
    pub room_id: OwnedRoomId,
    /// Who made it.
    pub creator: OwnedUserId,
    rid: i64,
}

fn alias_key(alias: &RoomAliasId) -> Key {
    hash16(&[alias.as_bytes()]).to_vec()
}

impl Rooms {
    /// Lets an alias lead to a room. False: it is taken.
    pub async fn set_alias(
        &self,
        alias: &RoomAliasId,
        room: &RoomId,
        creator: &UserId,
    ) -> Result<bool> {
        let rid = self.number(room).await?.ok_or(Error::UnknownRoom)? as i64;
        let row = Alias {
            alias: alias.to_owned(),
            room_id: room.to_owned(),
            creator: creator.to_owned(),
            rid,
        };
        Ok(self
            .store()
            .insert_new(ALIAS, alias_key(alias), &row)
            .await?)
    }

    /// Where an alias leads.
    pub async fn alias(&self, alias: &RoomAliasId) -> Result<Option<Alias>> {
        Ok(self.store().get(ALIAS, &alias_key(alias)).await?)
    }

    /// Takes an alias away.
    pub async fn remove_alias(&self, alias: &RoomAliasId) -> Result<()> {
        Ok(self.store().delete(ALIAS, alias_key(alias)).await?)
    }

    /// The aliases that lead to a room.
    pub async fn aliases_of(&self, room: &RoomId) -> Result<Vec<OwnedRoomAliasId>> {
        let Some(rid) = self.number(room).await? else {
            return Ok(Vec::new());
        };
        let scan = Scan::index("rid", vec![(rid as i64).into()]);
        let rows = self.store().scan::<Alias>(ALIAS, scan).await?;
        Ok(rows.into_iter().map(|(_, alias)| alias.alias).collect())
    }
}
