//! Finding users by name.
//!
//! Who is found: whoever shares a room with the searcher, and local users who are in a room that
//! everybody may join or read. The names of local users are those of their profiles, never those
//! that they have in one room only.
//!
//! Specification:
//! <https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3user_directorysearch>.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use gantry_accounts::{Account, Session};
use gantry_model::id::{OwnedUserId, UserId};
use gantry_rooms::{Membership, RoomView};

use crate::{Act, Result, content::str_of, core::Core};

/// Hits if the client does not say how many.
const DEFAULT_LIMIT: usize = 10;
/// The most hits.
const MAX_LIMIT: usize = 50;
/// The longest text that is searched for, in bytes.
const MAX_TERM_BYTES: usize = 255;
/// The most rooms that are looked through.
const MAX_ROOMS: usize = 1_000;
/// The most users of rooms that are looked at.
const MAX_MEMBERS: usize = 50_000;
/// Accounts read at once, and the most that are read.
const PAGE: usize = 500;
const MAX_ACCOUNTS: usize = 20_000;
/// The most accounts whose rooms are looked at because they are not met otherwise.
const MAX_STRANGERS: usize = 200;

/// Finding users.
#[derive(Clone)]
pub struct UserDirectory {
    core: Arc<Core>,
}

/// What is searched for.
#[derive(Debug, Clone, Default)]
pub struct UserSearch {
    /// A part of a user id or display name.
    pub term: String,
    /// The most hits.
    pub limit: Option<usize>,
}

/// A user who was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundUser {
    /// Who.
    pub user_id: OwnedUserId,
    /// The display name.
    pub display_name: Option<String>,
    /// The picture.
    pub avatar_url: Option<String>,
}

/// Users in the searcher's rooms, with their name and picture there.
type Met = HashMap<OwnedUserId, FoundUser>;

impl UserDirectory {
    pub(crate) fn new(core: Arc<Core>) -> Self {
        Self { core }
    }

    /// The users who fit, the best first, and whether there are more.
    pub async fn search(
        &self,
        session: &Session,
        search: UserSearch,
    ) -> Result<(Vec<FoundUser>, bool)> {
        self.core.limits.check_user(Act::Search, session)?;
        let limit = search.limit.unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
        let term = search.term.trim().trim_start_matches('@').to_lowercase();
        if term.is_empty() || term.len() > MAX_TERM_BYTES {
            return Ok((Vec::new(), false));
        }
        let met = self.met(&session.user_id).await?;
        let mut hits = self.local_hits(&term, &met).await?;
        let remote = met
            .into_values()
            .filter(|user| !self.core.is_local(&user.user_id));
        hits.extend(remote.filter_map(|user| Some((rank(&user, &term)?, user))));
        hits.retain(|(_, user)| user.user_id != session.user_id);
        hits.sort_by(|(a, one), (b, other)| {
            (Reverse(a), &one.user_id).cmp(&(Reverse(b), &other.user_id))
        });
        let is_limited = hits.len() > limit;
        hits.truncate(limit);
        Ok((hits.into_iter().map(|(_, user)| user).collect(), is_limited))
    }

    /// Everybody who is in a room with the searcher.
    async fn met(&self, searcher: &UserId) -> Result<Met> {
        let rows = self.core.rooms.memberships(searcher).await?;
        let joined = rows
            .into_iter()
            .filter(|row| row.membership == Membership::Join);
        let mut rooms: Vec<_> = joined.map(|row| row.room_id).take(MAX_ROOMS).collect();
        rooms.extend(
            self.core
                .rooms
                .published()
                .await?
                .into_iter()
                .take(MAX_ROOMS),
        );
        let mut met = Met::new();
        for room in rooms {
            if met.len() >= MAX_MEMBERS {
                break;
            }
            let Some(view) = self.core.rooms.view(&room).await? else {
                continue;
            };
            if view.membership(searcher) == Some(Membership::Join) || is_public(&view) {
                add_members(&mut met, &view);
            }
        }
        Ok(met)
    }

