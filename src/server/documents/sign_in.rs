//! `/sign-in`: a name and a password.

use leptos::prelude::*;

use super::{
    Document, Texts,
    form::{Password, done_note, name_field, password_field, problem_note},
};
use crate::{app::routes, protocol::problem::Code};

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct SignIn {
    /// The page to be shown afterwards.
    pub back: String,
    /// The name that was typed.
    pub name: String,
    /// Why it was refused.
    pub problem: Option<Code>,
    /// They have just signed out.
    pub is_signed_out: bool,
}

impl Document for SignIn {
    fn title(&self, texts: &Texts) -> String {
        texts.sign_in.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let Self { back, name, problem, is_signed_out } = self;
        let is_known = !name.is_empty();
        view! {
            <section class="panel">
                <h1>{texts.sign_in}</h1>
                {done_note(is_signed_out.then_some(texts.signed_out))}
                <form class="stack" method="post" action=routes::SIGN_IN>
                    {problem_note(texts, problem)}
                    {name_field(texts, name, !is_known, problem)}
                    {password_field(texts, texts.password, Password::Present, is_known, problem)}
                    <input type="hidden" name="back" value=back />
                    <button type="submit" class="primary">{texts.sign_in}</button>
                </form>
            </section>
            <p class="muted">{texts.sign_in_help}</p>
        }
        .into_any()
    }
}
