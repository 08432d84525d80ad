//! The one-time id of a form, see `server/auth/submissions.rs`: how it gets into a page that the browser's half takes over,
//! and how it comes back. Documents do the same for the sidebar, and write it into their own forms themselves.

use serde::Deserialize;

use crate::server::auth::random_token;

/// The query of an address that a page's form is sent to.
#[derive(Debug, Deserialize)]
pub(crate) struct Once {
    pub(crate) once: Option<String>,
}

/// A new id.
pub(crate) fn new_id() -> String {
    random_token()
}

/// Puts `id` into the addresses of a drawn page's forms that store something. Not by the views: the browser draws them as
/// well, and must draw the same without knowing an id. It leaves attributes as they are when it takes a page over.
///
/// What people wrote is never taken for a form: in it `<` is escaped.
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

/// A form's tag, cut behind its address, if that is `/rooms` or a room's. (The list of a room's members stores nothing twice.)
fn address(tag: &str) -> Option<(&str, &str)> {
    const ROOMS: &str = "action=\"/rooms";
    let begin = tag.find(ROOMS)? + ROOMS.len();
    let end = begin + tag[begin..].find('"')?;
    let is_list = tag[begin..end].contains("/members");
    (!is_list).then(|| tag.split_at(end))
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
            (r#"<form action="/name">"#, r#"<form action="/name">"#),
            (r#"<p>action="/rooms"</p>"#, r#"<p>action="/rooms"</p>"#),
            (r#"<form class="a"><p>action="/rooms"</p>"#, r#"<form class="a"><p>action="/rooms"</p>"#),
            ("", ""),
        ] {
            assert_eq!(mark_forms(html, "1"), marked);
        }
    }
}