    /// Local users who fit and whom the searcher may know.
    async fn local_hits(&self, term: &str, met: &Met) -> Result<Vec<(Rank, FoundUser)>> {
        let mut hits = Vec::new();
        let mut strangers = Vec::new();
        let mut last: Option<OwnedUserId> = None;
        for _ in 0..MAX_ACCOUNTS / PAGE {
            let page = self
                .core
                .accounts
                .list_accounts(last.as_deref(), PAGE)
                .await?;
            let is_full = page.len() == PAGE;
            last = page.last().map(|account| account.user_id.clone());
            for account in page.into_iter().filter(is_listed) {
                let user = found(account);
                let Some(rank) = rank(&user, term) else {
                    continue;
                };
                if self.core.config.accounts.directory_shows_all || met.contains_key(&user.user_id)
                {
                    hits.push((rank, user));
                } else {
                    strangers.push((rank, user));
                }
            }
            if !is_full {
                break;
            }
        }
        strangers.sort_by_key(|(rank, _)| Reverse(*rank));
        for (rank, user) in strangers.into_iter().take(MAX_STRANGERS) {
            if self.core.is_in_public(&user.user_id).await? {
                hits.push((rank, user));
            }
        }
        Ok(hits)
    }
}

impl Core {
    /// Whether the user is in a room that everybody may join or read.
    async fn is_in_public(&self, user: &UserId) -> Result<bool> {
        for row in self.rooms.memberships(user).await?.iter().take(MAX_ROOMS) {
            if row.membership == Membership::Join
                && let Some(view) = self.rooms.view(&row.room_id).await?
                && is_public(&view)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn is_public(view: &RoomView) -> bool {
    view.join_rule() == "public" || view.history_visibility() == "world_readable"
}

fn is_listed(account: &Account) -> bool {
    !account.deactivated && !account.guest && !account.locked
}

fn found(account: Account) -> FoundUser {
    FoundUser {
        user_id: account.user_id,
        display_name: account.display_name,
        avatar_url: account.avatar_url,
    }
}

fn add_members(met: &mut Met, view: &RoomView) {
    for member in view.members() {
        let content = member.content();
        let user = member.state_key().and_then(|key| UserId::parse(key).ok());
        let (Some(user_id), Some("join")) = (user, str_of(content, "membership")) else {
            continue;
        };
        let user = FoundUser {
            display_name: str_of(content, "displayname").map(str::to_owned),
            avatar_url: str_of(content, "avatar_url").map(str::to_owned),
            user_id: user_id.clone(),
        };
        met.entry(user_id).or_insert(user);
    }
}

/// How well a user fits; the best is the greatest.
type Rank = (Fit, bool);

/// How a name fits to a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// It is somewhere in it.
    Inside,
    /// A word of it begins so.
    Word,
    /// It begins so.
    Beginning,
    /// It is the same.
    Same,
}

/// How well a user fits, if at all; `term` is in lower case. With equal fit, who has a profile
/// comes first.
fn rank(user: &FoundUser, term: &str) -> Option<Rank> {
    let full = user.user_id.as_str().trim_start_matches('@');
    let name = user.display_name.as_deref().unwrap_or("");
    let fits = [user.user_id.localpart(), full, name].map(|text| fit(text, term));
    let best = fits.into_iter().flatten().max()?;
    let has_profile = user.display_name.is_some() || user.avatar_url.is_some();
    Some((best, has_profile))
}

fn fit(text: &str, term: &str) -> Option<Fit> {
    let text = text.to_lowercase();
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    if text == term {
        Some(Fit::Same)
    } else if text.starts_with(term) {
        Some(Fit::Beginning)
    } else if words.any(|word| word.starts_with(term)) {
        Some(Fit::Word)
    } else {
        text.contains(term).then_some(Fit::Inside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(id: &str, name: Option<&str>) -> FoundUser {
        FoundUser {
            user_id: UserId::parse(id).expect("a user id"),
            display_name: name.map(str::to_owned),
            avatar_url: None,
        }
    }

    #[test]
    fn the_nearest_name_is_the_best() {
        let names = [
            user("@ann:server", None),
            user("@x:server", Some("Ann")),
            user("@anna:server", None),
            user("@y:server", Some("Mary Ann")),
            user("@hannah:server", None),
        ];
        let ranks: Vec<_> = names.iter().map(|user| rank(user, "ann")).collect();

        assert_eq!(ranks[0], Some((Fit::Same, false)));
        assert_eq!(ranks[1], Some((Fit::Same, true)));
        assert_eq!(ranks[2], Some((Fit::Beginning, false)));
        assert_eq!(ranks[3], Some((Fit::Word, true)));
        assert_eq!(ranks[4], Some((Fit::Inside, false)));
        assert_eq!(rank(&names[0], "bob"), None);
        assert_eq!(rank(&names[0], "ann:server"), Some((Fit::Same, false)));
    }
}
