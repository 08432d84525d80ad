//! One query parameter: its recognized name, its value, and the messages about their faults.

use std::{ops::RangeInclusive, str::FromStr};

use percent_encoding::percent_decode_str;

use crate::{
    protocol::{
        cursor::{Cursor, Offset},
        problem::{Code, Rejection},
    },
    server::log::hub::PageQuery,
};

/// Parameters that libraries add so that no cache answers, and trackers add to links. They mean nothing here.
const MEANINGLESS: [&str; 16] = [
    "cache",
    "cachebust",
    "cachebuster",
    "cb",
    "dc",
    "nc",
    "nocache",
    "nonce",
    "r",
    "rand",
    "random",
    "rnd",
    "t",
    "timestamp",
    "ts",
    "v",
];
const MEANINGLESS_PREFIXES: [&str; 2] = ["_", "utm_"];

/// Maximum edit distance between a misspelt name and the one that was meant.
const MISSPELT_MAX: usize = 2;
/// Maximum characters of an unknown name in a message.
const SHOWN_MAX_CHARACTERS: usize = 40;

/// Percent-decodes a name or a value. `parameter` names it in a rejection.
pub(crate) fn decode(parameter: &str, text: &str) -> Result<String, Rejection> {
    let broken = |what| bad(&format!("{} {what}.", cut(parameter)));
    let is_escape = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if !text.split('%').skip(1).all(is_escape) {
        return Err(broken(
            "has a % that is not followed by two hexadecimal digits; write a literal % as %25",
        ));
    }
    let text = text.replace('+', " ");
    let decoded = percent_decode_str(&text).decode_utf8();
    Ok(decoded.map_err(|_| broken("is not UTF-8 after percent-decoding"))?.into_owned())
}

/// Returns true for a parameter that means nothing here, in any case and with or without `-` and `_`.
pub(crate) fn is_meaningless(name: &str) -> bool {
    MEANINGLESS.contains(&plain(name).as_str())
        || MEANINGLESS_PREFIXES.iter().any(|prefix| name.to_ascii_lowercase().starts_with(prefix))
}

/// Returns the known name that is meant. Letters may be of either case; libraries that replace `EventSource` write the
/// header's name.
pub(super) fn recognize<'a>(name: &str, known: &[&'a str]) -> Result<&'a str, Rejection> {
    let meant = plain(name);
    let is_meant = |one: &&&str| meant == plain(one) || (**one == "after" && meant == "lasteventid");
    if let Some(known) = known.iter().find(is_meant) {
        return Ok(*known);
    }
    let advice = match misspelt(name, known) {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => format!("this address accepts {}.", known.join(", ")),
    };
    Err(bad(&format!("Unknown parameter {}: {advice}", cut(name))))
}

/// Returns the known name that a misspelt one most likely means; `None` if none is near.
pub(crate) fn misspelt<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let written = plain(name);
    let written = written.trim_end_matches("[]");
    let distance = |one: &&&str| strsim::osa_distance(written, &plain(one));
    known.iter().min_by_key(distance).filter(|one| distance(one) <= MISSPELT_MAX).copied()
}

/// A name without its case, `-` and `_`, by which names are compared.
pub(super) fn plain(name: &str) -> String {
    name.to_ascii_lowercase().replace(['-', '_'], "")
}

fn cut(text: &str) -> String {
    text.chars().take(SHOWN_MAX_CHARACTERS).collect()
}

/// Parses a cursor. Errors: [`Code::BadCursor`].
pub(super) fn cursor(name: &str, text: &str) -> Result<Cursor, Rejection> {
    let malformed = |_| {
        let message = format!("{name} must be a cursor, epoch:offset as the server sent it.");
        Rejection::new(Code::BadCursor, message)
    };
    Cursor::from_str(text).map_err(malformed)
}

/// Parses the offset around which a page is read: of the present epoch, or as a cursor of its own. Errors:
/// [`Code::BadCursor`].
pub(super) fn offset_or_cursor(name: &str, text: &str) -> Result<PageQuery, Rejection> {
    let malformed = |_| {
        let message = format!("{name} must be an offset, or a cursor, epoch:offset as the server sent it.");
        Rejection::new(Code::BadCursor, message)
    };
    // An offset is written as in a cursor.
    let (text, has_epoch) = match text.contains(':') {
        true => (text.to_owned(), true),
        false => (format!("e:{text}"), false),
    };
    let Cursor { epoch, offset } = Cursor::from_str(&text).map_err(malformed)?;
    Ok(PageQuery::Around(offset, has_epoch.then_some(epoch)))
}

/// Parses an offset.
pub(super) fn offset(name: &str, text: &str) -> Result<Offset, Rejection> {
    text.parse().map_err(|_| bad(&format!("{name} must be an offset, a whole number.")))
}

/// Parses a number in `range`.
pub(super) fn number(name: &str, text: &str, range: RangeInclusive<usize>) -> Result<usize, Rejection> {
    let (least, most) = (range.start(), range.end());
    let unit = if name == "wait" { " of seconds" } else { "" };
    let wrong = || bad(&format!("{name} must be a whole number{unit} from {least} to {most}."));
    text.parse().ok().filter(|number| range.contains(number)).ok_or_else(wrong)
}

/// Parses a time in milliseconds since the Unix epoch.
pub(super) fn time(name: &str, text: &str) -> Result<i64, Rejection> {
    let bad = |_| bad(&format!("{name} must be a time in milliseconds since 1970, such as 1795000000000."));
    text.parse().map_err(bad)
}

/// Parses a boolean, in the spellings that are common for it.
pub(super) fn yes_or_no(name: &str, text: &str) -> Result<bool, Rejection> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(bad(&format!("{name} must be true or false."))),
    }
}

/// The rejection of a faulty parameter.
pub(super) fn bad(what: &str) -> Rejection {
    Rejection::new(Code::BadRequest, what)
}
