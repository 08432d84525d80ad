//! The account pages' texts in both languages. They are kept apart from those of the other pages, whose browsers would
//! load them.

mod en;
mod ja;

use super::agent::Agent;
use crate::app::{i18n::Language, model::room::RejectionReason};

/// Every text of the account pages. A field added here must be written in both languages, or it does not compile.
#[derive(Debug)]
pub(crate) struct Texts {
    pub(crate) name: &'static str,
    pub(crate) password: &'static str,
    pub(crate) password_hint: &'static str,

    pub(crate) sign_in: &'static str,
    pub(crate) sign_in_help: &'static str,
    pub(crate) signed_out: &'static str,

    pub(crate) join: &'static str,
    pub(crate) join_intro: fn(&str) -> String,
    pub(crate) join_first: &'static str,
    pub(crate) join_first_intro: &'static str,
    pub(crate) join_button: &'static str,
    pub(crate) reset: &'static str,
    pub(crate) reset_intro: fn(&str) -> String,
    pub(crate) new_password: &'static str,
    pub(crate) set_password: &'static str,
    pub(crate) link_over: &'static str,
    pub(crate) link_over_text: &'static str,
    pub(crate) link_over_first: &'static str,

    pub(crate) account: &'static str,
    pub(crate) change_name: &'static str,
    pub(crate) name_changed: &'static str,
    pub(crate) present_password: &'static str,
    pub(crate) present_password_wrong: &'static str,
    pub(crate) password_ends_others: &'static str,
    pub(crate) change_password: &'static str,
    pub(crate) password_changed: &'static str,
    pub(crate) places: &'static str,
    pub(crate) agent: fn(Agent) -> String,
    pub(crate) since: &'static str,
    pub(crate) this_browser: &'static str,
    pub(crate) end_session: &'static str,

    pub(crate) people: &'static str,
    pub(crate) you: &'static str,
    pub(crate) joined: &'static str,
    pub(crate) administrator: &'static str,
    pub(crate) blocked: &'static str,
    pub(crate) manage: &'static str,
    pub(crate) make_administrator: &'static str,
    pub(crate) unmake_administrator: &'static str,
    pub(crate) block: &'static str,
    pub(crate) unblock: &'static str,
    pub(crate) remove: &'static str,
    pub(crate) remove_title: fn(&str) -> String,
    pub(crate) remove_text: &'static str,
    pub(crate) cancel: &'static str,
    pub(crate) last_administrator: &'static str,
    pub(crate) make_reset_link: &'static str,
    pub(crate) reset_link_of: fn(&str) -> String,
    pub(crate) reset_link_intro: fn(&str) -> String,
    pub(crate) invitations: &'static str,
    pub(crate) no_invitations: &'static str,
    pub(crate) invite: &'static str,
    pub(crate) invitation: &'static str,
    pub(crate) invitation_intro: &'static str,
    pub(crate) invited_by: fn(&str) -> String,
    pub(crate) revoke: &'static str,
    pub(crate) link: &'static str,
    pub(crate) shown_once: &'static str,
    pub(crate) good_until: &'static str,
    pub(crate) back_to_people: &'static str,

    pub(crate) members_of: fn(&str) -> String,
    pub(crate) everybody_enters: &'static str,
    pub(crate) owner: &'static str,
    pub(crate) leave_room: &'static str,
    pub(crate) let_in: &'static str,
    pub(crate) let_in_hint: &'static str,
    pub(crate) let_in_button: &'static str,
    pub(crate) back_to_room: &'static str,

    pub(crate) publishers: &'static str,
    pub(crate) publishers_intro: &'static str,
    pub(crate) no_publishers: &'static str,
    pub(crate) new_publisher: &'static str,
    pub(crate) channels: &'static str,
    pub(crate) channels_hint: &'static str,
    pub(crate) channels_wrong: &'static str,
    pub(crate) make_publisher: &'static str,
    pub(crate) last_used: &'static str,
    pub(crate) never_used: &'static str,
    pub(crate) token_of: fn(&str) -> String,
    pub(crate) token: &'static str,
    pub(crate) try_it: &'static str,
    pub(crate) back_to_publishers: &'static str,

    pub(crate) limited_channels: &'static str,
    pub(crate) limited_channels_intro: &'static str,
    pub(crate) no_limited_channels: &'static str,
    pub(crate) limit_channel: &'static str,
    pub(crate) channel: &'static str,
    pub(crate) readers: &'static str,
    pub(crate) readers_hint: &'static str,
    pub(crate) limit_button: &'static str,
    pub(crate) no_readers: &'static str,
    pub(crate) open_channel: &'static str,

    pub(crate) refused: &'static str,
    pub(crate) request_id: &'static str,
    pub(crate) form_not_understood: &'static str,
    pub(crate) try_again: &'static str,

    pub(crate) sign_in_elsewhere: &'static str,
    pub(crate) account_elsewhere: &'static str,
    pub(crate) go_there: &'static str,

    pub(crate) message: &'static str,
    pub(crate) send_again: &'static str,
    pub(crate) go_back: &'static str,
    pub(crate) sign_in_beside: &'static str,

    pub(crate) edit_message: &'static str,
    pub(crate) save: &'static str,
    pub(crate) delete_message: &'static str,
    pub(crate) delete_hint: &'static str,
    pub(crate) pin: &'static str,
    pub(crate) unpin: &'static str,
    pub(crate) message_deleted: &'static str,
    pub(crate) earlier_texts: &'static str,
    pub(crate) until: &'static str,

    pub(crate) reactions: &'static str,
    pub(crate) add_reaction: &'static str,
    pub(crate) emoji_or_shortcode: &'static str,
    /// People by their names, and the number of those who are not named; the same as on all pages.
    pub(crate) people_with: fn(&[String], u64) -> String,

    pub(crate) reply: &'static str,
    pub(crate) send: &'static str,

    pub(crate) share: &'static str,
    pub(crate) room: &'static str,
    pub(crate) no_room: &'static str,

    pub(crate) notifications: &'static str,
    pub(crate) notifications_saved: &'static str,
    pub(crate) this_device: &'static str,
    pub(crate) no_push: &'static str,
    pub(crate) push_needs_script: &'static str,
    pub(crate) push_insecure: &'static str,
    pub(crate) push_apple: &'static str,
    pub(crate) push_unsupported: &'static str,
    pub(crate) push_denied: &'static str,
    pub(crate) push_off: &'static str,
    pub(crate) push_on: &'static str,
    pub(crate) push_failed: &'static str,
    pub(crate) push_refused: &'static str,
    pub(crate) turn_on: &'static str,
    pub(crate) turn_off: &'static str,
    pub(crate) devices: &'static str,
    pub(crate) no_devices: &'static str,
    pub(crate) send_test: &'static str,
    pub(crate) test_sent: &'static str,
    pub(crate) when_to_notify: &'static str,
    pub(crate) mentions_are_pushed: &'static str,
    pub(crate) every_message: &'static str,
    pub(crate) quiet_hours: &'static str,
    pub(crate) quiet_from: &'static str,
    pub(crate) quiet_to: &'static str,
    pub(crate) quiet_wrong: &'static str,
    pub(crate) time_zone: &'static str,
    pub(crate) time_zone_hint: &'static str,

    /// The text of a rejection, the same as on all pages: the reason, and when to try again.
    pub(crate) rejection: fn(RejectionReason) -> String,
}

impl Texts {
    /// Returns the texts in `language`.
    pub(super) fn of(language: Language) -> &'static Self {
        match language {
            Language::En => &en::TEXTS,
            Language::Ja => &ja::TEXTS,
        }
    }
}
