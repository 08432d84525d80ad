//! The outcome of a form, in the query of the address that follows it. The handlers that serve a form read it, and
//! those that take the form write it. Never put a password into it.

use axum::response::Response;
use serde::Deserialize;

use super::document::Done;
use crate::{
    protocol::problem::Code,
    server::{error::Error, http::redirect::see},
};

/// Maximum length of each typed text in an address, in characters: more than any name has, and enough for a few of
/// them.
const TYPED_MAX_CHARACTERS: usize = 200;

/// The outcome of a form, and what was typed into it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Outcome {
    problem: Option<String>,
    done: Option<String>,
    /// The form's name, on pages with several.
    pub(super) form: Option<String>,
    /// The rejected name that was typed.
    pub(super) name: Option<String>,
    /// The rejected list that was typed.
    pub(super) list: Option<String>,
    /// The page to return to in the end.
    pub(super) back: Option<String>,
}

impl Outcome {
    /// Returns the reason of the rejection.
    pub(super) fn problem(&self) -> Option<Code> {
        Code::parse(self.problem.as_deref()?)
    }

    /// Returns the change that was made.
    pub(super) fn done(&self) -> Option<Done> {
        Done::parse(self.done.as_deref()?)
    }
}

/// Redirects back to the form at `path`, with the reason of the rejection and the `typed` texts.
pub(super) fn rejected(path: &str, error: Error, typed: &[(&str, &str)]) -> Response {
    let code = error.into_rejection().code.as_str();
    let cut = |text: &str| text.chars().take(TYPED_MAX_CHARACTERS).collect::<String>();
    let typed: Vec<(&str, String)> = typed.iter().map(|(key, text)| (*key, cut(text))).collect();
    let mut query = vec![("problem", code)];
    query.extend(typed.iter().map(|(key, text)| (*key, text.as_str())));
    see(path, &query)
}
