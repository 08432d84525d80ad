//! `/people`: the page on which administrators manage accounts. A user who is blocked or removed is disconnected at
//! once.

use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    answer::{SignedIn, accounts, beside, noted},
    document::Document,
    outcome::Outcome,
    rejected::rejected_beside,
    texts::Texts,
    time::time,
};
use crate::{
    app::{
        model::{direction::isolated, room::RejectionReason},
        routes,
    },
    protocol::{
        problem::{Code, Rejection},
        session::User,
    },
    server::{
        auth::{Account, Link, Purpose},
        authz::Deed,
        error::Error,
        http::{
            extract::{body::FormBody, path::PathText, query::Lenient},
            pages::{PageRequest, one_time_form::new_id},
        },
        state::AppState,
    },
};

/// Serves the page.
pub(super) async fn show(signed_in: SignedIn, Lenient(outcome): Lenient<Outcome>) -> Result<Response, Error> {
    page(&signed_in, outcome.problem()).await
}

async fn page(signed_in: &SignedIn, problem: Option<RejectionReason>) -> Result<Response, Error> {
    let accounts = accounts(&signed_in.asked.state)?;
    let me = &signed_in.identity.user.id;
    let people = accounts.list().await?.into_iter().map(|account| person(account, me)).collect();
    let mut invitations: Vec<_> = accounts.links().await?.into_iter().filter_map(invitation).collect();
    invitations.sort_by_key(|invitation| invitation.expires_at);
    beside(signed_in, People { people, invitations, once: new_id(), problem }).await
}

fn person(account: Account, me: &str) -> Person {
    Person {
        is_me: account.id == me,
        is_admin: account.is_admin,
        is_blocked: account.is_blocked,
        since: account.created_at,
        id: account.id,
        name: account.name,
    }
}

fn invitation((id, link): (String, Link)) -> Option<Invitation> {
    match link.purpose {
        Purpose::Invitation { by } => Some(Invitation { id, by, expires_at: link.expires_at }),
        Purpose::Setup | Purpose::Reset { .. } => None,
    }
}

/// The field of a form that turns something on or off.
#[derive(Deserialize)]
pub(super) struct Switch {
    on: bool,
}

/// Makes a user an administrator, or takes that right away.
pub(super) async fn set_admin(
    asked: PageRequest,
    PathText(id): PathText,
    FormBody(Switch { on }): FormBody<Switch>,
) -> Result<Response, Error> {
    let user = user_of(&asked.state, &id).await?;
    let changed = accounts(&asked.state)?.set_admin(&id, on).await;
    let deed = if on { Deed::MakeAdministrator } else { Deed::UnmakeAdministrator };
    let changed = noted(&asked, changed, |action| action.to(&user), deed).await;
    Ok(back_to_people(asked, changed).await)
}

/// Blocks an account, or unblocks it.
pub(super) async fn set_blocked(
    asked: PageRequest,
    PathText(id): PathText,
    FormBody(Switch { on }): FormBody<Switch>,
) -> Result<Response, Error> {
    let user = user_of(&asked.state, &id).await?;
    let changed = accounts(&asked.state)?.set_blocked(&id, on).await;
    let deed = if on { Deed::BlockPerson } else { Deed::UnblockPerson };
    let changed = noted(&asked, changed, |action| action.to(&user), deed).await;
    Ok(back_to_people(asked, changed).await)
}

/// Serves the confirmation that precedes a removal.
pub(super) async fn ask_removal(PathText(id): PathText, signed_in: SignedIn) -> Result<Response, Error> {
    let Account { id, name, .. } = somebody(&signed_in.asked.state, &id).await?;
    beside(&signed_in, Removal { id, name }).await
}

/// Removes an account.
pub(super) async fn remove(asked: PageRequest, PathText(id): PathText) -> Result<Response, Error> {
    let user = user_of(&asked.state, &id).await?;
    let removed = accounts(&asked.state)?.remove(&id).await;
    let removed = noted(&asked, removed, |action| action.to(&user), Deed::RemovePerson).await;
    Ok(back_to_people(asked, removed).await)
}

