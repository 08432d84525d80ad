//! The beginning of `follow`: the values of `--since`, and the parameter of the API that means the same.

use std::{str::FromStr, time::Duration};

use serde_json::Value;

use crate::{
    protocol::cursor::Cursor,
    server::{
        cli::client::{
            connection::{ApiRequest, Connection},
            error::ClientError,
        },
        clock::now_ms,
    },
};

/// The most entries that a stream begins with.
const NEWEST_MAX: u64 = 200;
/// The cursor of somebody who has seen nothing.
const NOTHING: &str = "none:0";

/// The beginning.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Since {
    /// With what comes from now on.
    Now,
    /// With all that the server keeps.
    All,
    /// With so many of the newest.
    Newest(u64),
    /// After a cursor.
    After(Cursor),
    /// With what is younger than this.
    Age(Duration),
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text == "all" {
            return Ok(Self::All);
        }
        if let Ok(count) = text.parse::<u64>() {
            let advice =
                || format!("at most the newest {NEWEST_MAX}: more come with all, or with a time such as 1h");
            return (count <= NEWEST_MAX).then_some(Self::Newest(count)).ok_or_else(advice);
        }
        if let Ok(cursor) = text.parse() {
            return Ok(Self::After(cursor));
        }
        let age = humantime::parse_duration(text).map(Self::Age);
        age.map_err(|_| {
            format!("{text:?} is neither all, a number, a cursor epoch:offset, nor a time such as 10m or 2h")
        })
    }
}

impl Since {
    /// The parameter for a stream of the channels of `query`.
    pub(super) async fn parameter(
        &self,
        connection: &mut Connection,
        query: &str,
    ) -> Result<Option<String>, ClientError> {
        Ok(match self {
            Self::Now => None,
            Self::All => Some(format!("after={NOTHING}")),
            Self::Newest(count) => Some(format!("last={count}")),
            Self::After(cursor) => Some(format!("after={cursor}")),
            Self::Age(age) => {
                let since_ms = now_ms().saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
                Some(format!("after={}", cursor_at(connection, query, since_ms).await?))
            }
        })
    }
}

/// The cursor after which everything from `since_ms` on comes: found by halving, as offsets are in the order of time.
async fn cursor_at(connection: &mut Connection, query: &str, since_ms: i64) -> Result<String, ClientError> {
    let newest = page(connection, query, "").await?;
    let Some(newest) = newest["cursor"].as_str().and_then(|cursor| cursor.parse::<Cursor>().ok()) else {
        return Ok(NOTHING.to_owned());
    };
    let (mut before, mut after) = (0, newest.offset);
    while before < after {
        let middle = Cursor { offset: before + (after - before) / 2, ..newest.clone() };
        let page = page(connection, query, &format!("&after={middle}")).await?;
        let first = &page["events"][0];
        match (first["offset"].as_u64(), first["timestamp"].as_i64()) {
            (Some(offset), Some(timestamp)) if timestamp < since_ms => before = offset,
            _ => after = middle.offset,
        }
    }
    // Nothing is older: then what was removed is nobody's loss.
    Ok(if before == 0 { NOTHING.to_owned() } else { Cursor { offset: before, ..newest }.to_string() })
}

async fn page(connection: &mut Connection, query: &str, after: &str) -> Result<Value, ClientError> {
    let request =
        ApiRequest::get(format!("/api/events?{query}&limit=1{after}")).with("accept", "application/json");
    let answer = connection.ask(&request).await?;
    Ok(serde_json::from_slice(&answer.body).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_is_said_in_several_ways() {
        for (text, expected) in [
            ("all", Since::All),
            ("0", Since::Newest(0)),
            (" 200 ", Since::Newest(200)),
            ("k3J9:42", Since::After("k3J9:42".parse().expect("a cursor"))),
            ("10m", Since::Age(Duration::from_secs(600))),
            ("1h 30m", Since::Age(Duration::from_secs(5_400))),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for text in ["", "201", "-1", "yesterday", "k3J9:", "10"].into_iter().filter(|text| *text != "10") {
            text.parse::<Since>().expect_err(text);
        }
    }
}
