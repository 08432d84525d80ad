//! The filter of a feed's page: which notifications it shows. The server parses it from the page's address and applies it to
//! what it loads; the browser applies it to what arrives. It does no I/O.

use serde::{Deserialize, Serialize};

use super::{Body, Entry, Level};

/// A filter. What is `None` leaves nothing out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventFilter {
    /// The lowest level. A progress counts as [`Level::Info`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// A tag, which the notification has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// A part of its title, its text or its key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl EventFilter {
    /// Returns true if a page with this filter shows the entry. Values stand elsewhere, and are always shown. `fold` gives
    /// texts the form in which they are compared: server and browser have tables of their own for that.
    pub fn shows(&self, entry: &Entry, fold: fn(&str) -> String) -> bool {
        let (level, tags, texts) = match &entry.body {
            Body::Notification { title, text, level, tags, key, .. } => {
                (*level, &tags[..], [title.as_deref(), Some(text), key.as_deref()])
            }
            Body::Progress { key, text, .. } => {
                (Level::Info, &[][..], [Some(key.as_str()), text.as_deref(), None])
            }
            Body::Update { .. } => return true,
        };
        let has_tag = |tag: &String| tags.iter().any(|own| fold(own) == fold(tag));
        let has_text = |text: &String| texts.iter().flatten().any(|own| fold(own).contains(&fold(text)));
        self.level.is_none_or(|lowest| level >= lowest)
            && self.tag.iter().all(has_tag)
            && self.text.iter().all(has_text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(json: &str) -> Entry {
        let json = format!(r#"{{"channel":"ops","offset":1,"timestamp":0,{json}}}"#);
        serde_json::from_str(&json).expect("an entry")
    }

    #[test]
    fn a_filter_shows_what_has_all_that_it_names() {
        let disk = entry(
            r#""type":"notification","level":"warning","title":"Disk","text":"full","tags":["db","EU"],"key":"d1""#,
        );
        let import = entry(r#""type":"progress","key":"import","done":1,"total":2,"text":"Reading""#);
        let value = entry(r#""type":"update","value":1"#);
        let some = |text: &str| Some(text.to_owned());
        for (level, tag, text, [shows_disk, shows_import]) in [
            (None, None, None, [true, true]),
            (Some(Level::Info), None, None, [true, true]),
            (Some(Level::Warning), None, None, [true, false]),
            (Some(Level::Error), None, None, [false, false]),
            (None, some("eu"), None, [true, false]),
            (None, some("d"), None, [false, false]),
            (None, None, some("READ"), [false, true]),
            (None, None, some("is"), [true, false]),
            (None, None, some("D1"), [true, false]),
            (Some(Level::Warning), some("db"), some("full"), [true, false]),
            (Some(Level::Warning), some("db"), some("empty"), [false, false]),
        ] {
            let filter = EventFilter { level, tag, text };
            let shown = [&disk, &import, &value].map(|entry| filter.shows(entry, str::to_lowercase));
            assert_eq!(shown, [shows_disk, shows_import, true], "{filter:?}");
        }
    }
}
