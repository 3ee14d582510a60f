//! What belongs to the user and is no event: account data, tags, filters, push rules, receipts,
//! typing.

mod account_data;
mod delete_account_data;
mod filters;
mod notifications;
mod push_rule;
mod push_rules;
mod read_markers;
mod receipts;
mod room_account_data;
mod tags;
mod typing;

pub(crate) use account_data::{get_account_data, set_account_data};
pub(crate) use delete_account_data::{delete_account_data, delete_account_data_per_room};
pub(crate) use filters::{define_filter, get_filter};
pub(crate) use notifications::get_notifications;
pub(crate) use push_rule::{
    delete_push_rule, get_push_rule, get_push_rule_actions, is_push_rule_enabled, set_push_rule,
    set_push_rule_actions, set_push_rule_enabled,
};
pub(crate) use push_rules::{get_push_rules, get_push_rules_global};
pub(crate) use read_markers::set_read_marker;
pub(crate) use receipts::post_receipt;
pub(crate) use room_account_data::{get_account_data_per_room, set_account_data_per_room};
pub(crate) use tags::{delete_room_tag, get_room_tags, set_room_tag};
pub(crate) use typing::set_typing;
