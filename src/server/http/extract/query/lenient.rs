//! Query strings of pages, which come with links and so with other people's parameters.

use std::collections::HashMap;

use axum::{
    extract::{FromRequestParts, Query},
    http::{Uri, request::Parts},
};
use serde::de::DeserializeOwned;

use super::parameters::bad;
use crate::protocol::problem::Rejection;

/// The query of a page that browsers open. Unknown parameters are ignored, because links carry them. The members of `T` are
/// named in lower case, because those of the query are read in any.
pub(crate) struct Lenient<T>(pub(in crate::server::http) T);

impl<T: DeserializeOwned> Lenient<T> {
    /// Parses a query. Names may be in any case; empty values are absent; the last value of a repeated parameter counts.
    pub(crate) fn parse(query: &str) -> Result<Self, Rejection> {
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
        let mut kept = HashMap::new();
        for (name, value) in pairs.into_iter().filter(|(_, value)| !value.is_empty()) {
            kept.insert(name.to_ascii_lowercase(), value);
        }
        let query = serde_urlencoded::to_string(&kept).expect("pairs of texts");
        // Encoding may have made it longer than an address can be.
        let uri = Uri::try_from(format!("/?{query}")).map_err(|_| bad("The address is too long."))?;
        match Query::try_from_uri(&uri) {
            Ok(Query(parsed)) => Ok(Self(parsed)),
            Err(error) => Err(bad(&reason(&error.body_text(), &kept))),
        }
    }
}

/// Says which parameter is at fault. axum puts its name in front of the reason.
fn reason(error: &str, given: &HashMap<String, String>) -> String {
    let reason = error.trim_start_matches("Failed to deserialize query string: ");
    match reason.split_once(": ") {
        Some((name, _)) if given.contains_key(name) => {
            format!("The parameter {name} has a value that cannot be read.")
        }
        _ => format!("The address is not complete: {reason}."),
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Lenient<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}
