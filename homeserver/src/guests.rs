//! Guests in rooms.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#guest-access>.

use gantry_model::id::{RoomId, UserId};
use tracing::warn;

use crate::{Result, core::Core};

impl Core {
    /// Lets the guests of this server leave a room that takes none any more.
    pub(crate) async fn let_guests_go(&self, room: &RoomId) -> Result<()> {
        let Some(view) = self.rooms.view(room).await? else {
            return Ok(());
        };
        if view.guest_access() == "can_join" {
            return Ok(());
        }
        for user in view.joined() {
            if self.is_guest(&user).await?
                && let Err(error) = self.leave(&user, room, None).await
            {
                warn!(room.id = %room, user.id = %user, %error, "a guest could not leave");
            }
        }
        Ok(())
    }

    async fn is_guest(&self, user: &UserId) -> Result<bool> {
        // Only guests have such names, so no other account is looked at.
        let is_named_so = user.localpart().bytes().all(|byte| byte.is_ascii_digit());
        if !self.is_local(user) || !is_named_so {
            return Ok(false);
        }
        let account = self.accounts.account(user).await?;
        Ok(account.is_some_and(|account| account.guest))
    }
}
