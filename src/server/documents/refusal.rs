//! What a browser is shown that asked for a page, or posted a form, and got a refusal.

use leptos::prelude::*;

use super::{Document, Texts};
use crate::{
    app::{i18n::Language, model::room::Refusal},
    protocol::problem::Code,
};

/// See the module.
#[derive(Clone, Debug)]
pub struct RefusedPage {
    /// Why, and when to come back.
    pub refusal: Refusal,
    /// The document is in this language.
    pub language: Language,
    /// The address to be asked for once more. `None`: a form, which cannot be posted again from here.
    pub again: Option<String>,
}

impl Document for RefusedPage {
    fn title(&self, texts: &Texts) -> String {
        texts.refused.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let Self { refusal, language, again } = self;
        let common = language.texts();
        let text = match refusal.code {
            // The page's own words would have this one be reloaded, and with it the form be posted again.
            Code::BadRequest if again.is_none() => texts.form_not_understood.to_owned(),
            _ => common.refusal(refusal),
        };
        let (address, link) =
            again.map_or_else(|| ("/".to_owned(), common.to_the_feed), |path| (path, texts.try_again));
        view! {
            <section class="panel">
                <h1>{texts.refused}</h1>
                <p role="alert">{text}</p>
                <p><a href=address>{link}</a></p>
            </section>
        }
        .into_any()
    }
}
