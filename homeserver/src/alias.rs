//! Aliases of rooms.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#room-aliases>.

use gantry_accounts::Session;
use gantry_model::{
    ErrorKind, Object, Value,
    id::{MAX_ID_BYTES, OwnedRoomAliasId, OwnedRoomId, OwnedServerName, RoomAliasId, RoomId},
};
use gantry_rooms::{Alias, NewEvent, RoomView};
use tracing::warn;

use crate::{Directory, Error, Result, content::str_of, core::Core};

/// The most servers that an answer names.
const MAX_SERVERS: usize = 50;

/// Where an alias leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedAlias {
    /// The room.
    pub room_id: OwnedRoomId,
    /// Servers that are in the room.
    pub servers: Vec<OwnedServerName>,
}

impl Directory {
    /// Makes an alias of this server lead to a room that the user is in.
    pub async fn create_alias(
        &self,
        session: &Session,
        alias: &RoomAliasId,
        room: &RoomId,
    ) -> Result<()> {
        self.core.check_own_alias(alias)?;
        self.core.check_alias_not_claimed(session, alias)?;
        self.core.joined_view(&session.user_id, room).await?;
        if self
            .core
            .rooms
            .set_alias(alias, room, &session.user_id)
            .await?
        {
            Ok(())
        } else {
            Err(Error::refused(
                ErrorKind::Conflict,
                format!("Room alias {alias} already exists"),
            ))
        }
    }

    /// Where an alias leads, of this or another server.
    pub async fn resolve_alias(&self, alias: &RoomAliasId) -> Result<ResolvedAlias> {
        self.core.resolve(alias).await
    }

    /// Takes an alias away: its creator may, whoever may set the room's canonical alias, and an
    /// administrator.
    pub async fn delete_alias(&self, session: &Session, alias: &RoomAliasId) -> Result<()> {
        let unknown = || Error::not_found("Room alias not found");
        let standing = self.core.rooms.alias(alias).await?.ok_or_else(unknown)?;
        let view = self.core.rooms.view(&standing.room_id).await?;
        if !may_delete(session, &standing, view.as_ref()) {
            return Err(Error::forbidden(
                "You don't have permission to delete the alias",
            ));
        }
        self.core.rooms.remove_alias(alias).await?;
        if let Some(view) = view
            && let Err(error) = self.forget_canonical(session, &view, alias).await
        {
            // The alias is gone all the same; the room only still mentions it.
            warn!(room.id = %view.room_id(), %error, "a deleted alias is still canonical");
        }
        Ok(())
    }

    /// The aliases of this server that lead to a room, for those who may read it.
    pub async fn aliases_of(
        &self,
        session: &Session,
        room: &RoomId,
    ) -> Result<Vec<OwnedRoomAliasId>> {
        self.core.readable_view(&session.user_id, room).await?;
        Ok(self.core.rooms.aliases_of(room).await?)
    }

    /// Takes a deleted alias out of the room's canonical alias event, if the user may.
    async fn forget_canonical(
        &self,
        session: &Session,
        view: &RoomView,
        alias: &RoomAliasId,
    ) -> Result<()> {
        let Some(standing) = view.state("m.room.canonical_alias", "") else {
            return Ok(());
        };
        let content = without_alias(standing.content(), alias.as_str());
        if content == *standing.content() {
            return Ok(());
        }
        let event = NewEvent::state(
            session.user_id.clone(),
            "m.room.canonical_alias",
            "",
            content,
        );
        self.core.submit_in(view, event).await?;
        Ok(())
    }
}

impl Core {
    /// Where an alias leads.
    pub(crate) async fn resolve(&self, alias: &RoomAliasId) -> Result<ResolvedAlias> {
        if alias.server_name() != self.server_name() {
            let answer = self.federation.query_directory(alias).await?;
            return Ok(ResolvedAlias {
                room_id: answer.room_id,
                servers: answer.servers,
            });
        }
        let unknown = || Error::not_found(format!("Room alias {alias} not found"));
        let standing = self.rooms.alias(alias).await?.ok_or_else(unknown)?;
        let view = self.rooms.view(&standing.room_id).await?;
        let own = self.server_name().to_owned();
        let known = view.map(|view| view.servers()).unwrap_or_default();
        let others: Vec<_> = known
            .iter()
            .filter(|server| **server != own)
            .cloned()
            .collect();
        // Ourselves first, then as many of the others as a join can use.
        let servers = std::iter::once(own)
            .chain(others)
            .take(MAX_SERVERS)
            .collect();
        Ok(ResolvedAlias {
            room_id: standing.room_id,
            servers,
        })
    }

    /// Fails unless the text is an alias that leads to the room.
    pub(crate) async fn check_alias_of(&self, alias: &str, room: &RoomId) -> Result<()> {
        let parsed = RoomAliasId::parse(alias)
            .map_err(|_| Error::invalid(format!("{alias} is not a room alias")))?;
        let leads = match self.resolve(&parsed).await {
            Ok(resolved) => resolved.room_id == room,
            Err(error) if error.kind() == ErrorKind::Internal => return Err(error),
            Err(_) => false,
        };
        if leads {
            Ok(())
        } else {
            Err(Error::refused(
                ErrorKind::BadAlias,
                format!("Room alias {alias} does not point to the room"),
            ))
        }
    }

    /// Fails unless the alias can be one of ours.
    pub(crate) fn check_own_alias(&self, alias: &RoomAliasId) -> Result<()> {
        if alias.server_name() != self.server_name() {
            return Err(Error::invalid("The alias belongs to another server"));
        }
        if alias.as_str().len() > MAX_ID_BYTES || alias.alias().contains(char::is_whitespace) {
            return Err(Error::invalid(
                "Invalid characters in alias, or too many of them",
            ));
        }
        Ok(())
    }
}

fn may_delete(session: &Session, alias: &Alias, view: Option<&RoomView>) -> bool {
    alias.creator == session.user_id
        || session.admin
        || view.is_some_and(|view| may_name(session, view))
}

/// Whether the user may set the canonical alias: who may, may also decide about the directory.
pub(crate) fn may_name(session: &Session, view: &RoomView) -> bool {
    let user = &session.user_id;
    view.membership(user) == Some(gantry_rooms::Membership::Join)
        && view.power_levels().is_some_and(|levels| {
            levels.for_user(user) >= levels.required_for("m.room.canonical_alias", true)
        })
}

/// The content of a canonical alias event without one of its aliases.
fn without_alias(content: &Object, alias: &str) -> Object {
    let mut content = content.clone();
    if str_of(&content, "alias") == Some(alias) {
        content.remove("alias");
    }
    if let Some(Value::Array(alternatives)) = content.get_mut("alt_aliases") {
        alternatives.retain(|one| one.as_str() != Some(alias));
        if alternatives.is_empty() {
            content.remove("alt_aliases");
        }
    }
    content
}

#[cfg(test)]
mod tests {
    use gantry_model::canonical_json::parse_object;

    use super::*;

    #[test]
    fn an_alias_is_taken_out_of_both_places() {
        let content = parse_object(br##"{"alias":"#a:b","alt_aliases":["#a:b","#c:b"]}"##)
            .expect("an object");

        let left = without_alias(&content, "#a:b");

        assert_eq!(
            left,
            parse_object(br##"{"alt_aliases":["#c:b"]}"##).expect("an object")
        );
        assert!(without_alias(&left, "#c:b").is_empty());
    }
}
