//! The components of the pages, one file each. The style of a component has the same name in `style/components/`.

#![allow(unreachable_pub, reason = "#[component] generates a pub struct for the properties")]

pub(super) mod avatar;
mod choice_switch;
pub(super) mod composer;
pub(super) mod connection_badge;
pub(super) mod feed_filter;
pub(super) mod icon;
pub(super) mod illustration;
pub(super) mod levels;
mod linked_text;
pub(crate) mod live_text;
pub(super) mod local_time;
pub(super) mod message_actions;
mod message_editor;
pub(super) mod message_list;
mod message_menu;
mod message_time;
mod name_form;
pub(super) mod notification;
pub(super) mod notification_list;
pub(super) mod people;
pub(super) mod pins;
mod plot;
pub(super) mod problem_note;
mod quote;
mod reaction_versions;
mod reactions;
mod reading_position;
mod rejected;
mod scroller;
pub(super) mod sidebar;
pub(super) mod thread;
pub(super) mod ticker;
pub(super) mod unavailable;
pub(super) mod value_cards;
