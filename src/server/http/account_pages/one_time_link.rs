//! Pages of one-time links: of one that was just made, which is shown this once because only its hash is kept, and of
//! one that does not work.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use leptos::prelude::*;

use super::{answer::alone, document::Document, fields::shown_once, texts::Texts, time::time};
use crate::{
    app::routes,
    protocol::problem::{Code, Rejection},
    server::{error::Error, http::pages::PageRequest},
};

/// The page that shows a new one-time link.
#[derive(Clone, Debug)]
pub(super) struct OneTimeLink {
    /// The name of the account whose password it changes; `None`: it is an invitation.
    pub(super) account: Option<String>,
    /// The absolute URL of the link.
    pub(super) address: String,
    /// The time when it expires, in milliseconds since the Unix epoch.
    pub(super) expires_at: i64,
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
                {shown_once(texts, "link", texts.link, address)}
                <p>{texts.good_until} " " {time(expires_at)}</p>
                <p><a href=routes::PEOPLE>{texts.back_to_people}</a></p>
            </section>
        }
        .into_any()
    }
}

/// Answers a one-time link that cannot be used: 410 with a page that says so. Any other error is answered as it is.
pub(super) fn link_failed(asked: &PageRequest, error: Error) -> Response {
    match error.into_rejection() {
        Rejection { code: Code::BadLink, .. } => (StatusCode::GONE, alone(asked, LinkOver)).into_response(),
        fault => fault.into_response(),
    }
}

/// The page of a link that was used, has expired, or never was one.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinkOver;

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
