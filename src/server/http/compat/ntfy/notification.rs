//! The notification that a sender to ntfy means: its parameters by all their names, and its text. `publish` calls it. What
//! ntfy would do besides (e-mail, calls, files) is refused by name, never dropped silently; a text, title or tag
//! that is too long is cut visibly.

use url::Url;

use super::{
    actions,
    fault::{self, Fault},
    parameters::Parameters,
};
use crate::{
    protocol::{
        feed::{Action, Body, Details, Level},
        publication::{
            Publication, TAGS_MAX, TEXT_MAX_CHARACTERS, TITLE_MAX_CHARACTERS, WORD_MAX_CHARACTERS, split_tags,
        },
        text::{clean_line, is_blank},
    },
    server::{
        emoji,
        http::compat::bounds::{ADDRESS_MAX_CHARACTERS, cut, is_address},
    },
};

const ACTIONS: [&str; 2] = ["actions", "action"];
const ATTACH: [&str; 2] = ["attach", "a"];
const CALL: [&str; 1] = ["call"];
const EMAIL: [&str; 4] = ["email", "e-mail", "mail", "e"];
const FILENAME: [&str; 3] = ["filename", "file", "f"];
const MARKDOWN: [&str; 2] = ["markdown", "md"];
const MESSAGE: [&str; 2] = ["message", "m"];
const PRIORITY: [&str; 3] = ["priority", "prio", "p"];
const SEQUENCE: [&str; 3] = ["sequence_id", "sequence-id", "sid"];
const TAGS: [&str; 3] = ["tags", "tag", "ta"];
const TEMPLATE: [&str; 2] = ["template", "tpl"];
const TITLE: [&str; 3] = ["title", "t", "ti"];
const UNIFIED_PUSH: [&str; 2] = ["unifiedpush", "up"];

/// The text of a message that has none.
const NO_TEXT: &str = "triggered";
/// The end of a text that was cut.
const CUT: &str = "\n… (cut)";

/// Reads the notification with this text. `is_markdown`: the body's media type says so.
pub(super) fn read(
    parameters: &Parameters<'_>,
    body: &str,
    is_markdown: bool,
    sequence: Option<String>,
) -> Result<Publication, Fault> {
    refuse_what_is_not_done(parameters)?;
    let (level, priority) = urgency(parameters)?;
    let (attached, attached_text) = attachment(parameters, body)?;
    let mut actions = parameters.text(&ACTIONS).map_or(Ok(Vec::new()), |text| actions::parse(&text))?;
    actions.extend(attached);
    let (link, other_link) = click(parameters);
    let text = text(parameters, body, attached_text, other_link);
    let tags = parameters.text(&TAGS).map(|tags| split_tags(&tags)).unwrap_or_default();
    let tags = tags.iter().map(|tag| tag_of(tag)).filter(|tag| !is_blank(tag)).take(TAGS_MAX).collect();
    let icon = address(parameters, &["icon"], fault::ICON)?;
    let markdown = is_markdown || parameters.is_on(&MARKDOWN);
    let title = parameters.text(&TITLE).map(|title| cut(&clean_line(&title), TITLE_MAX_CHARACTERS, "…"));
    let details = Details { priority, icon, markdown, actions, ..Details::default() };
    let key = sequence.or_else(|| parameters.text(&SEQUENCE)).map(|id| parse_sequence(&id)).transpose()?;
    Ok(Publication::new(Body::Notification { title, text, level, tags, link, key, details })?)
}

/// Refuses what this server does not do. A sender that asks for it must not take the answer for a promise.
fn refuse_what_is_not_done(parameters: &Parameters<'_>) -> Result<(), Fault> {
    let refused: [(&[&str], _, _); 4] = [
        (&EMAIL, fault::NO_EMAIL, "leave out email"),
        (&CALL, fault::NO_CALLS, "leave out call"),
        (&TEMPLATE, fault::INVALID, "templates are not supported; leave out template"),
        (
            &UNIFIED_PUSH,
            fault::INVALID,
            "UnifiedPush is not supported; its messages are for one app, not for people",
        ),
    ];
    match refused.into_iter().find(|(names, ..)| is_asked(parameters, names)) {
        Some((_, known, reason)) => Err(Fault::new(known, reason)),
        None => Ok(()),
    }
}

/// Returns true if a parameter asks for something: `no` does not.
fn is_asked(parameters: &Parameters<'_>, names: &[&str]) -> bool {
    let text = parameters.text(names).unwrap_or_default().to_ascii_lowercase();
    !matches!(text.as_str(), "" | "0" | "no" | "false")
}

