//! The documents' texts in both languages. They are not among those of the other pages, whose browsers would load them.

mod en;
mod ja;

use super::agent::Agent;
use crate::{app::i18n::Language, protocol::problem::Code};

/// Every text of the documents. A field added here must be written in both languages, or it does not compile.
#[derive(Debug)]
pub struct Texts {
    pub name: &'static str,
    pub password: &'static str,
    pub password_hint: &'static str,

    pub sign_in: &'static str,
    pub sign_in_help: &'static str,
    pub signed_out: &'static str,

    pub join: &'static str,
    pub join_intro: fn(&str) -> String,
    pub join_first: &'static str,
    pub join_first_intro: &'static str,
    pub join_button: &'static str,
    pub reset: &'static str,
    pub reset_intro: fn(&str) -> String,
    pub new_password: &'static str,
    pub set_password: &'static str,
    pub link_over: &'static str,
    pub link_over_text: &'static str,
    pub link_over_first: &'static str,

    pub account: &'static str,
    pub change_name: &'static str,
    pub name_changed: &'static str,
    pub present_password: &'static str,
    pub present_password_wrong: &'static str,
    pub password_ends_others: &'static str,
    pub change_password: &'static str,
    pub password_changed: &'static str,
    pub places: &'static str,
    pub agent: fn(Agent) -> String,
    pub since: &'static str,
    pub this_browser: &'static str,
    pub end_session: &'static str,

    pub people: &'static str,
    pub you: &'static str,
    pub joined: &'static str,
    pub administrator: &'static str,
    pub blocked: &'static str,
    pub manage: &'static str,
    pub make_administrator: &'static str,
    pub unmake_administrator: &'static str,
    pub block: &'static str,
    pub unblock: &'static str,
    pub remove: &'static str,
    pub remove_title: fn(&str) -> String,
    pub remove_text: &'static str,
    pub cancel: &'static str,
    pub last_administrator: &'static str,
    pub make_reset_link: &'static str,
    pub reset_link_of: fn(&str) -> String,
    pub reset_link_intro: fn(&str) -> String,
    pub invitations: &'static str,
    pub no_invitations: &'static str,
    pub invite: &'static str,
    pub invitation: &'static str,
    pub invitation_intro: &'static str,
    pub invited_by: fn(&str) -> String,
    pub revoke: &'static str,
    pub link: &'static str,
    pub shown_once: &'static str,
    pub good_until: &'static str,
    pub back_to_people: &'static str,

    pub members_of: fn(&str) -> String,
    pub everybody_enters: &'static str,
    pub owner: &'static str,
    pub leave_room: &'static str,
    pub let_in: &'static str,
    pub let_in_hint: &'static str,
    pub let_in_button: &'static str,
    pub back_to_room: &'static str,

    pub publishers: &'static str,
    pub publishers_intro: &'static str,
    pub no_publishers: &'static str,
    pub new_publisher: &'static str,
    pub channels: &'static str,
    pub channels_hint: &'static str,
    pub channels_wrong: &'static str,
    pub make_publisher: &'static str,
    pub last_used: &'static str,
    pub never_used: &'static str,
    pub token_of: fn(&str) -> String,
    pub token: &'static str,
    pub try_it: &'static str,
    pub back_to_publishers: &'static str,

    pub limited_channels: &'static str,
    pub limited_channels_intro: &'static str,
    pub no_limited_channels: &'static str,
    pub limit_channel: &'static str,
    pub channel: &'static str,
    pub readers: &'static str,
    pub readers_hint: &'static str,
    pub limit_button: &'static str,
    pub no_readers: &'static str,
    pub open_channel: &'static str,

    pub refused: &'static str,
    pub form_not_understood: &'static str,
    pub try_again: &'static str,

    pub sign_in_elsewhere: &'static str,
    pub account_elsewhere: &'static str,
    pub go_there: &'static str,

    /// The same as on all pages.
    pub problem: fn(Code) -> &'static str,
}

impl Texts {
    /// Those in this language.
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::En => &en::TEXTS,
            Language::Ja => &ja::TEXTS,
        }
    }
}