/// The user of an account, for the log: it may be gone afterwards. Without one there is no name.
async fn user_of(state: &AppState, id: &str) -> Result<User, Error> {
    let account = accounts(state)?.account(id).await?;
    let unknown = || User { id: id.to_owned(), name: String::new() };
    Ok(account.map_or_else(unknown, |account| account.user()))
}

/// Returns the account with this id. Errors: [`Code::NotFound`].
pub(super) async fn somebody(state: &AppState, id: &str) -> Result<Account, Error> {
    let unknown = || Rejection::new(Code::NotFound, "This account does not exist.");
    Ok(accounts(state)?.account(id).await?.ok_or_else(unknown)?)
}

/// Redirects to `/people`, or serves it with the reason if the change was rejected.
pub(super) async fn back_to_people(asked: PageRequest, result: Result<(), Error>) -> Response {
    match result {
        Ok(()) => Redirect::to(routes::PEOPLE).into_response(),
        Err(error) => {
            let page = async |signed_in: SignedIn, reason| page(&signed_in, Some(reason)).await;
            rejected_beside(asked, routes::PEOPLE, &[], error, page).await
        }
    }
}

/// The data of the page `/people`.
#[derive(Clone, Debug)]
pub(super) struct People {
    /// All accounts, sorted by name.
    pub(super) people: Vec<Person>,
    /// The invitations that can be used.
    pub(super) invitations: Vec<Invitation>,
    /// The one-time id of the form that creates an invitation, see `server/auth/submissions.rs`.
    pub(super) once: String,
    /// The reason why the last change was rejected.
    pub(super) problem: Option<RejectionReason>,
}

/// A user with an account.
#[derive(Clone, Debug)]
pub(super) struct Person {
    /// The id of the account.
    pub(super) id: String,
    /// The name that others see.
    pub(super) name: String,
    /// True for an administrator.
    pub(super) is_admin: bool,
    /// True for an account that may not sign in.
    pub(super) is_blocked: bool,
    /// True for the user who looks at the page.
    pub(super) is_me: bool,
    /// The time when they joined, in milliseconds since the Unix epoch.
    pub(super) since: i64,
}

/// An invitation that was not used yet.
#[derive(Clone, Debug)]
pub(super) struct Invitation {
    /// The id by which it is revoked.
    pub(super) id: String,
    /// The name of the user who invited.
    pub(super) by: String,
    /// The time when it expires, in milliseconds since the Unix epoch.
    pub(super) expires_at: i64,
}

impl Document for People {
    fn title(&self, texts: &Texts) -> String {
        texts.people.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let Self { people, invitations, once, problem } = self;
        // `NotAllowed` has one cause here: the change would leave no administrator.
        let problem = problem.map(|reason| match reason.code {
            Code::NotAllowed => texts.last_administrator.to_owned(),
            _ => (texts.rejection)(reason),
        });
        let people = people.into_iter().map(|person| row(texts, person)).collect::<Vec<_>>();
        view! {
            <h1>{texts.people}</h1>
            {problem.map(|text| view! { <p class="note" role="alert">{text}</p> })}
            <section class="panel">
                <ul class="rows">{people}</ul>
            </section>
            {invitation_list(texts, invitations, once)}
        }
        .into_any()
    }
}

fn row(texts: &'static Texts, person: Person) -> impl IntoView + use<> {
    let badges = [
        person.is_me.then_some(texts.you),
        person.is_admin.then_some(texts.administrator),
        person.is_blocked.then_some(texts.blocked),
    ];
    let badge = |text| view! { " " <span class="badge">{text}</span> };
    let badges = badges.into_iter().flatten().map(badge).collect::<Vec<_>>();
    let (name, since) = (person.name.clone(), person.since);
    view! {
        <li class="row">
            <div>
                <p class="row__head"><b><bdi translate="no">{name}</bdi></b> {badges}</p>
                <p class="muted">{texts.joined} " " {time(since)}</p>
            </div>
            {changes(texts, person)}
        </li>
    }
}

