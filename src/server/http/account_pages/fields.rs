//! Parts of the account pages' forms, which the pages in this folder share: labelled fields, and notes about the
//! outcome of a form.

use leptos::prelude::*;

use super::texts::Texts;
use crate::{
    app::model::room::RejectionReason,
    protocol::{name::NAME_MAX_CHARACTERS, problem::Code},
    server::{auth::PASSWORD_MIN_CHARACTERS, http::pages::escape},
};

/// The note about a rejected form, which stands in the form. Its fields refer to the note by the id [`ABOUT`].
pub(super) fn problem_note(texts: &'static Texts, problem: Option<RejectionReason>) -> impl IntoView + use<> {
    problem.map(|reason| view! { <p class="note" role="alert" id=ABOUT>{(texts.rejection)(reason)}</p> })
}

/// The id of the note about the rejected form. A page has only one.
pub(super) const ABOUT: &str = "problem";

/// The note about a change that was made.
pub(super) fn done_note(text: Option<&'static str>) -> impl IntoView + use<> {
    text.map(|text| view! { <p class="note note--good" role="status">{text}</p> })
}

/// The field for a name. `focus`: the browser puts the cursor into it.
pub(super) fn name_field(
    texts: &'static Texts,
    value: String,
    focus: bool,
    problem: Option<RejectionReason>,
) -> impl IntoView + use<> {
    view! {
        <div class="labelled">
            <label for="name">{texts.name}</label>
            <input
                id="name"
                name="name"
                value=value
                dir="auto"
                required
                maxlength=NAME_MAX_CHARACTERS.to_string()
                autocomplete="username"
                autocapitalize="none"
                spellcheck="false"
                autofocus=focus
                aria-invalid=problem.map(|_| "true")
                aria-describedby=problem.map(|_| ABOUT)
            />
        </div>
    }
}

/// A field for a line of text other than an account's name: its `name` is also its id. With a hint, if there is one.
pub(super) fn labelled_input(
    name: &'static str,
    label: &'static str,
    value: String,
    hint: Option<&'static str>,
    problem: Option<RejectionReason>,
) -> impl IntoView + use<> {
    let hint_id = format!("{name}-hint");
    let about: Vec<_> =
        [problem.map(|_| ABOUT.to_owned()), hint.map(|_| hint_id.clone())].into_iter().flatten().collect();
    view! {
        <div class="labelled">
            <label for=name>{label}</label>
            <input
                id=name
                name=name
                value=value
                dir="auto"
                required
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                aria-invalid=problem.map(|_| "true")
                aria-describedby=(!about.is_empty()).then(|| about.join(" "))
            />
            {hint.map(|hint| view! { <p class="muted" id=hint_id>{hint}</p> })}
        </div>
    }
}

/// The problem of a form with a secret: that of the secret, or that of its other fields.
pub(super) fn secret_problem(
    problem: Option<RejectionReason>,
) -> (Option<RejectionReason>, Option<RejectionReason>) {
    match problem {
        Some(reason) if reason.code == Code::BadPassword => (problem, None),
        other => (None, other),
    }
}

/// The field for the secret with which senders sign; it may stay empty. With the note about a rejected one.
pub(super) fn secret_input(texts: &'static Texts, problem: Option<RejectionReason>) -> impl IntoView + use<> {
    let about = if problem.is_some() { "problem secret-hint" } else { "secret-hint" };
    view! {
        {problem.map(|_| view! { <p class="note" role="alert" id=ABOUT>{texts.secret_wrong}</p> })}
        <div class="labelled">
            <label for="secret">{texts.secret}</label>
            <input
                id="secret"
                name="secret"
                dir="auto"
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                aria-invalid=problem.map(|_| "true")
                aria-describedby=about
            />
            <p class="muted" id="secret-hint">{texts.secret_hint}</p>
        </div>
    }
}

/// A secret that is shown this once, because only its hash is kept. `id` names the field.
pub(super) fn shown_once(
    texts: &'static Texts,
    id: &'static str,
    label: &'static str,
    secret: String,
) -> impl IntoView + use<> {
    let hint = format!("{id}-hint");
    view! {
        <div class="labelled">
            <label for=id>{label}</label>
            <input id=id class="link" value=secret readonly autofocus aria-describedby=hint.clone() />
            <p class="muted" id=hint>{texts.shown_once}</p>
        </div>
    }
}

/// A command by which one tries a secret, and the link back to the list.
pub(super) fn try_it(
    texts: &'static Texts,
    command: String,
    back: (String, &'static str),
) -> impl IntoView + use<> {
    let (address, text) = back;
    view! {
        <p>{texts.try_it}</p>
        <pre class="command" tabindex="0"><code>{command}</code></pre>
        <p><a href=address>{text}</a></p>
    }
}

/// The text of a `<textarea>`, as HTML: the views do not escape what stands in one.
pub(super) fn text_of_area(text: &str) -> String {
    // The parser drops one line break at the start.
    format!("\n{}", escape(text))
}

/// The purpose of a password field.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Password {
    /// The present password, to prove the user's identity.
    Present,
    /// The new password.
    New,
}

/// The field for a password. Its value is never written back.
pub(super) fn password_field(
    texts: &'static Texts,
    label: &'static str,
    what: Password,
    focus: bool,
    problem: Option<RejectionReason>,
) -> impl IntoView + use<> {
    let (id, autocomplete) = match what {
        Password::Present => ("password", "current-password"),
        Password::New => ("new-password", "new-password"),
    };
    let is_new = what == Password::New;
    let about = match (problem, is_new) {
        (Some(_), true) => Some("problem password-hint"),
        (Some(_), false) => Some(ABOUT),
        (None, true) => Some("password-hint"),
        (None, false) => None,
    };
    view! {
        <div class="labelled">
            <label for=id>{label}</label>
            <input
                id=id
                name=id
                type="password"
                required
                minlength=is_new.then(|| PASSWORD_MIN_CHARACTERS.to_string())
                autocomplete=autocomplete
                autofocus=focus
                aria-invalid=problem.map(|_| "true")
                aria-describedby=about
            />
            {is_new.then(|| view! { <p class="muted" id="password-hint">{texts.password_hint}</p> })}
        </div>
    }
}

/// The link to everything of the user.
pub(super) fn export_link(texts: &'static Texts) -> impl IntoView + use<> {
    view! {
        <section class="panel stack">
            <h2>{texts.export_own}</h2>
            <p class="muted">{texts.export_own_text}</p>
            <p><a href="/api/user/export" rel="external" download>{texts.export_own}</a></p>
        </section>
    }
}
