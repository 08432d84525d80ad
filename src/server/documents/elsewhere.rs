//! `/sign-in` and `/account` where another system signs people in: says so, and leads there if it is known where.

use leptos::prelude::*;

use super::{Document, Texts};

/// See the module.
#[derive(Clone, Debug)]
pub struct Elsewhere {
    /// Who is signed in, by name; `None`: nobody.
    pub name: Option<String>,
    /// Where people sign in.
    pub address: Option<String>,
}

impl Document for Elsewhere {
    fn title(&self, texts: &Texts) -> String {
        if self.name.is_some() { texts.account.to_owned() } else { texts.sign_in.to_owned() }
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let title = self.title(texts);
        let Self { name, address } = self;
        let text = if name.is_some() { texts.account_elsewhere } else { texts.sign_in_elsewhere };
        view! {
            <section class="panel stack">
                <h1>{title}</h1>
                {name.map(|name| view! { <p><b>{name}</b></p> })}
                <p>{text}</p>
                {address.map(|address| view! { <p><a href=address>{texts.go_there}</a></p> })}
            </section>
        }
        .into_any()
    }
}
