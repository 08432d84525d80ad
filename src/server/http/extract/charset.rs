//! Decodes text in a declared or recognized charset, for bodies and headers. A body that cannot be decoded without
//! doubt is rejected: a text with wrong letters would be stored for ever.

use encoding_rs::{Encoding, UTF_8, UTF_16LE, WINDOWS_1252};
use percent_encoding::percent_decode_str;

use crate::protocol::problem::{Code, Rejection};

/// The names of ASCII (IANA). Browsers take it for Latin-1; from a sender that declares ASCII and sends more, UTF-8 is
/// the likely guess, and one that can be checked.
const ASCII: [&str; 11] = [
    "ansi_x3.4-1968",
    "ansi_x3.4-1986",
    "ascii",
    "cp367",
    "csascii",
    "ibm367",
    "iso-ir-6",
    "iso646-us",
    "iso_646.irv:1991",
    "us",
    "us-ascii",
];

/// Decodes a body. A byte order mark takes precedence over the label and is dropped; without either the body must be
/// UTF-8.
///
/// Errors: [`Code::BadMediaType`] for an unknown label and for UTF-16 in an unknown byte order, [`Code::BadRequest`]
/// for bytes that do not fit.
pub(crate) fn decode(bytes: &[u8], label: Option<&str>) -> Result<String, Rejection> {
    let declared = label.map_or(Ok(UTF_8), encoding_of)?;
    let (encoding, bytes) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => (encoding, &bytes[length..]),
        None if declared == UTF_16LE && !bytes.is_empty() && !label.is_some_and(names_an_order) => {
            let message = "The byte order of this UTF-16 text is unknown: begin with a byte order mark, or say \
                           charset=utf-16le or utf-16be.";
            return Err(Rejection::new(Code::BadMediaType, message));
        }
        None => (declared, bytes),
    };
    decode_by(encoding, bytes, label)
}

/// Decodes bytes in a known encoding; `label` only words the rejection.
fn decode_by(encoding: &'static Encoding, bytes: &[u8], label: Option<&str>) -> Result<String, Rejection> {
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    text.map(|text| text.into_owned()).ok_or_else(|| {
        let name = encoding.name();
        let message = match label {
            Some(_) => {
                format!("The body is not {name}, which its Content-Type or its byte order mark says it is.")
            }
            None => {
                "The body is not UTF-8; say which charset it is in its Content-Type, as in charset=windows-1252".to_owned()
            }
        };
        Rejection::new(Code::BadRequest, message)
    })
}

/// Decodes a name or a value of a form (URL Standard, 5.1) whose body was decoded: its escapes are bytes in the same
/// charset, and other characters outside ASCII are text already. In a form in UTF-16 the escapes are UTF-8 (Encoding
/// Standard, 4.3). Escaped bytes are never read as a byte order mark.
pub(crate) fn decode_form(text: &str, label: Option<&str>) -> Result<String, Rejection> {
    let encoding = label.map_or(Ok(UTF_8), encoding_of)?.output_encoding();
    let (mut decoded, mut bytes) = (String::new(), Vec::new());
    for part in text.split_inclusive(|c: char| !c.is_ascii()) {
        let (ascii, other) = part.split_at(part.find(|c: char| !c.is_ascii()).unwrap_or(part.len()));
        bytes.extend(percent_decode_str(&ascii.replace('+', " ")));
        if !other.is_empty() {
            decoded += &decode_by(encoding, &std::mem::take(&mut bytes), label)?;
            decoded += other;
        }
    }
    Ok(decoded + &decode_by(encoding, &bytes, label)?)
}

/// Decodes a header: as UTF-8 if it is valid, as curl sends typed text, otherwise as Latin-1, which HTTP once
/// prescribed.
pub(crate) fn decode_header(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
    }
}

/// Returns true if a label of little-endian UTF-16 names its byte order. Browsers read plain `utf-16` as little-endian,
/// RFC 2781 as big-endian, and there are senders of either kind.
fn names_an_order(label: &str) -> bool {
    label.trim().eq_ignore_ascii_case("utf-16le")
}

