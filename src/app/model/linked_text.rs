//! The addresses in texts of people and programs, found so that they become links. Server and browser find the same
//! ones. The component of the same name draws them.

/// A span of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span<'a> {
    /// Plain text, never empty.
    Text(&'a str),
    /// An `http` or `https` address. No other scheme becomes a link: `javascript:` would run.
    Link(&'a str),
}

/// Splits `text` into its addresses and the text between them. Joined, the spans are `text`.
///
/// An address has only the characters of RFC 3986, all ASCII, so 。 or 、 or any Japanese word ends it; a browser's
/// address bar copies addresses in this form. Punctuation at its end belongs to the sentence around it.
pub fn split_links(text: &str) -> Vec<Span<'_>> {
    let bytes = text.as_bytes();
    let (mut spans, mut plain, mut at) = (Vec::new(), 0, 0);
    while at < bytes.len() {
        // "xhttp://" is part of another word.
        let is_within_word = at > 0 && bytes[at - 1].is_ascii_alphanumeric();
        let length = if is_within_word { 0 } else { address_length(&bytes[at..]) };
        if length == 0 {
            at += 1;
            continue;
        }
        push_text(&mut spans, &text[plain..at]);
        plain = at + length;
        spans.push(Span::Link(&text[at..plain]));
        at = plain;
    }
    push_text(&mut spans, &text[plain..]);
    spans
}

fn push_text<'a>(spans: &mut Vec<Span<'a>>, text: &'a str) {
    if !text.is_empty() {
        spans.push(Span::Text(text));
    }
}

/// The length in bytes of the address at the start of `text`; 0 when there is none. Compares bytes, because a substring
/// search is a kilobyte more to download.
fn address_length(text: &[u8]) -> usize {
    // The scheme is read in any case (RFC 3986, 3.1).
    let scheme = match text {
        [b'h' | b'H', b't' | b'T', b't' | b'T', b'p' | b'P', b':', b'/', b'/', ..] => 7,
        [b'h' | b'H', b't' | b'T', b't' | b'T', b'p' | b'P', b's' | b'S', b':', b'/', b'/', ..] => 8,
        _ => return 0,
    };
    let has_host = text.get(scheme).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'[');
    if !has_host {
        return 0;
    }
    let (mut end, mut open) = (scheme, 0_i32);
    while let Some(byte) = text.get(end).filter(|byte| is_part(**byte)) {
        open += bracket(*byte);
        end += 1;
    }
    // A closing bracket belongs to the address that opened it: …/wiki/Rust_(language).
    while is_after_sentence(text[end - 1]) || text[end - 1] == b')' && open < 0 {
        end -= 1;
        open -= bracket(text[end]);
    }
    end
}

fn bracket(byte: u8) -> i32 {
    i32::from(byte == b'(') - i32::from(byte == b')')
}

/// A character of RFC 3986, section 2: printable ASCII without those that an address must encode.
fn is_part(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte)
}

fn is_after_sentence(byte: u8) -> bool {
    b".,:;!?'*_~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(text: &str) -> Vec<&str> {
        let spans = split_links(text);
        let whole: String = spans
            .iter()
            .map(|span| {
                let (Span::Text(text) | Span::Link(text)) = span;
                *text
            })
            .collect();
        assert_eq!(whole, text, "no text is lost or added");
        spans
            .into_iter()
            .filter_map(|span| match span {
                Span::Link(link) => Some(link),
                Span::Text(_) => None,
            })
            .collect()
    }

    #[test]
    fn a_text_without_an_address_is_one_span() {
        for text in [
            "hello",
            "http is a protocol",
            "http://",
            "HTTP://",
            "HTTPS:// a",
            "https://。",
            "http://?",
            "https:/a",
        ] {
            assert_eq!(split_links(text), [Span::Text(text)]);
        }
        assert_eq!(split_links(""), []);
    }

    #[test]
    fn an_address_is_found_between_words() {
        assert_eq!(
            split_links("see https://a.example/b?c=d#e now"),
            [Span::Text("see "), Span::Link("https://a.example/b?c=d#e"), Span::Text(" now")]
        );
        assert_eq!(links("http://a.example\nhttp://[::1]:3000/"), ["http://a.example", "http://[::1]:3000/"]);
        assert_eq!(
            links("HTTP://a.example and Https://B.example/C"),
            ["HTTP://a.example", "Https://B.example/C"]
        );
        assert_eq!(links("詳細はhttps://a.example/%E4%BA%95です"), ["https://a.example/%E4%BA%95"]);
        assert_eq!(links("https://a.example/https://b.example"), ["https://a.example/https://b.example"]);
    }

    #[test]
    fn the_sentences_punctuation_is_not_part_of_it() {
        for around in [
            ("", "."),
            ("", ","),
            ("", "?!"),
            ("", "..."),
            ("(", ")"),
            ("(", ")."),
            ("<", ">"),
            ("\"", "\""),
            ("'", "'"),
            ("*", "*"),
            ("", "。"),
            ("", "、"),
            ("（", "）"),
            ("「", "」"),
            ("『", "』。"),
            ("", "！"),
            ("", "\u{3000}"),
            ("", ":"),
            ("`", "`"),
        ] {
            let text = format!("{}https://a.example/b{}", around.0, around.1);
            assert_eq!(links(&text), ["https://a.example/b"], "{text}");
        }
        assert_eq!(links("(https://a.example/c_(d))"), ["https://a.example/c_(d)"]);
        assert_eq!(links("https://a.example/c_(d)"), ["https://a.example/c_(d)"]);
        assert_eq!(links("https://a.example/))))"), ["https://a.example/"]);
    }

    #[test]
    fn no_other_scheme_is_an_address() {
        for text in [
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://a.example",
            "xhttp://a.example",
            "javascript:http//a",
            "//a.example",
            "HTTPS",
        ] {
            assert_eq!(links(text), [""; 0], "{text}");
        }
        assert_eq!(
            links("https://a.example/\"onclick=alert(1)"),
            ["https://a.example/"],
            "no attribute can be ended"
        );
    }
}
