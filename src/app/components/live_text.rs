//! Texts that change while a page is open, and names within sentences. Components use it for every text that depends on
//! a signal.
//!
//! A translator in the browser replaces the text nodes of a page by its own. Leptos would go on changing the node that
//! it drew, which nobody sees any more. So a text that changes has an element of its own, whose whole content is set,
//! and what is drawn again gets new elements. Nothing here may keep a text node.

use leptos::{html, prelude::*};

use crate::app::reactive::{Key, effect, list, memo};

/// Stands for the name in a sentence; no text of the pages has it.
const NAME: char = '\u{fffc}';

/// Draws `text`, and sets it again whenever it changes.
pub(crate) fn live_text(text: impl Fn() -> String + Send + Sync + 'static) -> AnyView {
    fn draw(text: Memo<String>) -> AnyView {
        let element = NodeRef::<html::Span>::new();
        let drawn = StoredValue::new(text.get_untracked());
        effect(move || {
            let text = text.get();
            let Some(element) = element.get() else { return };
            // As long as the text is the same, its translation stays.
            if drawn.with_value(|drawn| *drawn != text) {
                element.set_text_content(Some(&text));
                drawn.set_value(text);
            }
        });
        view! { <span node_ref=element>{drawn.get_value()}</span> }.into_any()
    }
    draw(memo(text))
}

/// A name of people, rooms or channels: in its own direction, and never translated.
pub(super) fn name_view(name: String) -> AnyView {
    view! { <bdi translate="no">{name}</bdi> }.into_any()
}

/// A sentence with a place for a name, and the name.
pub(super) type Sentence = (fn(&str) -> String, String);

/// The sentence of `read`, if there is one. Another sentence is another row, so it has elements of its own: a closure
/// that draws the same elements again would only change their texts.
pub(super) fn live_sentence(read: impl Fn() -> Option<Sentence> + Send + 'static) -> AnyView {
    list(
        move || read().into_iter().collect(),
        |(sentence, name)| Key::Name(sentence(name)),
        |(sentence, name)| sentence_with(sentence, name),
    )
}

fn sentence_with(sentence: fn(&str) -> String, name: String) -> AnyView {
    let sentence = sentence(NAME.encode_utf8(&mut [0; 4]));
    let (before, after) = sentence.split_once(NAME).unwrap_or((&sentence, ""));
    view! { <span>{before.to_owned()} {name_view(name)} {after.to_owned()}</span> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_sentence_has_an_element_of_its_own() {
        let html =
            Owner::new().with(|| sentence_with(|name| format!("{name} left"), "מנחם".to_owned()).to_html());
        assert!(html.contains(r#"<bdi translate="no">מנחם</bdi>"#), "{html}");
        assert!(html.contains(" left"), "{html}");
    }
}
