//! The addresses in what people and programs write, found so that they can be clicked. Both sides find the same.

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Plain, never empty.
    Text(&'a str),
    /// An `http` or `https` address. No other scheme is ever one: `javascript:` would run.
    Link(&'a str),
}

/// Splits `text` into its addresses and what stands between; together they are the text.
///
/// An address is made of the characters of RFC 3986, all ASCII, so 。 or 、 or any word in Japanese ends it; a browser's
/// address bar gives it in this form. Punctuation at its end belongs to the sentence around it.
pub fn split_links(text: &str) -> Vec<Piece<'_>> {
    let bytes = text.as_bytes();
    let (mut pieces, mut plain, mut at) = (Vec::new(), 0, 0);
    while at < bytes.len() {
        // "xhttp://" is part of another word.
        let is_within_word = at > 0 && bytes[at - 1].is_ascii_alphanumeric();
        let length = if is_within_word { 0 } else { address_length(&bytes[at..]) };
        if length == 0 {
            at += 1;
            continue;
        }
        push_text(&mut pieces, &text[plain..at]);
        plain = at + length;
        pieces.push(Piece::Link(&text[at..plain]));
        at = plain;
    }
    push_text(&mut pieces, &text[plain..]);
    pieces
}

fn push_text<'a>(pieces: &mut Vec<Piece<'a>>, text: &'a str) {
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
}

/// How many bytes at the start of `text` are an address; 0 when it starts with none. By bytes, because searching a
/// text for another is a kilobyte more to download.
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

/// RFC 3986, section 2: what is left of printable ASCII.
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
        let pieces = split_links(text);
        let whole: String = pieces
            .iter()
            .map(|piece| {
                let (Piece::Text(text) | Piece::Link(text)) = piece;
                *text
            })
            .collect();
        assert_eq!(whole, text, "nothing is lost or added");
        pieces
            .into_iter()
            .filter_map(|piece| match piece {
                Piece::Link(link) => Some(link),
                Piece::Text(_) => None,
            })
            .collect()
    }

    #[test]
    fn a_text_without_an_address_is_one_piece() {
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
            assert_eq!(split_links(text), [Piece::Text(text)]);
        }
        assert_eq!(split_links(""), []);
    }

    #[test]
    fn an_address_is_found_between_words() {
        assert_eq!(
            split_links("see https://a.example/b?c=d#e now"),
            [Piece::Text("see "), Piece::Link("https://a.example/b?c=d#e"), Piece::Text(" now")]
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
