//! Query strings of pages, which come with links and so with other people's parameters.

use std::collections::HashSet;

use axum::{extract::FromRequestParts, http::request::Parts};
use serde::de::DeserializeOwned;

use super::parameters::bad;
use crate::protocol::problem::Rejection;

/// The query of a page that browsers open. Unknown parameters are ignored, because links carry them.
pub(crate) struct Lenient<T>(pub(in crate::server::http) T);

impl<T: DeserializeOwned> Lenient<T> {
    /// Parses a query. Empty values are absent; the last value of a repeated parameter counts.
    pub(crate) fn parse(query: &str) -> Result<Self, Rejection> {
        let mut pairs: Vec<(String, String)> = serde_urlencoded::from_str(query).unwrap_or_default();
        pairs.reverse();
        let mut names = HashSet::new();
        pairs.retain(|(name, value)| !value.is_empty() && names.insert(name.clone()));
        let query = serde_urlencoded::to_string(&pairs).expect("pairs of texts");
        let parsed = serde_urlencoded::from_str(&query);
        parsed.map(Self).map_err(|error| bad(&format!("The address is not complete: {error}.")))
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Lenient<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}