/// The changes that are offered for an account. Administrators cannot block or remove themselves by a slip, because
/// only another one can do it.
fn changes(texts: &'static Texts, person: Person) -> impl IntoView + use<> {
    let Person { id, name, is_admin, is_blocked, is_me, .. } = person;
    let name = isolated(&name);
    let label_of = move |text| format!("{text}: {name}");
    let (label, removal_label) = (label_of(texts.manage), label_of(texts.remove));
    let removal = routes::removal(&id);
    let change = move |address: &str, on: bool, text: &'static str| {
        view! {
            <form method="post" action=format!("/people/{id}/{address}")>
                <input type="hidden" name="on" value=on.to_string() />
                <button type="submit" aria-label=label_of(text)>{text}</button>
            </form>
        }
    };
    let admin = if is_admin { texts.unmake_administrator } else { texts.make_administrator };
    let block = if is_blocked { texts.unblock } else { texts.block };
    let others = (!is_me).then(|| {
        view! {
            {(!is_blocked).then(|| change("reset", true, texts.make_reset_link))}
            {change("blocked", !is_blocked, block)}
            <a href=removal aria-label=removal_label>{texts.remove}</a>
        }
    });
    view! {
        <details class="changes">
            <summary aria-label=label>{texts.manage}</summary>
            <div class="changes__list">{change("administrator", !is_admin, admin)} {others}</div>
        </details>
    }
}

fn invitation_list(
    texts: &'static Texts,
    invitations: Vec<Invitation>,
    once: String,
) -> impl IntoView + use<> {
    let is_empty = invitations.is_empty();
    let row = |(index, Invitation { id, by, expires_at }): (usize, Invitation)| {
        // Two of one administrator may be of the same minute.
        let row = format!("invitation-{index}");
        let revoke = format!("revoke-{index}");
        let both = format!("{revoke} {row}");
        let label = format!("{} {}:", texts.revoke, index + 1);
        view! {
            <li class="row">
                <div id=row>
                    <p>{(texts.invited_by)(&isolated(&by))}</p>
                    <p class="muted">{texts.good_until} " " {time(expires_at)}</p>
                </div>
                <form method="post" action="/people/invitations/revoke">
                    <input type="hidden" name="id" value=id />
                    <button type="submit" id=revoke aria-label=label aria-labelledby=both>{texts.revoke}</button>
                </form>
            </li>
        }
    };
    view! {
        <section class="panel stack">
            <h2>{texts.invitations}</h2>
            {is_empty.then(|| view! { <p class="muted">{texts.no_invitations}</p> })}
            <ul class="rows">{invitations.into_iter().enumerate().map(row).collect::<Vec<_>>()}</ul>
            <form method="post" action="/people/invitations">
                <input type="hidden" name="once" value=once />
                <button type="submit" class="primary">{texts.invite}</button>
            </form>
        </section>
    }
}

/// The page that confirms the removal of an account, which cannot be undone.
#[derive(Clone, Debug)]
pub(super) struct Removal {
    /// The id of the account.
    pub(super) id: String,
    /// The account's name.
    pub(super) name: String,
}

impl Document for Removal {
    fn title(&self, texts: &Texts) -> String {
        (texts.remove_title)(&isolated(&self.name))
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let title = self.title(texts);
        view! {
            <h1>{title}</h1>
            <section class="panel stack">
                <p>{texts.remove_text}</p>
                <form class="changes__list" method="post" action=routes::removal(&self.id)>
                    <button type="submit" class="primary">{texts.remove}</button>
                    <a href=routes::PEOPLE>{texts.cancel}</a>
                </form>
            </section>
        }
        .into_any()
    }
}
