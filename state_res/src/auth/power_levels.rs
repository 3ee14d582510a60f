//! Rule 9: `m.room.power_levels`.

use std::collections::BTreeMap;

use gantry_model::{
    Pdu, Value,
    id::{UserId, parse_user},
};

use super::ensure;
use crate::{
    PowerLevels, Rejection,
    power::{Field, Levels, level},
};

/// Rule 9 of <https://spec.matrix.org/v1.19/rooms/v11/#authorization-rules>: `new` is the event,
/// `current` the one in the state, `levels` what follows from that.
pub(super) fn check(
    pdu: &Pdu,
    new: &Levels,
    current: Option<&Levels>,
    levels: &PowerLevels,
) -> Result<(), Rejection> {
    check_form(pdu)?;
    // Rule 10.4 of version 12.
    if pdu.rules().privileged_creators
        && levels
            .creators()
            .any(|creator| new.users.contains_key(creator.as_str()))
    {
        return Err(Rejection::PowerLevelsOfCreator);
    }
    // Rule 9.4.
    let Some(current) = current else {
        return Ok(());
    };
    let sender_level = levels.for_user(pdu.sender());
    let notifications_hold = !pdu.rules().check_notification_levels
        || may_change(&current.notifications, &new.notifications, sender_level);
    ensure(
        may_change_fields(current, new, sender_level)
            && may_change(&current.events, &new.events, sender_level)
            && notifications_hold
            && may_change_users(current, new, sender_level, pdu.sender()),
        Rejection::PowerLevelChange,
    )
}

/// Rules 9.1 to 9.3: the form of the content. Until version 9 only that of `users`.
fn check_form(pdu: &Pdu) -> Result<(), Rejection> {
    let (content, rules) = (pdu.content(), pdu.rules());
    let is_map = |key: &str| match content.get(key) {
        None => true,
        Some(Value::Object(map)) => map.values().all(|value| level(value, rules).is_some()),
        Some(_) => false,
    };
    let fields_hold = !rules.integer_power_levels
        || Field::ALL.into_iter().all(|field| {
            content
                .get(field.name())
                .is_none_or(|value| value.as_int().is_some())
        });
    let maps_hold = !rules.integer_power_levels || (is_map("events") && is_map("notifications"));
    let users_hold = is_map("users")
        && content
            .get("users")
            .and_then(Value::as_object)
            .is_none_or(|users| users.keys().all(|user| parse_user(user).is_some()));
    ensure(
        fields_hold && maps_hold && users_hold,
        Rejection::PowerLevelsMalformed,
    )
}

/// Rule 9.5. A level that is not written counts with its default, as in Dendrite and ruma.
fn may_change_fields(current: &Levels, new: &Levels, sender_level: i64) -> bool {
    Field::ALL.into_iter().all(|field| {
        let (before, after) = (current.field(field), new.field(field));
        before == after
            || [before, after]
                .iter()
                .all(|level| level.unwrap_or_else(|| field.default_level()) <= sender_level)
    })
}

/// Rules 9.6 and 9.7: no entry that changes was or becomes higher than the sender.
fn may_change(
    current: &BTreeMap<String, i64>,
    new: &BTreeMap<String, i64>,
    sender_level: i64,
) -> bool {
    changes(current, new).all(|(_, before, after)| {
        before.is_none_or(|level| level <= sender_level)
            && after.is_none_or(|level| level <= sender_level)
    })
}

/// Rules 9.8 and 9.9: as above, and of others' entries none may be as high as the sender.
fn may_change_users(current: &Levels, new: &Levels, sender_level: i64, sender: &UserId) -> bool {
    changes(&current.users, &new.users).all(|(user, before, after)| {
        after.is_none_or(|level| level <= sender_level)
            && (user == sender.as_str() || before.is_none_or(|level| level < sender_level))
    })
}

/// The entries that differ: key, level before, level after.
fn changes<'a>(
    current: &'a BTreeMap<String, i64>,
    new: &'a BTreeMap<String, i64>,
) -> impl Iterator<Item = (&'a str, Option<i64>, Option<i64>)> {
    let removed_or_changed = current.iter().filter_map(|(key, &before)| {
        let after = new.get(key).copied();
        (after != Some(before)).then_some((key.as_str(), Some(before), after))
    });
    let added = new
        .iter()
        .filter(|(key, _)| !current.contains_key(*key))
        .map(|(key, &after)| (key.as_str(), None, Some(after)));
    removed_or_changed.chain(added)
}