/// The level that a priority means, and the priority: 1 to 3 are `info`, 4 is `warning`, 5 is `error`.
fn urgency(parameters: &Parameters<'_>) -> Result<(Level, Option<u8>), Fault> {
    let Some(text) = parameters.text(&PRIORITY) else { return Ok((Level::Info, None)) };
    let priority = parse_priority(&text)
        .ok_or_else(|| Fault::new(fault::PRIORITY, "priority is 1 to 5, or min, low, default, high, max"))?;
    let level = match priority {
        5 => Level::Error,
        4 => Level::Warning,
        _ => Level::Info,
    };
    Ok((level, Some(priority)))
}

/// Parses a priority, a number or one of ntfy's words.
pub(super) fn parse_priority(text: &str) -> Option<u8> {
    match text.trim().to_ascii_lowercase().as_str() {
        "1" | "min" => Some(1),
        "2" | "low" => Some(2),
        "3" | "default" => Some(3),
        "4" | "high" => Some(4),
        "5" | "max" | "urgent" => Some(5),
        _ => None,
    }
}

/// The attached address as a link, and the text of a message without another one. A file in the body is refused: this
/// server stores none.
fn attachment(parameters: &Parameters<'_>, body: &str) -> Result<(Option<Action>, Option<String>), Fault> {
    let name = parameters.text(&FILENAME).map(|name| clean_line(&name));
    let Some(url) = address(parameters, &ATTACH, fault::ATTACHMENT_URL)? else {
        return match name {
            Some(_) if !body.is_empty() => {
                let reason =
                    "this server takes no files; send the text without filename, or an address as attach";
                Err(Fault::new(fault::NO_ATTACHMENTS, reason))
            }
            _ => Ok((None, None)),
        };
    };
    let named = |url: &str| Some(Url::parse(url).ok()?.path_segments()?.next_back()?.to_owned());
    let name = name.or_else(|| named(&url)).filter(|name| !is_blank(name));
    let label = cut(&clean_line(&name.unwrap_or_else(|| "attachment".to_owned())), WORD_MAX_CHARACTERS, "…");
    let text = format!("You received a file: {label}");
    Ok((Some(Action { label, url }), Some(text)))
}

/// The address that a click opens. One that no browser opens (`geo:`, `mailto:`) comes as the second: it stands in the
/// text, so that it is not lost.
fn click(parameters: &Parameters<'_>) -> (Option<String>, Option<String>) {
    match parameters.text(&["click"]) {
        Some(click) if is_address(&click) => (Some(click), None),
        other => (None, other),
    }
}

fn text(
    parameters: &Parameters<'_>,
    body: &str,
    attached: Option<String>,
    other_link: Option<String>,
) -> String {
    // In a header a line break is written as two characters.
    let header = || parameters.text(&MESSAGE).map(|message| message.replace("\\n", "\n"));
    let body = Some(body.trim()).filter(|body| !is_blank(body)).map(str::to_owned);
    let text = body.or_else(header).or(attached).filter(|text| !is_blank(text));
    let text = text.unwrap_or_else(|| NO_TEXT.to_owned());
    match other_link {
        None => cut(&text, TEXT_MAX_CHARACTERS, CUT),
        Some(link) => {
            let link = cut(&clean_line(&link), ADDRESS_MAX_CHARACTERS, "…");
            let room = TEXT_MAX_CHARACTERS - link.chars().count() - 1;
            format!("{}\n{link}", cut(&text, room, CUT))
        }
    }
}

/// A tag as it is stored: a short code becomes its emoji, so that the pages show it.
fn tag_of(tag: &str) -> String {
    let tag = clean_line(tag);
    emoji::parse(&tag).map_or_else(|| cut(&tag, WORD_MAX_CHARACTERS, "…"), str::to_owned)
}

fn address(
    parameters: &Parameters<'_>,
    names: &[&str],
    known: fault::Known,
) -> Result<Option<String>, Fault> {
    match parameters.text(names) {
        Some(url) if !is_address(&url) => Err(Fault::new(known, "use an http or https address")),
        url => Ok(url),
    }
}

