//! Answers a rejected form with its page again, which shows the reason, when to try again, and what was typed. The
//! handlers of the forms call it. A password is never written back.

use axum::response::{IntoResponse, Response};

use super::{answer::SignedIn, rejection::takes_pages};
use crate::{
    app::model::room::RejectionReason,
    server::{
        error::Error,
        http::{
            pages::{PageRequest, with_status_of},
            redirect::see,
        },
    },
};

/// Answers a rejected form with its page, which shows the reason and what was typed. `path` and `query` are the page's
/// address, to which a client is redirected that accepts no pages; nothing typed stands in it.
pub(super) async fn rejected(
    asked: PageRequest,
    path: &str,
    query: &[(&str, &str)],
    error: Error,
    page: impl AsyncFnOnce(PageRequest, RejectionReason) -> Result<Response, Error>,
) -> Response {
    let rejection = error.into_rejection();
    let (code, retry_after_ms) = (rejection.code, rejection.retry_after_ms);
    if !takes_pages(&asked.headers) {
        return see(path, &[&[("problem", code.as_str())], query].concat());
    }
    let address = match query {
        [] => path.to_owned(),
        query => format!("{path}?{}", serde_urlencoded::to_string(query).expect("pairs of texts")),
    };
    match page(asked.at(&address), RejectionReason { code, retry_after_ms }).await {
        Ok(page) => with_status_of(rejection, page),
        // `rejections_as_pages` shows what was typed.
        Err(error) => error.into_response(),
    }
}

/// As [`rejected`], for a page with the sidebar.
pub(super) async fn rejected_beside(
    asked: PageRequest,
    path: &str,
    query: &[(&str, &str)],
    error: Error,
    page: impl AsyncFnOnce(SignedIn, RejectionReason) -> Result<Response, Error>,
) -> Response {
    rejected(asked, path, query, error, async |asked, reason| match SignedIn::of(asked) {
        Some(signed_in) => page(signed_in, reason).await,
        // The operator by key is a program and has no page.
        None => Ok(see(path, &[("problem", reason.code.as_str())])),
    })
    .await
}
