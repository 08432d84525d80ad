//! The query of `POST /api/files` and `/api/uploads`: the room to which a file is uploaded, and its name. `api::files` and
//! `api::uploads` take it.

use axum::{extract::FromRequestParts, http::request::Parts};

use super::parameters::{bad, decode, is_meaningless, recognize};
use crate::protocol::problem::Rejection;

/// The parameters.
const FILE: &[&str] = &["name", "room"];

/// The target of an upload.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct FileTarget {
    /// The room as it was written; empty if the query has none.
    pub(crate) room: String,
    /// The name of the file as it was written.
    pub(crate) name: Option<String>,
}

impl FileTarget {
    fn parse(query: &str) -> Result<Self, Rejection> {
        let mut target = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let name = decode(name, name)?;
            if name.is_empty() || is_meaningless(&name) {
                continue;
            }
            let known = recognize(&name, FILE)?;
            let value = decode(known, value)?;
            match known {
                "room" => target.room = value,
                _ => target.name = Some(value).filter(|name| !name.is_empty()),
            }
        }
        Ok(target)
    }

    fn with_room(self) -> Result<Self, Rejection> {
        match self.room.is_empty() {
            true => Err(bad("Say to which room the file belongs: POST /api/files?room=ROOM&name=NAME.")),
            false => Ok(self),
        }
    }
}

/// The query of an upload.
pub(crate) struct FileQuery(pub(in crate::server::http) FileTarget);

impl<S: Send + Sync> FromRequestParts<S> for FileQuery {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        FileTarget::parse(parts.uri.query().unwrap_or_default())?.with_room().map(Self)
    }
}

/// The query of an upload that resumes, whose room may be in a header.
pub(crate) struct UploadQuery(pub(in crate::server::http) FileTarget);

impl<S: Send + Sync> FromRequestParts<S> for UploadQuery {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        FileTarget::parse(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_has_a_room_and_may_have_a_name() {
        let target =
            |room: &str, name: Option<&str>| FileTarget { room: room.into(), name: name.map(str::to_owned) };
        for (query, expected) in [
            ("room=general&name=%E8%8A%B1%20a.png", target("general", Some("花 a.png"))),
            ("Room=general&name=", target("general", None)),
            ("room=general&_=1", target("general", None)),
        ] {
            assert_eq!(FileTarget::parse(query), Ok(expected), "{query}");
        }
        for query in ["", "name=a.png", "room=", "room=a&other=b", "room=%ff"] {
            FileTarget::parse(query).and_then(FileTarget::with_room).expect_err(query);
        }
    }
}