/// Parses the id under which a later message takes the place of this one.
pub(super) fn parse_sequence(id: &str) -> Result<String, Fault> {
    let is_known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match (1..=WORD_MAX_CHARACTERS).contains(&id.len()) && id.chars().all(is_known) {
        true => Ok(id.to_owned()),
        false => {
            Err(Fault::new(fault::INVALID, "a sequence id has 1 to 64 of the characters A-Z a-z 0-9 - _"))
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName};
    use proptest::{collection::vec, prelude::*};

    use super::*;

    fn read_query(query: &str, body: &str) -> Result<Body, Fault> {
        let headers = HeaderMap::new();
        let parameters = Parameters::of(&headers, Some(query))?;
        read(&parameters, body, false, None).map(|publication| publication.body().clone())
    }

    fn text_of(query: &str, body: &str) -> String {
        match read_query(query, body).expect("fine") {
            Body::Notification { text, .. } => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_text_is_the_body_or_the_message_or_says_that_it_was_triggered() {
        assert_eq!(text_of("m=other", " hi \n"), "hi");
        assert_eq!(text_of("message=a%5Cnb", "  "), "a\nb");
        assert_eq!(text_of("", "a\\nb"), "a\\nb", "a body needs no spelling for line breaks");
        assert_eq!(text_of("title=x", ""), "triggered");
        assert_eq!(text_of("a=https%3A%2F%2Fa.example%2Fb%2Fc.png", ""), "You received a file: c.png");
        assert_eq!(text_of("click=geo:1,2", "there"), "there\ngeo:1,2");
    }

    #[test]
    fn what_is_too_long_is_cut_where_one_sees_it() {
        let text = text_of("", &"x".repeat(5_000));
        assert!(text.ends_with("x\n… (cut)") && text.chars().count() == TEXT_MAX_CHARACTERS);
        let text = text_of(&format!("click=geo:{}", "1".repeat(3_000)), &"井".repeat(5_000));
        assert!(text.contains("井\n… (cut)\ngeo:111") && text.ends_with('…'));
        assert!(text_of("", &format!("a{}", "\u{301}".repeat(20_000))).ends_with("(cut)"));
        let long = format!("t={}&tags={}", "x".repeat(300), vec!["y".repeat(100); 20].join(","));
        let Ok(Body::Notification { title, tags, .. }) = read_query(&long, "") else { panic!("it is taken") };
        assert!(title.is_some_and(|title| title.ends_with("x…")));
        assert!(tags.len() == TAGS_MAX && tags.iter().all(|tag| tag.ends_with("y…")));
    }

    #[test]
    fn what_is_not_done_is_refused_by_its_code() {
        for (query, known) in [
            ("e=a@b.example", fault::NO_EMAIL),
            ("call=yes", fault::NO_CALLS),
            ("up=1", fault::INVALID),
            ("tpl=yes", fault::INVALID),
            ("p=6", fault::PRIORITY),
            ("priority=warning", fault::PRIORITY),
            ("icon=ftp://a", fault::ICON),
            ("attach=x", fault::ATTACHMENT_URL),
            ("f=x.txt", fault::NO_ATTACHMENTS),
            ("actions=view", fault::ACTIONS),
            ("sid=a%20b", fault::INVALID),
        ] {
            assert_eq!(read_query(query, "x").expect_err(query).known(), known, "{query}");
        }
        for query in ["call=no", "up=0", "cache=no", "firebase=no", "poll=1"] {
            assert!(read_query(query, "x").is_ok(), "{query}");
        }
    }

    #[test]
    fn priorities_and_short_codes_have_their_meaning() {
        for (query, level, priority) in [
            ("", Level::Info, None),
            ("p=min", Level::Info, Some(1)),
            ("p=2", Level::Info, Some(2)),
            ("p=Default", Level::Info, Some(3)),
            ("prio=high", Level::Warning, Some(4)),
            ("priority=urgent", Level::Error, Some(5)),
        ] {
            let Ok(Body::Notification { level: found, details, .. }) = read_query(query, "x") else {
                panic!("{query}")
            };
            assert_eq!((found, details.priority), (level, priority), "{query}");
        }
        let Ok(Body::Notification { tags, .. }) = read_query("ta=warning,%2B1,backup", "x") else {
            panic!("fine")
        };
        assert_eq!(tags, ["⚠️", "👍", "backup"]);
    }

    proptest! {
        #[test]
        fn whatever_is_sent_is_within_the_limits_or_refused(
            lines in vec(("title|tags|priority|click|icon|actions|attach|message|sid", "[ -~]{0,60}|\\PC{0,20}"), 0..6),
            body in "\\PC{0,80}|(a\u{301}|👨\u{200d}){0,3000}",
        ) {
            let lines = lines.into_iter().filter_map(|(name, value)| {
                Some((HeaderName::try_from(name).ok()?, value.parse().ok()?))
            });
            let headers: HeaderMap = lines.collect();
            let parameters = Parameters::of(&headers, None).expect("no query");
            if let Ok(publication) = read(&parameters, &body, false, None) {
                prop_assert_eq!(Publication::new(publication.body().clone()), Ok(publication));
            }
        }
    }
}
