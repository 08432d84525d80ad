//! `/account`: the user's own name, password and sessions.

use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    agent::Agent,
    answer::{SignedIn, accounts, beside},
    document::{Document, Done},
    external_sign_in,
    fields::{Password, done_note, export_link, name_field, password_field, problem_note},
    not_found,
    outcome::Outcome,
    rejected::rejected_beside,
    texts::Texts,
    time::time,
};
use crate::{
    app::{model::room::RejectionReason, routes},
    protocol::{problem::Code, session::User},
    server::{
        error::Error,
        http::{
            extract::{body::FormBody, client_address::ClientAddress, query::Lenient},
            redirect::see,
        },
    },
};

/// Serves the page. Guests get the page for unknown addresses; a user whose account is at an external issuer gets a
/// link to it.
pub(super) async fn show(signed_in: SignedIn, Lenient(outcome): Lenient<Outcome>) -> Result<Response, Error> {
    if signed_in.asked.state.auth.allows_guests() {
        return Ok(not_found(signed_in.asked).await);
    }
    if let Some(issuer) = signed_in.asked.state.auth.issuer() {
        return external_sign_in::account(&signed_in, issuer).await;
    }
    let refused = outcome.problem().map(|reason| refusal(outcome.form.as_deref(), reason));
    page(&signed_in, None, refused, outcome.done()).await
}

/// Serves the page, with the name that was `typed` if there is one.
async fn page(
    signed_in: &SignedIn,
    typed: Option<String>,
    refused: Option<Refused>,
    done: Option<Done>,
) -> Result<Response, Error> {
    let name = typed.unwrap_or_else(|| signed_in.identity.user.name.clone());
    let places = places(signed_in).await?;
    beside(signed_in, Account { name, places, refused, done }).await
}

/// Returns the form that was rejected, by its name in the address.
fn refusal(form: Option<&str>, reason: RejectionReason) -> Refused {
    match form {
        Some("password") => Refused::Password(reason),
        _ => Refused::Name(reason),
    }
}

/// Returns the user's sessions: this browser's first, then the newest.
async fn places(signed_in: &SignedIn) -> Result<Vec<ShownSession>, Error> {
    let SignedIn { asked, identity } = signed_in;
    let sessions = accounts(&asked.state)?.sessions(&identity.user.id).await?;
    let place = |(id, session): (String, crate::server::auth::AccountSession)| ShownSession {
        is_this: identity.session.as_deref() == Some(&id),
        agent: session.agent,
        since: session.created_at,
        session: id,
    };
    let mut places: Vec<ShownSession> = sessions.into_iter().map(place).collect();
    places.sort_by_key(|place| (!place.is_this, -place.since));
    Ok(places)
}

/// The fields of the form that changes the name.
#[derive(Deserialize)]
pub(super) struct NameForm {
    name: String,
}

/// Changes the name.
pub(super) async fn rename(
    SignedIn { asked, identity }: SignedIn,
    FormBody(NameForm { name }): FormBody<NameForm>,
) -> Result<Response, Error> {
    let renamed = accounts(&asked.state)?.rename(&identity.user.id, &name).await;
    Ok(match renamed {
        Ok(account) => {
            let user = User { id: account.id, name: account.name };
            asked.state.chat.note_person(&user).await;
            see(routes::ACCOUNT, &[("done", Done::Name.as_str())])
        }
        Err(error) => {
            let page = async |signed_in: SignedIn, reason| {
                page(&signed_in, Some(name), Some(Refused::Name(reason)), None).await
            };
            rejected_beside(asked, routes::ACCOUNT, &[("form", "name")], error, page).await
        }
    })
}

/// The fields of the form that changes the password.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct PasswordForm {
    password: String,
    new_password: String,
}

/// Changes the password; the user's other sessions end.
pub(super) async fn change_password(
    SignedIn { asked, identity }: SignedIn,
    ClientAddress(address): ClientAddress,
    FormBody(PasswordForm { password, new_password }): FormBody<PasswordForm>,
) -> Result<Response, Error> {
    let User { id, name } = &identity.user;
    // A person who comes upon an open session has no more attempts at the password than one who signs in.
    let changed = async {
        asked.state.limits.sign_in(name, address).await?;
        let kept = identity.session.as_deref();
        accounts(&asked.state)?.change_password(id, &password, &new_password, kept).await
    };
    let changed = changed.await;
    Ok(match changed {
        Ok(()) => see(routes::ACCOUNT, &[("done", Done::Password.as_str())]),
        Err(error) => {
            let page = async |signed_in: SignedIn, reason| {
                page(&signed_in, None, Some(Refused::Password(reason)), None).await
            };
            rejected_beside(asked, routes::ACCOUNT, &[("form", "password")], error, page).await
        }
    })
}

/// The field of the form that ends a session.
#[derive(Deserialize)]
pub(super) struct SessionForm {
    session: String,
}

