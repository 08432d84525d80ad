//! The texts that were typed into a form without JavaScript, put back into its fields when the page that shows the
//! rejection is rendered. The views cannot do it: the browser renders them as well, without the texts; hydration leaves
//! attributes, and what stands in a text area, as they are. The texts never enter an address, which others may read and
//! which has no room for a long one.

/// The texts of one of the forms that every page may have.
#[derive(Clone, Debug)]
pub(crate) enum Typed {
    /// The message in a room's composer.
    Message(String),
    /// The message in the composer of a thread.
    Answer(String),
    /// The message in a room's composer, and the HTML of its preview, which is safe to show.
    Preview(String, String),
    /// The name of the new room, and whether it was to be private.
    NewRoom(String, bool),
    /// The guest's new name.
    Name(String),
}

impl Typed {
    /// Puts the text into the form of a rendered page. A page without the form shows a message all the same: nothing
    /// that was written is lost.
    pub(super) fn fill(&self, html: &str) -> String {
        let filled = match self {
            Self::Message(text) => {
                // The parser drops one line break at the start.
                let text = format!("\n{}", escape(text));
                within(html, "<textarea name=\"text\"", "</textarea>", &text).or_else(|| {
                    let field = format!(
                        "<textarea readonly rows=\"6\" aria-labelledby=\"form-problem\">{text}</textarea>"
                    );
                    within(html, "<main ", "</main>", &field)
                })
            }
            Self::Answer(text) => {
                let answer = format!("\n{}", escape(text));
                let filled = within(html, "aria-labelledby=\"thread-name\"", "</textarea>", &answer);
                filled.or_else(|| Some(Self::Message(text.clone()).fill(html)))
            }
            Self::Preview(text, preview) => {
                let filled = Self::Message(text.clone()).fill(html);
                within(&filled, "<div id=\"preview\"", "</div>", preview).or(Some(filled))
            }
            Self::NewRoom(name, is_private) => {
                const FORM: &str = "action=\"/rooms\"";
                let filled = within(html, FORM, "name=\"name\"", &value(name));
                filled.map(|html| {
                    let checked = within(&html, FORM, "type=\"checkbox\"", "checked ");
                    opened(checked.filter(|_| *is_private).unwrap_or(html), FORM)
                })
            }
            Self::Name(name) => {
                const FORM: &str = "action=\"/name\"";
                let filled = within(html, FORM, "name=\"name\"", &value(name));
                // The menu around the form is open if it is no popover.
                filled.map(|html| html.replacen(r#"id="menu" popover="auto""#, r#"id="menu""#, 1))
            }
        };
        filled.unwrap_or_else(|| html.to_owned())
    }
}

/// The attribute with the typed text. It stands before that of the view: of two with one name the first counts.
fn value(text: &str) -> String {
    format!("value=\"{}\" ", escape(text))
}

/// Opens the last `<details>` before the `form`, which would hide it.
fn opened(html: String, form: &str) -> String {
    const DETAILS: &str = "<details";
    let begin = html.find(form).and_then(|form| html[..form].rfind(DETAILS));
    match begin.map(|begin| html.split_at(begin + DETAILS.len())) {
        Some((before, after)) => [before, " open", after].concat(),
        None => html,
    }
}

/// Inserts `text` before the first `mark` behind `start`. `None`: the page has none.
fn within(html: &str, start: &str, mark: &str, text: &str) -> Option<String> {
    let start = html.find(start)?;
    let at = start + html[start..].find(mark)?;
    Some([&html[..at], text, &html[at..]].concat())
}

/// Escapes a text for an element or a quoted attribute (HTML, 13.3), without the characters that a document cannot hold.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\0' => {}
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_stands_in_its_field_as_text() {
        let page = r#"<main class="page"><form action="/name"><input name="name" value="bob"></form><details class="new-room"><form action="/rooms"><input name="name"><input type="checkbox"></form></details><form><div id="preview" class="x"></div><textarea name="text"></textarea></form></main>"#;
        let filled = |typed: Typed| typed.fill(page);
        let message = filled(Typed::Message("</textarea><script>\n\"a\" & b".into()));
        assert!(
            message.contains(">\n&lt;/textarea&gt;&lt;script&gt;\n&quot;a&quot; &amp; b</textarea>"),
            "{message}"
        );
        let preview = filled(Typed::Preview("*a*".into(), "<em>a</em>".into()));
        assert!(preview.contains("class=\"x\"><em>a</em></div>"), "{preview}");
        assert!(preview.contains(">\n*a*</textarea>"), "{preview}");
        let room = filled(Typed::NewRoom("\"x".into(), true));
        let wanted = r#"<details open class="new-room"><form action="/rooms"><input value="&quot;x" name="name"><input checked type="checkbox">"#;
        assert!(room.contains(wanted), "{room}");
        assert!(!filled(Typed::NewRoom("x".into(), false)).contains("checked "));
        let name = filled(Typed::Name("<".into()));
        assert!(name.contains(r#"<input value="&lt;" name="name" value="bob">"#), "{name}");
        let missing = Typed::Message("kept".into()).fill(r#"<main class="page"><p></p></main>"#);
        assert!(missing.contains("kept</textarea></main>"), "{missing}");
        assert_eq!(Typed::Name("x".into()).fill("<p></p>"), "<p></p>");
        assert_eq!(Typed::NewRoom("x".into(), true).fill("<p></p>"), "<p></p>");
    }
}
