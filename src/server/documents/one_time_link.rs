//! A link that was just made: shown this once, because only its hash is kept.

use leptos::prelude::*;

use super::{Document, Texts, time::time};
use crate::app::routes;

/// See the module.
#[derive(Clone, Debug)]
pub struct OneTimeLink {
    /// Whose password it changes; `None`: it is an invitation.
    pub account: Option<String>,
    /// The whole address.
    pub address: String,
    /// When it ends, in milliseconds since the Unix epoch.
    pub expires_at: i64,
}

impl Document for OneTimeLink {
    fn title(&self, texts: &Texts) -> String {
        self.account.as_ref().map_or_else(|| texts.invitation.to_owned(), |name| (texts.reset_link_of)(name))
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let title = self.title(texts);
        let Self { account, address, expires_at } = self;
        let intro = match account {
            Some(name) => (texts.reset_link_intro)(&name),
            None => texts.invitation_intro.to_owned(),
        };
        view! {
            <h1>{title}</h1>
            <section class="panel stack">
                <p>{intro}</p>
                <div class="labelled">
                    <label for="link">{texts.link}</label>
                    <input id="link" class="link" value=address readonly autofocus aria-describedby="link-hint" />
                    <p class="muted" id="link-hint">{texts.shown_once}</p>
                </div>
                <p>{texts.good_until} " " {time(expires_at)}</p>
                <p><a href=routes::PEOPLE>{texts.back_to_people}</a></p>
            </section>
        }
        .into_any()
    }
}
