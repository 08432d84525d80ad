//! What came of a form, as the address of the document that follows says it.

use axum::response::Response;
use serde::Deserialize;

use super::document::Done;
use crate::{
    protocol::problem::Code,
    server::{error::Error, http::redirect::see},
};

/// How much of what was typed is put into an address, in characters: more than any name has, and a few of them.
const TYPED_MAX_CHARACTERS: usize = 200;

/// See the module.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Outcome {
    problem: Option<String>,
    done: Option<String>,
    /// Which form it was, where there are several.
    pub(super) form: Option<String>,
    /// The name that was typed.
    pub(super) name: Option<String>,
    /// The list that was typed.
    pub(super) list: Option<String>,
    /// The page to be shown in the end.
    pub(super) back: Option<String>,
}

impl Outcome {
    /// Why it was refused.
    pub(super) fn problem(&self) -> Option<Code> {
        Code::parse(self.problem.as_deref()?)
    }

    /// What was done.
    pub(super) fn done(&self) -> Option<Done> {
        Done::parse(self.done.as_deref()?)
    }
}

/// Sends the browser back to the form, with the reason and with what was `typed`.
pub(super) fn refused(path: &str, error: Error, typed: &[(&str, &str)]) -> Response {
    let code = error.into_rejection().code.as_str();
    let cut = |text: &str| text.chars().take(TYPED_MAX_CHARACTERS).collect::<String>();
    let typed: Vec<(&str, String)> = typed.iter().map(|(key, text)| (*key, cut(text))).collect();
    let mut query = vec![("problem", code)];
    query.extend(typed.iter().map(|(key, text)| (*key, text.as_str())));
    see(path, &query)
}
