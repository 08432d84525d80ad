//! What the server functions in `app/api.rs` need of the request they run in.

use axum::http::{StatusCode, request::Parts};
use leptos::prelude::{ServerFnError, use_context};
use leptos_axum::ResponseOptions;

use crate::{
    protocol::{problem::Code, session::User},
    server::{error::Error, state::AppState},
};

/// What the server knows. `Err` outside of a request: to list the site's addresses at start Leptos draws the pages
/// once without one, and may begin to load what they show. That must come to nothing, and not to a panic.
pub fn state() -> Result<AppState, ServerFnError> {
    use_context::<AppState>().ok_or_else(|| ServerFnError::new(Code::Unavailable.as_str()))
}

/// Who asks. The `welcome` layer made sure that it is somebody.
pub fn visitor() -> Result<User, ServerFnError> {
    let user = use_context::<Parts>().and_then(|parts| parts.extensions.get::<User>().cloned());
    user.ok_or_else(|| ServerFnError::new(Code::NoSession.as_str()))
}

/// A fault as the page is told it: the stable code and nothing of ours.
pub fn fault(error: Error) -> ServerFnError {
    ServerFnError::new(error.into_rejection().code.as_str())
}

/// The page that is being rendered shows that something is not there. Asked for by a page that is open already, the
/// answer "there is none" is as good as any other.
pub fn set_not_found() {
    let is_page = use_context::<Parts>().is_some_and(|parts| !parts.uri.path().starts_with("/fn/"));
    if let Some(response) = use_context::<ResponseOptions>().filter(|_| is_page) {
        response.set_status(StatusCode::NOT_FOUND);
    }
}
