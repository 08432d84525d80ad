//! One-time ids of forms (see `server/auth/submissions.rs`): this module puts an id into a page that the browser
//! hydrates, and reads it from a form that comes back. Account pages do the same for the sidebar, and write the id into
//! their own forms themselves.

use serde::Deserialize;

use crate::server::auth::random_token;

/// The one-time id that comes with a form, in the query of its address or as a field. `None`: the client sends none.
#[derive(Debug, Deserialize)]
pub(crate) struct Once {
    /// The id.
    pub(crate) once: Option<String>,
}

/// Returns a new id.
pub(crate) fn new_id() -> String {
    random_token()
}

/// Puts `id` into the addresses of those forms of a rendered page that store something. The views cannot do it: the
/// browser renders them as well, and must render the same without knowing an id. Hydration leaves attributes as they
/// are.
///
/// Text of users is never taken for a form: in it `<` is escaped.
pub(crate) fn mark_forms(html: &str, id: &str) -> String {
    let mut forms = html.split("<form ");
    let mut marked = forms.next().unwrap_or_default().to_owned();
    for form in forms {
        let (tag, rest) = form.split_at(form.find('>').unwrap_or(form.len()));
        marked.push_str("<form ");
        match address(tag) {
            Some((before, after)) => marked.extend([before, "?once=", id, after]),
            None => marked.push_str(tag),
        }
        marked.push_str(rest);
    }
    marked
}

/// Splits a form's tag behind its address, if that is `/rooms` or a room's. (The form of a room's members stores
/// nothing twice, and a form that is to be sent again has its id already.)
fn address(tag: &str) -> Option<(&str, &str)> {
    const ROOMS: &str = "action=\"/rooms";
    let begin = tag.find(ROOMS)? + ROOMS.len();
    let end = begin + tag[begin..].find('"')?;
    let has_none = !tag[begin..end].contains("/members") && !tag[begin..end].contains('?');
    has_none.then(|| tag.split_at(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_that_store_something_get_the_id() {
        for (html, marked) in [
            (
                r#"<p>a</p><form class="composer" method="post" action="/rooms/general"><b>"#,
                r#"<p>a</p><form class="composer" method="post" action="/rooms/general?once=1"><b>"#,
            ),
            (
                r#"<form method="post" action="/rooms" class="field"></form><form action="/rooms/x">"#,
                r#"<form method="post" action="/rooms?once=1" class="field"></form><form action="/rooms/x?once=1">"#,
            ),
            (r#"<form action="/rooms/x/members">"#, r#"<form action="/rooms/x/members">"#),
            (r#"<form action="/rooms/x?once=2">"#, r#"<form action="/rooms/x?once=2">"#),
            (r#"<form action="/name">"#, r#"<form action="/name">"#),
            (r#"<p>action="/rooms"</p>"#, r#"<p>action="/rooms"</p>"#),
            (r#"<form class="a"><p>action="/rooms"</p>"#, r#"<form class="a"><p>action="/rooms"</p>"#),
            ("", ""),
        ] {
            assert_eq!(mark_forms(html, "1"), marked);
        }
    }
}