fn encoding_of(label: &str) -> Result<&'static Encoding, Rejection> {
    encoding_for(label).ok_or_else(|| {
        let message = "The charset of the body is not supported; send UTF-8.";
        Rejection::new(Code::BadMediaType, message)
    })
}

/// Returns the encoding that a label names, for a body or an encoded word; `None` if it is unknown.
pub(crate) fn encoding_for(label: &str) -> Option<&'static Encoding> {
    let label = label.trim().to_ascii_lowercase();
    if ASCII.contains(&label.as_str()) {
        return Some(UTF_8);
    }
    // Windows' code page numbers for encodings that the Encoding Standard has by name.
    let label = match label.as_str() {
        "cp932" | "ms932" => "shift_jis",
        "cp936" | "ms936" => "gbk",
        "cp949" | "ms949" => "euc-kr",
        "cp950" | "ms950" => "big5",
        other => other,
    };
    Encoding::for_label_no_replacement(label.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_decoded_by_its_charset_or_its_mark() {
        for (bytes, label, expected) in [
            (&b"gr\xfc\xdfe"[..], Some("ISO-8859-1"), "grüße"),
            (b"\x82\xa0", Some("Shift_JIS"), "あ"),
            (b"\x82\xa0", Some("CP932"), "あ"),
            (b"\xef\xbb\xbfhi", None, "hi"),
            (b"\xff\xfeh\0i\0", None, "hi"),
            (b"\xfe\xff\0h\0i", Some("utf-16"), "hi"),
            (b"h\0i\0", Some("UTF-16LE"), "hi"),
            (b"\0h\0i", Some("utf-16be"), "hi"),
            ("grüße".as_bytes(), None, "grüße"),
        ] {
            assert_eq!(decode(bytes, label).as_deref(), Ok(expected), "{label:?}");
        }
        for label in ["ascii", "US-ASCII", " us-ascii ", "ANSI_X3.4-1968", "iso646-us", "cp367", "us"] {
            assert_eq!(decode("grüße".as_bytes(), Some(label)).as_deref(), Ok("grüße"), "{label}");
            assert_eq!(
                decode(b"gr\xfc\xdfe", Some(label)).map_err(|error| error.code),
                Err(Code::BadRequest)
            );
        }
    }

    #[test]
    fn what_cannot_be_decoded_is_refused() {
        let code = |bytes: &[u8], label| decode(bytes, label).expect_err("refused").code;
        assert_eq!(code(b"gr\xfc\xdfe", None), Code::BadRequest);
        assert_eq!(code(b"gr\xfc\xdfe", Some("utf-8")), Code::BadRequest);
        assert_eq!(code(b"x", Some("klingon")), Code::BadMediaType);
        assert_eq!(code(b"x", Some("utf-7")), Code::BadMediaType);
        for label in ["utf-16", "UTF-16", "unicode", "ucs-2"] {
            assert_eq!(code(b"\0h\0i", Some(label)), Code::BadMediaType, "{label}");
        }
    }

    #[test]
    fn a_field_of_a_form_is_decoded_by_the_charset_of_the_form() {
        for (text, label, expected) in [
            ("a+b%20c%2B", None, "a b c+"),
            ("gr%C3%BC%C3%9Fe", None, "grüße"),
            ("gr%FC%DFe", Some("latin1"), "grüße"),
            ("ü%FCü", Some("latin1"), "üüü"),
            ("%82%A0", Some("Shift_JIS"), "あ"),
            ("hell", Some("utf-16le"), "hell"),
            ("gr%C3%BC%C3%9Fe", Some("utf-16"), "grüße"),
            ("%FE%FFab", Some("latin1"), "þÿab"),
            ("%EF%BB%BFab", Some("latin1"), "ï»¿ab"),
            ("100%", None, "100%"),
            ("", None, ""),
        ] {
            assert_eq!(decode_form(text, label).as_deref(), Ok(expected), "{text}");
        }
        for label in [None, Some("utf-16be"), Some("us-ascii")] {
            assert_eq!(decode_form("gr%FC%DFe", label).expect_err("no UTF-8").code, Code::BadRequest);
        }
        assert_eq!(decode_form("%FE%FF%00a", None).expect_err("no UTF-8").code, Code::BadRequest);
    }
}
