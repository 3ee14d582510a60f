//! Which events notify a user: the push rules, applied.
//!
//! Specification: <https://spec.matrix.org/v1.19/client-server-api/#push-rules>.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use gantry_accounts::UserPushRules;
use gantry_model::id::{EventId, OwnedEventId, OwnedRoomId, OwnedUserId, UserId};
use gantry_rooms::{RoomEvent, RoomView};
use ruma::{
    Int, UInt,
    events::AnySyncTimelineEvent,
    power_levels::NotificationPowerLevels,
    push::{Action, PushConditionPowerLevelsCtx, PushConditionRoomCtx},
    room_version_rules::{AuthorizationRules, RoomPowerLevelsRules},
    serde::Raw,
};
use serde_json::value::to_raw_value;

use crate::{Result, core::Core, ignored::Ignored};

/// What stands for the name of a user who has none: no text holds it.
const NO_NAME: &str = "\0";

/// Somebody whose push rules are applied. Cheap to clone; read once for a whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Notified {
    pub(crate) user: OwnedUserId,
    pub(crate) rules: UserPushRules,
    pub(crate) ignored: Ignored,
    /// The threads that the user follows, by room and root; only read if the rules ask for them.
    pub(crate) followed: Arc<Followed>,
}

/// Threads by room and root.
pub(crate) type Followed = BTreeSet<(OwnedRoomId, OwnedEventId)>;

/// What the rules say of an event that notifies.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    pub(crate) actions: Arc<[Action]>,
    pub(crate) highlight: bool,
}

impl Core {
    /// A local user's push rules and ignored users, as they are now.
    pub(crate) async fn notified(&self, user: &UserId) -> Result<Notified> {
        let (rules, ignored) = tokio::try_join!(
            async { Ok(self.accounts.user_push_rules(user).await?) },
            self.ignored(user),
        )?;
        let followed = if rules.asks_for_threads {
            self.accounts.followed_threads(user).await?
        } else {
            Followed::new()
        };
        Ok(Notified {
            user: user.to_owned(),
            rules,
            ignored,
            followed: Arc::new(followed),
        })
    }
}

impl Notified {
    /// What the rules make of an event in the room as it was then; `None`: it does not notify. Own events, events of ignored
    /// users, redacted, imported and soft-failed ones never do.
    pub(crate) async fn verdict(&self, view: &RoomView, event: &RoomEvent) -> Option<Verdict> {
        let pdu = &event.pdu;
        let is_silent = pdu.sender() == self.user
            || self.ignored.hides(pdu)
            || event.redacted_because.is_some()
            || event.flags.quiet
            || event.flags.soft;
        if is_silent {
            return None;
        }
        let raw: Raw<AnySyncTimelineEvent> = Raw::from_json(to_raw_value(pdu.object()).ok()?);
        let context = self.context(view, pdu.sender());
        let actions = self.rules.rules.get_actions(&raw, &context).await;
        actions.iter().any(Action::should_notify).then(|| Verdict {
            highlight: actions.iter().any(Action::is_highlight),
            actions: actions.into(),
        })
    }

    fn context(&self, view: &RoomView, sender: &UserId) -> PushConditionRoomCtx {
        let own = view.state("m.room.member", self.user.as_str());
        let name = own
            .as_ref()
            .and_then(|own| own.content_str("displayname"))
            .filter(|name| !name.is_empty());
        let joined = u64::try_from(view.counts().joined).unwrap_or(0);
        let context = PushConditionRoomCtx::new(
            view.room_id().to_owned(),
            UInt::new_saturating(joined),
            self.user.clone(),
            name.unwrap_or(NO_NAME).to_owned(),
        );
        let (followed, room) = (Arc::clone(&self.followed), view.room_id().to_owned());
        let context = context.with_has_thread_subscription_fn(move |root: &EventId| {
            let is_followed = followed.contains(&(room.clone(), root.to_owned()));
            Box::pin(std::future::ready(is_followed))
        });
        let Some(levels) = view.power_levels() else {
            return context;
        };
        // Only this one sender is asked for; creators of version 12 stand above all levels.
        let level = Int::new_saturating(levels.for_user(sender));
        let mut notifications = NotificationPowerLevels::new();
        notifications.room = Int::new_saturating(levels.notifications_room());
        context.with_power_levels(PushConditionPowerLevelsCtx::new(
            BTreeMap::from([(sender.to_owned(), level)]),
            level,
            notifications,
            RoomPowerLevelsRules::new(&AuthorizationRules::V1, []),
        ))
    }
}
