//! The signature of the HTML that the browser half takes over: a hash of its nodes' names in document order. `pages`
//! writes it into the document when the HTML is final, and `public/live.js` computes the same from what arrived.
//!
//! Proxies rewrite addresses, extensions insert elements, translators wrap texts, and minifiers remove comments. Hydration
//! would then end in a panic, or attach a handler to the wrong element. Texts and attributes do not count: hydration
//! leaves them as they are.
//!
//! This reads the HTML that Leptos writes, which is well-formed, and no other.

use crate::app::APP_END;

const APP_BEGIN: &str = r#"<div id="app">"#;
/// Elements whose content is text, whatever it looks like (HTML, 13.1.2 "Elements").
const TEXT_ONLY: [&str; 2] = ["textarea", "title"];

/// Returns the document with the signature of its app element, as the attribute `data-nodes` of the data.
pub(crate) fn sign(html: &str) -> String {
    let app = html.split_once(APP_BEGIN).and_then(|(before, rest)| Some((before, rest.split_once(APP_END)?)));
    // An account page has none.
    let Some((before, (app, after))) = app else { return html.to_owned() };
    let signature = hash(app);
    format!("{before}{APP_BEGIN}{app}{APP_END} data-nodes=\"{signature}\"{after}")
}

/// The hash of the names, each followed by a semicolon: `h * 31 + byte`, in 32 bits.
fn hash(html: &str) -> u32 {
    let mut hash = 0_u32;
    let mut add = |name: &str| {
        for byte in name.bytes().chain([b';']) {
            hash = hash.wrapping_mul(31).wrapping_add(byte.to_ascii_lowercase().into());
        }
    };
    let mut rest = html;
    while !rest.is_empty() {
        let (text, markup) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
        if !text.is_empty() {
            add("#text");
        }
        rest = match markup.as_bytes() {
            [] => "",
            [b'<', b'!', ..] => {
                add("#comment");
                after_comment(markup)
            }
            [b'<', b'/', ..] => after_tag(markup),
            _ => {
                let name = name_of(markup);
                add(name);
                after_text_only(name, after_tag(markup), &mut add)
            }
        };
    }
    hash
}

fn name_of(tag: &str) -> &str {
    let name = &tag[1..];
    &name[..name.find(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>')).unwrap_or(name.len())]
}

/// The rest after a tag. In the value of an attribute `>` may stand as itself.
fn after_tag(markup: &str) -> &str {
    let mut is_quoted = false;
    let end = markup.bytes().position(|byte| {
        is_quoted ^= byte == b'"';
        byte == b'>' && !is_quoted
    });
    end.map_or("", |end| &markup[end + 1..])
}

/// The rest after `<!-- … -->` or Leptos' marker `<!>`.
fn after_comment(markup: &str) -> &str {
    let end = if markup.starts_with("<!--") { "-->" } else { ">" };
    markup.split_once(end).map_or("", |(_, rest)| rest)
}

/// The rest after the content of an element that has only text.
fn after_text_only<'a>(name: &str, rest: &'a str, add: &mut impl FnMut(&str)) -> &'a str {
    if !TEXT_ONLY.contains(&name) {
        return rest;
    }
    let (text, rest) = rest.split_at(rest.find("</").unwrap_or(rest.len()));
    // The parser drops a line feed at the beginning of a text area.
    if !text.strip_prefix('\n').unwrap_or(text).is_empty() {
        add("#text");
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_names(names: &[&str]) -> u32 {
        names
            .iter()
            .flat_map(|name| name.bytes().chain([b';']))
            .fold(0_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(byte.into()))
    }

    #[test]
    fn the_nodes_are_counted_as_a_browser_finds_them() {
        for (html, names) in [
            ("", &[][..]),
            ("text", &["#text"]),
            ("<p>a<!>b</p>", &["p", "#text", "#comment", "#text"]),
            ("<p title=\"a > b\">a</p>", &["p", "#text"]),
            ("<input name=\"x\"/><br>", &["input", "br"]),
            ("<textarea>\n</textarea>", &["textarea"]),
            ("<textarea>\na < b</textarea>", &["textarea", "#text"]),
            ("<svg><linearGradient></linearGradient></svg>", &["svg", "lineargradient"]),
            ("<p><!-- a > b --> </p>", &["p", "#comment", "#text"]),
        ] {
            assert_eq!(hash(html), of_names(names), "{html}");
        }
    }

    #[test]
    fn the_document_gets_the_signature_of_its_app_element_only() {
        let html = format!("<p></p>{APP_BEGIN}<b>1</b>{APP_END}>{{}}</script><i></i>");
        let signature = of_names(&["b", "#text"]);
        assert_eq!(
            sign(&html),
            format!("<p></p>{APP_BEGIN}<b>1</b>{APP_END} data-nodes=\"{signature}\">{{}}</script><i></i>")
        );
        assert_eq!(sign("<main></main>"), "<main></main>");
    }
}
