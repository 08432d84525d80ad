//! Short names of browsers, from their `User-Agent`, for the list of sessions in `account.rs`. The browsers all claim
//! each other's names there, so the order matters; an unknown one is shown as it names itself.

/// Maximum length of an unknown browser's text, in characters: a line.
const UNKNOWN_MAX_CHARACTERS: usize = 60;

/// A substring of the text, and the browser that it indicates; the first that is found counts.
const BROWSERS: [(&str, &str); 6] = [
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
/// A substring of the text, and the operating system that it indicates; the first that is found counts.
const SYSTEMS: [(&str, &str); 7] = [
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// A browser, as the account page names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Agent {
    /// A known browser, and the system that it runs on if it says so.
    Browser(&'static str, Option<&'static str>),
    /// The text of an unknown browser, cut.
    Other(String),
    /// The text is empty.
    Unknown,
}

impl Agent {
    /// Parses a `User-Agent`.
    pub(super) fn of(text: &str) -> Self {
        let find = |signs: &[(&str, &'static str)]| {
            signs.iter().find(|(sign, _)| text.contains(sign)).map(|(_, name)| *name)
        };
        match find(&BROWSERS) {
            Some(browser) => Self::Browser(browser, find(&SYSTEMS)),
            None if text.trim().is_empty() => Self::Unknown,
            None => Self::Other(text.chars().take(UNKNOWN_MAX_CHARACTERS).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_apart_although_they_all_call_themselves_each_other() {
        for (agent, browser, system) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox", "Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge",
                "Windows",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/140.0 Mobile Safari/537.36",
                "Chrome",
                "Android",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
                "Safari",
                "iPhone",
            ),
        ] {
            assert_eq!(Agent::of(agent), Agent::Browser(browser, Some(system)), "{agent}");
        }
    }

    #[test]
    fn who_is_none_of_them_is_shown_as_it_calls_itself() {
        assert_eq!(Agent::of("curl/8.5.0"), Agent::Other("curl/8.5.0".into()));
        assert_eq!(Agent::of(&"井".repeat(99)), Agent::Other("井".repeat(UNKNOWN_MAX_CHARACTERS)));
        assert_eq!(Agent::of(" "), Agent::Unknown);
    }
}
