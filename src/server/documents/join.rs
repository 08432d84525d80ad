//! What a one-time link leads to: becoming somebody, another password, or that it does not work any more.

use leptos::prelude::*;

use super::{
    Document, Texts,
    form::{Password, name_field, password_field, problem_note},
};
use crate::{app::routes, protocol::problem::Code};

/// `/join/{token}`: the first administrator, or somebody who was invited.
#[derive(Clone, Debug)]
pub struct Join {
    /// The address, to which the form goes.
    pub address: String,
    /// Who invited, by name; `None`: it is for the first administrator.
    pub by: Option<String>,
    /// The name that was typed.
    pub name: String,
    /// Why it was refused.
    pub problem: Option<Code>,
}

impl Document for Join {
    fn title(&self, texts: &Texts) -> String {
        self.by.as_ref().map_or(texts.join_first, |_| texts.join).to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let title = self.title(texts);
        let Self { address, by, name, problem } = self;
        let intro = by.map_or_else(|| texts.join_first_intro.to_owned(), |by| (texts.join_intro)(&by));
        let is_typed = !name.is_empty();
        view! {
            <section class="panel">
                <h1>{title}</h1>
                <p>{intro}</p>
                <form class="stack" method="post" action=address>
                    {problem_note(texts, problem)}
                    {name_field(texts, name, !is_typed, problem)}
                    {password_field(texts, texts.password, Password::New, is_typed, problem)}
                    <button type="submit" class="primary">{texts.join_button}</button>
                </form>
            </section>
        }
        .into_any()
    }
}

/// `/reset/{token}`: another password, for who has lost theirs.
#[derive(Clone, Debug)]
pub struct Reset {
    /// The address, to which the form goes.
    pub address: String,
    /// Whose account it is.
    pub name: String,
    /// Why it was refused.
    pub problem: Option<Code>,
}

impl Document for Reset {
    fn title(&self, texts: &Texts) -> String {
        texts.reset.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let Self { address, name, problem } = self;
        view! {
            <section class="panel">
                <h1>{texts.reset}</h1>
                <p>{(texts.reset_intro)(&name)}</p>
                <form class="stack" method="post" action=address>
                    {problem_note(texts, problem)}
                    // For password managers, which keep the password under it.
                    <input hidden readonly autocomplete="username" value=name />
                    {password_field(texts, texts.new_password, Password::New, true, problem)}
                    <button type="submit" class="primary">{texts.set_password}</button>
                </form>
            </section>
        }
        .into_any()
    }
}

/// A link that was used, has ended, or never was one.
#[derive(Clone, Copy, Debug)]
pub struct LinkOver;

impl Document for LinkOver {
    fn title(&self, texts: &Texts) -> String {
        texts.link_over.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        view! {
            <section class="panel">
                <h1>{texts.link_over}</h1>
                <p>{texts.link_over_text}</p>
                <p><a href=routes::SIGN_IN>{texts.sign_in}</a></p>
            </section>
            <p class="muted">{texts.link_over_first}</p>
        }
        .into_any()
    }
}
