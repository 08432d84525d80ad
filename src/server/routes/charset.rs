//! The text of bytes in a declared or recognized charset. What cannot be decoded without a doubt is refused: a text with
//! wrong letters would be stored for ever. Bodies and headers are read by it.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use crate::protocol::problem::{Code, Rejection};

/// Decodes a body. A byte order mark says more than a label and is dropped; without either it has to be UTF-8.
///
/// Refuses an unknown label with [`Code::BadMediaType`], and bytes that do not fit with [`Code::BadRequest`].
pub(super) fn decode(bytes: &[u8], label: Option<&str>) -> Result<String, Rejection> {
    let declared = label.map_or(Ok(UTF_8), encoding_of)?;
    let (encoding, bytes) = match Encoding::for_bom(bytes) {
        Some((encoding, length)) => (encoding, &bytes[length..]),
        None => (declared, bytes),
    };
    let text = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    text.map(|text| text.into_owned()).ok_or_else(|| {
        let name = encoding.name();
        let message = match label {
            Some(_) => {
                format!("The body is not {name}, which its Content-Type or its byte order mark says it is.")
            }
            None => "The body is not UTF-8; say its charset: Content-Type: text/plain; charset=…".to_owned(),
        };
        Rejection::new(Code::BadRequest, message)
    })
}

/// Decodes a header: UTF-8 if it is, as curl sends what was typed, or else Latin-1, as HTTP once had it.
pub(super) fn decode_header(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
    }
}

fn encoding_of(label: &str) -> Result<&'static Encoding, Rejection> {
    // Browsers take ASCII for Latin-1; of a sender that says ASCII and sends more, UTF-8 is the likely and checkable guess.
    if ["ascii", "us-ascii"].iter().any(|ascii| label.eq_ignore_ascii_case(ascii)) {
        return Ok(UTF_8);
    }
    Encoding::for_label_no_replacement(label.as_bytes()).ok_or_else(|| {
        let message = "The charset of the body is not known here; send UTF-8.";
        Rejection::new(Code::BadMediaType, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_decoded_by_its_charset_or_its_mark() {
        for (bytes, label, expected) in [
            (&b"gr\xfc\xdfe"[..], Some("ISO-8859-1"), "grüße"),
            (b"\x82\xa0", Some("Shift_JIS"), "あ"),
            (b"\xef\xbb\xbfhi", None, "hi"),
            (b"\xff\xfeh\0i\0", None, "hi"),
            (b"\xfe\xff\0h\0i", Some("utf-16"), "hi"),
            ("grüße".as_bytes(), Some("us-ascii"), "grüße"),
            ("grüße".as_bytes(), None, "grüße"),
        ] {
            assert_eq!(decode(bytes, label).as_deref(), Ok(expected), "{label:?}");
        }
    }

    #[test]
    fn what_cannot_be_decoded_is_refused() {
        let code = |bytes: &[u8], label| decode(bytes, label).expect_err("refused").code;
        assert_eq!(code(b"gr\xfc\xdfe", None), Code::BadRequest);
        assert_eq!(code(b"gr\xfc\xdfe", Some("utf-8")), Code::BadRequest);
        assert_eq!(code(b"x", Some("klingon")), Code::BadMediaType);
        assert_eq!(code(b"x", Some("utf-7")), Code::BadMediaType);
    }
}
