//! `/people`: who there is, for administrators, and the step before somebody is removed.

use leptos::prelude::*;

use super::{Document, Texts, time::time};
use crate::{app::routes, protocol::problem::Code};

/// See the module.
#[derive(Clone, Debug)]
pub struct People {
    /// Everybody, by name.
    pub people: Vec<Person>,
    /// The invitations that can be used.
    pub invitations: Vec<Invitation>,
    /// The one-time id of the form that invites, see `server/auth/submissions.rs`.
    pub once: String,
    /// Why the last change was refused.
    pub problem: Option<Code>,
}

/// Somebody with an account.
#[derive(Clone, Debug)]
pub struct Person {
    /// The account.
    pub id: String,
    /// As others see them.
    pub name: String,
    /// Is an administrator.
    pub is_admin: bool,
    /// May not sign in.
    pub is_blocked: bool,
    /// Looks at the page.
    pub is_me: bool,
    /// When they joined, in milliseconds since the Unix epoch.
    pub since: i64,
}

/// An invitation that was not used yet.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// By which it is revoked.
    pub id: String,
    /// Who invited, by name.
    pub by: String,
    /// When it ends, in milliseconds since the Unix epoch.
    pub expires_at: i64,
}

impl Document for People {
    fn title(&self, texts: &Texts) -> String {
        texts.people.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let Self { people, invitations, once, problem } = self;
        // What an administrator may not do is only to be the last one.
        let problem = problem.map(|code| match code {
            Code::NotAllowed => texts.last_administrator,
            other => (texts.problem)(other),
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
                <p class="row__head"><b>{name}</b> {badges}</p>
                <p class="muted">{texts.joined} " " {time(since)}</p>
            </div>
            {changes(texts, person)}
        </li>
    }
}

/// What can be done with somebody. Nobody blocks or removes themselves by a slip: somebody else does it.
fn changes(texts: &'static Texts, person: Person) -> impl IntoView + use<> {
    let Person { id, name, is_admin, is_blocked, is_me, .. } = person;
    let label = format!("{}: {name}", texts.manage);
    let removal = routes::removal(&id);
    let change = move |address: &str, on: bool, text: &'static str| {
        view! {
            <form method="post" action=format!("/people/{id}/{address}")>
                <input type="hidden" name="on" value=on.to_string() />
                <button type="submit">{text}</button>
            </form>
        }
    };
    let admin = if is_admin { texts.unmake_administrator } else { texts.make_administrator };
    let block = if is_blocked { texts.unblock } else { texts.block };
    let others = (!is_me).then(|| {
        view! {
            {(!is_blocked).then(|| change("reset", true, texts.make_reset_link))}
            {change("blocked", !is_blocked, block)}
            <a href=removal>{texts.remove}</a>
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
    let row = |Invitation { id, by, expires_at }| {
        view! {
            <li class="row">
                <div>
                    <p>{(texts.invited_by)(&by)}</p>
                    <p class="muted">{texts.good_until} " " {time(expires_at)}</p>
                </div>
                <form method="post" action="/people/invitations/revoke">
                    <input type="hidden" name="id" value=id />
                    <button type="submit">{texts.revoke}</button>
                </form>
            </li>
        }
    };
    view! {
        <section class="panel stack">
            <h2>{texts.invitations}</h2>
            {is_empty.then(|| view! { <p class="muted">{texts.no_invitations}</p> })}
            <ul class="rows">{invitations.into_iter().map(row).collect::<Vec<_>>()}</ul>
            <form method="post" action="/people/invitations">
                <input type="hidden" name="once" value=once />
                <button type="submit" class="primary">{texts.invite}</button>
            </form>
        </section>
    }
}

/// The step before somebody is removed, which cannot be undone.
#[derive(Clone, Debug)]
pub struct Removal {
    /// The account.
    pub id: String,
    /// Whose it is.
    pub name: String,
}

impl Document for Removal {
    fn title(&self, texts: &Texts) -> String {
        (texts.remove_title)(&self.name)
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
