//! English.

use super::{Agent, Texts};
use crate::app::i18n::Language;

pub(super) const TEXTS: Texts = Texts {
    name: "Name",
    password: "Password",
    password_hint: "At least 8 characters. A sentence is easier to keep in mind than a word, and harder to guess.",

    sign_in: "Sign in",
    sign_in_help: "No account yet, or the password is lost? An administrator of this server can give you a link.",
    sign_out: "Sign out",
    signed_out: "You are signed out.",

    join: "Welcome to Idobata",
    join_intro: |by| {
        format!("{by} invites you. Choose a name, by which the others will know you, and a password.")
    },
    join_first: "The first administrator",
    join_first_intro: "Nobody is here yet. Choose your name and a password; then you can invite the others.",
    join_button: "Join",
    reset: "A new password",
    reset_intro: |name| format!("For {name}. Wherever you are signed in now, that ends."),
    new_password: "New password",
    set_password: "Set the password",
    link_over: "This link does not work any more",
    link_over_text: "It was used, has ended, or was revoked: each link works once. Ask an administrator for a new one. \
                     If you used it yourself, sign in.",
    link_over_first: "Is there no administrator yet? The server prints a new link whenever it starts.",

    account: "Account",
    change_name: "Change the name",
    name_changed: "Your name was changed.",
    present_password: "Present password",
    present_password_wrong: "The present password is wrong.",
    password_ends_others: "Wherever else you are signed in, that ends.",
    change_password: "Change the password",
    password_changed: "Your password was changed. Wherever else you were signed in, that has ended.",
    places: "Where you are signed in",
    agent: |agent| match agent {
        Agent::Browser(browser, Some(system)) => format!("{browser} on {system}"),
        Agent::Browser(browser, None) => browser.to_owned(),
        Agent::Other(text) => text,
        Agent::Unknown => "An unknown browser".to_owned(),
    },
    since: "since",
    this_browser: "this one",
    end_session: "End",

    people: "People",
    you: "you",
    joined: "joined",
    administrator: "administrator",
    blocked: "blocked",
    manage: "Manage",
    make_administrator: "Make administrator",
    unmake_administrator: "No administrator any more",
    block: "Block",
    unblock: "Unblock",
    remove: "Remove",
    remove_title: |name| format!("Remove {name}?"),
    remove_text: "The account is gone for good, and wherever they are signed in, that ends at once. What they wrote \
                  stays. To keep somebody out for a while, block them instead.",
    cancel: "Cancel",
    last_administrator: "This is the last administrator. Make somebody else one first.",
    make_reset_link: "Link for a new password",
    reset_link_of: |name| format!("A new password for {name}"),
    reset_link_intro: |name| format!("Give this link to {name}. It works once, and sets a new password."),
    invitations: "Open invitations",
    no_invitations: "There are none.",
    invite: "Invite somebody",
    invitation: "An invitation",
    invitation_intro: "Give this link to the one you invite. It works once, for whoever opens it first.",
    invited_by: |by| format!("By {by}"),
    revoke: "Revoke",
    link: "Link",
    shown_once: "Copy it now: it is not shown again.",
    good_until: "Good until",
    back_to_people: "Back to the people",

    problem: |code| (Language::En.texts().problem)(code),
};