/// Ends one of the user's sessions, with its live connections.
pub(super) async fn end_session(
    SignedIn { asked, identity }: SignedIn,
    FormBody(SessionForm { session }): FormBody<SessionForm>,
) -> Result<Response, Error> {
    asked.state.auth.sign_out(&identity.user.id, Some(&session)).await?;
    Ok(Redirect::to(routes::ACCOUNT).into_response())
}

/// The data of the page `/account`.
#[derive(Clone, Debug)]
pub(super) struct Account {
    /// The name, or the rejected one that was typed.
    pub(super) name: String,
    /// The sessions: this browser's first, then the newest.
    pub(super) places: Vec<ShownSession>,
    /// The form that was rejected, and the reason.
    pub(super) refused: Option<Refused>,
    /// The change that was just made.
    pub(super) done: Option<Done>,
}

/// A browser in which the user is signed in.
#[derive(Clone, Debug)]
pub(super) struct ShownSession {
    /// The id of its session, by which the session is ended.
    pub(super) session: String,
    /// The browser's `User-Agent`.
    pub(super) agent: String,
    /// The start of the session, in milliseconds since the Unix epoch.
    pub(super) since: i64,
    /// True for the browser that asks for the page.
    pub(super) is_this: bool,
}

/// The form of the page that was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// The form that changes the name.
    Name(RejectionReason),
    /// The form that changes the password.
    Password(RejectionReason),
}

impl Document for Account {
    fn title(&self, texts: &Texts) -> String {
        texts.account.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let Self { name, places, refused, done } = self;
        let (name_problem, password_problem) = match refused {
            Some(Refused::Name(reason)) => (Some(reason), None),
            Some(Refused::Password(reason)) => (None, Some(reason)),
            None => (None, None),
        };
        let done = done.and_then(|done| match done {
            Done::Name => Some(texts.name_changed),
            Done::Password => Some(texts.password_changed),
            Done::Saved => Some(texts.saved),
            Done::SignedOut | Done::Notifications | Done::TestSent => None,
        });
        view! {
            <h1>{texts.account}</h1>
            {done_note(done)}
            {name_form(texts, name, name_problem)}
            {password_form(texts, password_problem)}
            {place_list(texts, places)}
            {export_link(texts)}
        }
        .into_any()
    }
}

fn name_form(texts: &'static Texts, name: String, problem: Option<RejectionReason>) -> impl IntoView + use<> {
    view! {
        <form class="panel stack" method="post" action="/account/name" aria-labelledby="name-heading">
            <h2 id="name-heading">{texts.name}</h2>
            {problem_note(texts, problem)}
            {name_field(texts, name, false, problem)}
            <button type="submit">{texts.change_name}</button>
        </form>
    }
}

fn password_form(texts: &'static Texts, problem: Option<RejectionReason>) -> impl IntoView + use<> {
    // The common text for a wrong password speaks of the name, too; this form has none.
    let text = problem.map(|reason| match reason.code {
        Code::WrongPassword => texts.present_password_wrong.to_owned(),
        _ => (texts.rejection)(reason),
    });
    view! {
        <form class="panel stack" method="post" action="/account/password" aria-labelledby="password-heading">
            <h2 id="password-heading">{texts.password}</h2>
            {text.map(|text| view! { <p class="note" role="alert" id="problem">{text}</p> })}
            {password_field(texts, texts.present_password, Password::Present, false, problem)}
            {password_field(texts, texts.new_password, Password::New, false, problem)}
            <p class="muted">{texts.password_ends_others}</p>
            <button type="submit">{texts.change_password}</button>
        </form>
    }
}

fn place_list(texts: &'static Texts, places: Vec<ShownSession>) -> impl IntoView + use<> {
    let place = move |(index, place): (usize, ShownSession)| {
        let ShownSession { session, agent, since, is_this } = place;
        let agent = (texts.agent)(Agent::of(&agent));
        // Browsers of one kind may have signed in within a minute.
        let label = format!("{} {}:", texts.end_session, index + 1);
        let (row, end) = (format!("session-{index}"), format!("end-{index}"));
        let both = format!("{end} {row}");
        let this = is_this.then(|| view! { <span class="badge">{texts.this_browser}</span> });
        view! {
            <li class="row">
                <div id=row>
                    <p class="row__head"><b>{agent}</b> " " {this}</p>
                    <p class="muted">{texts.since} " " {time(since)}</p>
                </div>
                <form method="post" action="/account/sessions">
                    <input type="hidden" name="session" value=session />
                    <button type="submit" id=end aria-label=label aria-labelledby=both>{texts.end_session}</button>
                </form>
            </li>
        }
    };
    view! {
        <section class="panel stack">
            <h2>{texts.places}</h2>
            <ul class="rows">{places.into_iter().enumerate().map(place).collect::<Vec<_>>()}</ul>
        </section>
    }
}
