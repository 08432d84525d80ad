//! What another system's token says about a person (RFC 7519, section 4), put into our words. The issuer calls it once
//! the signature and the times are right; it looks at nothing else, and what it does not understand gives no right.

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

/// Longest `sub`, in Unicode characters: what identity providers hand out is a third of it.
const SUBJECT_MAX_CHARACTERS: usize = 128;
/// Most patterns in a claim, so that a right is looked up in no time.
const PATTERNS_MAX: usize = 100;
/// What somebody is called whose token has nothing that could be a name.
const NAMELESS: &str = "User";

/// Whom a valid token speaks for, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// `sub`, and `name` or `preferred_username` or the beginning of `sub`.
    pub user: User,
    /// `rooms`: what may be entered. `None`: the token does not say, and the rooms' own rules hold.
    pub rooms: Option<Vec<Pattern>>,
    /// `channels`: what may be published to; a token that does not say may not publish.
    pub channels: Vec<Pattern>,
    /// `role` is `"admin"`.
    pub is_admin: bool,
    /// `exp`, in seconds since the Unix epoch. The token is taken for the issuer's leeway longer.
    pub expires_at: u64,
}

impl Claims {
    /// Reads the claims. Refuses with [`TokenRejection::BadClaim`]; a bad name refuses nobody.
    pub(super) fn read(claims: &Map<String, Value>) -> Result<Self, TokenRejection> {
        let id = claims.get("sub").and_then(Value::as_str).filter(|sub| is_subject(sub));
        let id = id.ok_or(TokenRejection::BadClaim("sub"))?.to_owned();
        Ok(Self {
            user: User { name: name_of(claims, &id), id },
            // As they are compared, whatever form the other system writes them in.
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
        // As long as the token itself would be taken.
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

/// The patterns of a claim; `None` when it is not there. One that cannot be read refuses the token: passed over, it
/// could leave more rights than were meant.
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
