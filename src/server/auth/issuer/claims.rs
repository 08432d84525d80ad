//! The claims of another system's token about a user (RFC 7519, section 4), mapped to an [`Identity`]. The issuer calls
//! it after the signature and the times were verified. A claim that it does not understand must never give a right.

use serde_json::{Map, Value};
use unicode_segmentation::UnicodeSegmentation;

use super::{LEEWAY, TokenRejection};
use crate::{
    protocol::{
        name::{NAME_MAX_CHARACTERS, parse_name},
        session::User,
        text::is_unprintable,
    },
    server::{
        auth::{Identity, Pattern},
        store::normalized_name::normalized_name,
    },
};

/// Longest `sub`, in Unicode characters: those of identity providers have a third of it.
const SUBJECT_MAX_CHARACTERS: usize = 128;
/// Most patterns in a claim, so that checking a right is quick.
const PATTERNS_MAX: usize = 100;
/// The name of a user whose token has no usable name.
const NAMELESS: &str = "User";

/// The user of a valid token, and the rights in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// `sub`, and `name` or `preferred_username` or the beginning of `sub`.
    pub user: User,
    /// `rooms`: the rooms the user may enter. `None`: the token has no such claim, and the rooms' own rules apply.
    pub rooms: Option<Vec<Pattern>>,
    /// `channels`: the channels the user may publish to; a token without the claim may not publish.
    pub channels: Vec<Pattern>,
    /// `role` is `"admin"`.
    pub is_admin: bool,
    /// `exp`, in seconds since the Unix epoch. The token is accepted for the issuer's leeway longer.
    pub expires_at: u64,
}

impl Claims {
    /// Parses the claims. Rejects with [`TokenRejection::BadClaim`]; a bad name is no reason to reject.
    pub(super) fn read(claims: &Map<String, Value>) -> Result<Self, TokenRejection> {
        let id = claims.get("sub").and_then(Value::as_str).filter(|sub| is_subject(sub));
        let id = id.ok_or(TokenRejection::BadClaim("sub"))?.to_owned();
        Ok(Self {
            user: User { name: name_of(claims, &id), id },
            // Normalized as room ids are, whatever form the other system writes.
            rooms: patterns(claims, "rooms", normalized_name)?,
            channels: patterns(claims, "channels", str::to_owned)?.unwrap_or_default(),
            is_admin: claims.get("role").and_then(Value::as_str) == Some("admin"),
            expires_at: claims.get("exp").and_then(seconds).ok_or(TokenRejection::BadClaim("exp"))?,
        })
    }
}

impl From<Claims> for Identity {
    fn from(claims: Claims) -> Self {
        let Claims { user, rooms, channels, is_admin, expires_at } = claims;
        // As long as the token itself would be accepted.
        let expires_at = expires_at.saturating_add(LEEWAY.as_secs());
        Self { rooms, channels, is_admin, expires_at, ..Self::of(user) }
    }
}

fn is_subject(sub: &str) -> bool {
    (1..=SUBJECT_MAX_CHARACTERS).contains(&sub.chars().count())
        && !sub.chars().any(|c| c.is_whitespace() || is_unprintable(c))
}

fn name_of(claims: &Map<String, Value>, sub: &str) -> String {
    let beginning: String = sub.graphemes(true).take(NAME_MAX_CHARACTERS).collect();
    let written = ["name", "preferred_username"].iter().filter_map(|claim| claims.get(*claim)?.as_str());
    let name = written.chain([beginning.as_str()]).find_map(|name| parse_name(name).ok());
    name.unwrap_or_else(|| NAMELESS.to_owned())
}

/// The patterns of a claim; `None` if there is no such claim. A malformed one rejects the token: skipping it could
/// leave more rights than were meant.
fn patterns(
    claims: &Map<String, Value>,
    claim: &'static str,
    form: impl Fn(&str) -> String,
) -> Result<Option<Vec<Pattern>>, TokenRejection> {
    let Some(value) = claims.get(claim) else { return Ok(None) };
    let bad = TokenRejection::BadClaim(claim);
    let items = value.as_array().filter(|items| items.len() <= PATTERNS_MAX).ok_or(bad)?;
    let parsed = items.iter().map(|item| Pattern::parse(&form(item.as_str()?)).ok()).collect::<Option<_>>();
    parsed.map(Some).ok_or(bad)
}

/// A `NumericDate` (RFC 7519, 2): it may have a fraction.
fn seconds(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_f64().map(|number| number.round() as u64))
}
