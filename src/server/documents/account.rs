//! `/account`: one's own name, password, and where one is signed in.

use leptos::prelude::*;

use super::{
    Document, Done, Texts,
    agent::Agent,
    form::{Password, done_note, name_field, password_field, problem_note},
    time::time,
};
use crate::protocol::problem::Code;

/// See the module.
#[derive(Clone, Debug)]
pub struct Account {
    /// The name, or what was typed for it.
    pub name: String,
    /// Where they are signed in, the newest first.
    pub places: Vec<Place>,
    /// Which form was refused, and why.
    pub refused: Option<Refused>,
    /// What was done.
    pub done: Option<Done>,
}

/// Where somebody is signed in.
#[derive(Clone, Debug)]
pub struct Place {
    /// The session, by which it is ended.
    pub session: String,
    /// What the browser calls itself.
    pub agent: String,
    /// When it began, in milliseconds since the Unix epoch.
    pub since: i64,
    /// It is the browser that asks.
    pub is_this: bool,
}

/// A form of it that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The name's.
    Name(Code),
    /// The password's.
    Password(Code),
}

impl Document for Account {
    fn title(&self, texts: &Texts) -> String {
        texts.account.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let Self { name, places, refused, done } = self;
        let (name_problem, password_problem) = match refused {
            Some(Refused::Name(code)) => (Some(code), None),
            Some(Refused::Password(code)) => (None, Some(code)),
            None => (None, None),
        };
        let done = done.and_then(|done| match done {
            Done::Name => Some(texts.name_changed),
            Done::Password => Some(texts.password_changed),
            Done::SignedOut => None,
        });
        view! {
            <h1>{texts.account}</h1>
            {done_note(done)}
            {name_form(texts, name, name_problem)}
            {password_form(texts, password_problem)}
            {place_list(texts, places)}
        }
        .into_any()
    }
}

fn name_form(texts: &'static Texts, name: String, problem: Option<Code>) -> impl IntoView + use<> {
    view! {
        <form class="panel stack" method="post" action="/account/name" aria-labelledby="name-heading">
            <h2 id="name-heading">{texts.name}</h2>
            {problem_note(texts, problem)}
            {name_field(texts, name, false, problem)}
            <button type="submit">{texts.change_name}</button>
        </form>
    }
}

fn password_form(texts: &'static Texts, problem: Option<Code>) -> impl IntoView + use<> {
    // There is no name to be wrong.
    let text = problem.map(|code| match code {
        Code::WrongPassword => texts.present_password_wrong,
        other => (texts.problem)(other),
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

fn place_list(texts: &'static Texts, places: Vec<Place>) -> impl IntoView + use<> {
    let place = move |place: Place| {
        let Place { session, agent, since, is_this } = place;
        let agent = (texts.agent)(Agent::of(&agent));
        let end = format!("{}: {agent}", texts.end_session);
        let this = is_this.then(|| view! { <span class="badge">{texts.this_browser}</span> });
        view! {
            <li class="row">
                <div>
                    <p class="row__head"><b>{agent}</b> " " {this}</p>
                    <p class="muted">{texts.since} " " {time(since)}</p>
                </div>
                <form method="post" action="/account/sessions">
                    <input type="hidden" name="session" value=session />
                    <button type="submit" aria-label=end>{texts.end_session}</button>
                </form>
            </li>
        }
    };
    view! {
        <section class="panel stack">
            <h2>{texts.places}</h2>
            <ul class="rows">{places.into_iter().map(place).collect::<Vec<_>>()}</ul>
        </section>
    }
}
