//! The entries that programs publish: parsed from JSON or a form in the spellings of other systems' senders, cleaned,
//! and checked against the limits. The publishing routes call it; only this module creates a [`Publication`].

use serde_json::Value;

use super::{
    feed::{Action, Body, Details, Level, ProgressState},
    members::Members,
    problem::{Code, Rejection},
    text::{check_bounds, check_length, clean, clean_line, count_characters, is_blank, is_forbidden},
};

/// The most entries in one `POST`: one commit takes them without making others wait.
pub const PUBLISH_MAX_ENTRIES: usize = 100;

/// The longest title.
pub const TITLE_MAX_CHARACTERS: usize = 200;
/// The longest text.
pub const TEXT_MAX_CHARACTERS: usize = 4_000;
/// The longest tag, unit, key and label.
pub const WORD_MAX_CHARACTERS: usize = 64;
/// The most tags.
pub const TAGS_MAX: usize = 10;
const LINK_MAX_CHARACTERS: usize = 2_000;
/// The most actions of a notification: the three of ntfy and an attached address.
pub const ACTIONS_MAX: usize = 4;
/// Most choices of a question: those that fit beside each other.
pub const CHOICES_MAX: usize = 6;
/// Most characters of a question.
pub const QUESTION_MAX_CHARACTERS: usize = 1_000;
/// The most bytes of a title or word, for each of its most characters: the widest emoji fit, piles of marks do not.
const BYTES_PER_CHARACTER: usize = 32;

/// The types of an entry.
const TYPES: [&str; 3] = ["notification", "update", "progress"];
/// The names of the member with the text, with those of other senders; the first one that is present is read.
pub const TEXT_NAMES: [&str; 6] = ["text", "message", "body", "description", "msg", "content"];
/// The names of the title, in members and, with or without `X-`, in headers.
pub const TITLE_NAMES: [&str; 3] = ["title", "subject", "summary"];
/// The names of the level. [`parse_level`] reads the numbers that senders put into the last two.
pub const LEVEL_NAMES: [&str; 3] = ["level", "severity", "priority"];
/// The names of the tags, in members and headers.
pub const TAGS_NAMES: [&str; 1] = ["tags"];
/// The names of the link, in members and headers.
pub const LINK_NAMES: [&str; 4] = ["link", "url", "click", "href"];
const KEY_NAMES: [&str; 1] = ["key"];
const ACTIONS_NAMES: [&str; 1] = ["actions"];
/// The one of [`LEVEL_NAMES`] whose numbers from 1 to 5 are kept beside the level.
const PRIORITY: &str = "priority";

/// A [`Body`] from a program, within the limits.
#[derive(Clone, Debug, PartialEq)]
pub struct Publication(Body);

impl Publication {
    /// Parses one object. Without a `type` it is a notification. Returns it with the names of the members that were
    /// ignored.
    pub fn from_json(value: Value) -> Result<(Self, Vec<String>), Rejection> {
        Self::from_members(Members::of(value, "entry", Code::BadRequest)?)
    }

    /// The same from the members of a JSON object or the fields of a form.
    pub fn from_members(mut members: Members) -> Result<(Self, Vec<String>), Rejection> {
        let kind = members.text(&["type"])?.map(|kind| kind.trim().to_ascii_lowercase());
        let body = match kind.as_deref() {
            None | Some("notification") => notification(&mut members)?,
            Some("update") => Body::Update {
                value: members.required_number("value")?,
                unit: line(&mut members, &["unit"])?,
                key: line(&mut members, &KEY_NAMES)?,
            },
            Some("progress") => Body::Progress {
                key: line(&mut members, &KEY_NAMES)?.ok_or_else(|| members.missing(&KEY_NAMES))?,
                done: members.required_number("done")?,
                total: members.number("total")?,
                state: progress_state(&mut members)?,
                text: members.text(&TEXT_NAMES)?,
            },
            // A type of another sender: with a text it is a notification.
            Some(_) => notification(&mut members).map_err(|rejection| match rejection.code {
                Code::TextEmpty => bad("the type of an entry is notification, update or progress"),
                _ => rejection,
            })?,
        };
        let is_known = kind.is_none_or(|kind| TYPES.contains(&&*kind));
        let mut ignored = members.ignored();
        ignored.extend((!is_known).then(|| "type".to_owned()));
        Ok((Self::new(body)?, ignored))
    }

    /// Cleans every part of `body` and checks it against its limits.
    pub fn new(mut body: Body) -> Result<Self, Rejection> {
        match &mut body {
            Body::Update { unit, key, .. } => {
                clean_word("unit", unit)?;
                clean_word("key", key)?;
            }
            Body::Notification { title, text, tags, link, key, details, .. } => {
                clean_title(title)?;
                clean_text(text);
                if !details.deleted && (title.is_none() || !text.is_empty()) {
                    check_length("text", text, TEXT_MAX_CHARACTERS)?;
                }
                clean_tags(tags)?;
                clean_word("key", key)?;
                clean_link("link", link)?;
                clean_details(details)?;
                check_question(text, key.as_deref(), &details.choices)?;
                let has_nothing = title.is_none() && text.is_empty() && tags.is_empty() && link.is_none();
                let only = Details { deleted: details.deleted, ..Details::default() };
                if details.deleted && !(has_nothing && key.is_some() && *details == only) {
                    return Err(bad("a deletion (deleted) has a key, and nothing else"));
                }
            }
            Body::Progress { key, done, total, text, state: _ } => {
                *key = clean_line(key);
                check_word("key", key)?;
                if !total.is_none_or(|total| total > 0.0 && *done <= total) || *done < 0.0 {
                    return Err(bad("done counts from 0 up to total, and total is above 0 or left out"));
                }
                if let Some(text) = text {
                    clean_text(text);
                }
                *text = text.take().filter(|text| !text.is_empty());
                text.as_deref().map_or(Ok(()), |text| check_length("text", text, TEXT_MAX_CHARACTERS))?;
            }
        }
        Ok(Self(body))
    }

    /// The deletion of what has this key.
    pub fn deletion(key: String) -> Result<Self, Rejection> {
        let details = Details { deleted: true, ..Details::default() };
        let (text, key) = (String::new(), Some(key));
        let level = Level::default();
        Self::new(Body::Notification { title: None, text, level, tags: Vec::new(), link: None, key, details })
    }

    /// The body to store.
    pub fn body(&self) -> &Body {
        &self.0
    }
}

fn notification(members: &mut Members) -> Result<Body, Rejection> {
    let (title, text) = (members.text(&TITLE_NAMES)?, members.text(&TEXT_NAMES)?);
    let (level, priority) = urgency(members)?;
    let details = Details {
        priority,
        icon: members.text(&["icon"])?,
        markdown: members.truth("markdown")?.unwrap_or_default(),
        html: None,
        actions: actions(members)?,
        choices: members.texts(&["choices"])?.unwrap_or_default(),
        answer: None,
        answered_by: None,
        deleted: members.truth("deleted")?.unwrap_or_default(),
    };
    let body = Body::Notification {
        level,
        tags: tags(members)?,
        link: members.text(&LINK_NAMES)?,
        key: members.text(&KEY_NAMES)?,
        text: text.unwrap_or_default(),
        title,
        details,
    };
    match &body {
        Body::Notification { title: None, text, details, .. } if is_blank(text) && !details.deleted => {
            let Rejection { message, .. } = members.missing_or_misspelt(&TEXT_NAMES);
            Err(Rejection::new(Code::TextEmpty, format!("The entry has no text. {message}")))
        }
        _ => Ok(body),
    }
}

/// Takes the state of a progress, in our words and those of other systems' jobs.
fn progress_state(members: &mut Members) -> Result<ProgressState, Rejection> {
    let Some(word) = members.text(&["state"])? else { return Ok(ProgressState::default()) };
    Ok(match &*word.trim().to_ascii_lowercase().replace('-', "_") {
        "" | "running" | "started" | "queued" | "pending" | "in_progress" | "active" => {
            ProgressState::Running
        }
        "paused" | "waiting" | "suspended" | "stopped" => ProgressState::Paused,
        "failed" | "failure" | "error" | "cancelled" | "canceled" | "aborted" | "timed_out" => {
            ProgressState::Failed
        }
        "done" | "finished" | "complete" | "completed" | "success" | "succeeded" | "ok" => {
            ProgressState::Done
        }
        _ => return Err(bad("state is running, paused, failed or done")),
    })
}

/// Takes the level, and the priority, which gives the level if there is no other.
fn urgency(members: &mut Members) -> Result<(Level, Option<u8>), Rejection> {
    let (level, priority) = (members.optional(&["level", "severity"]), members.optional(&[PRIORITY]));
    let number = priority.as_ref().and_then(|(_, value)| match value {
        Value::String(text) => parse_priority(text),
        value => parse_priority(&value.to_string()),
    });
    let level = match level.or(priority) {
        Some((name, value)) => level_of(&name, &value)?,
        None => Level::default(),
    };
    Ok((level, number))
}

/// Takes the actions: a list of objects with `label` and `url`.
fn actions(members: &mut Members) -> Result<Vec<Action>, Rejection> {
    let Some((name, value)) = members.optional(&ACTIONS_NAMES) else { return Ok(Vec::new()) };
    let Value::Array(list) = value else { return Err(bad(&format!("{name} is a list of objects"))) };
    let action = |value| {
        let mut action = Members::of(value, "action", Code::BadRequest)?;
        Ok(Action { label: action.required_text(&["label"])?, url: action.required_text(&["url"])? })
    };
    list.into_iter().map(action).collect()
}

/// Takes the tags: a list of texts, or one text with commas.
fn tags(members: &mut Members) -> Result<Vec<String>, Rejection> {
    match members.optional(&TAGS_NAMES) {
        None => Ok(Vec::new()),
        Some((_, Value::String(list))) => Ok(split_tags(&list)),
        Some((name, value)) => {
            let mut one = Members::of(serde_json::json!({ name: value }), "entry", Code::BadRequest)?;
            Ok(one.texts(&TAGS_NAMES)?.unwrap_or_default())
        }
    }
}

/// Splits a text such as `a, b` into tags.
pub fn split_tags(list: &str) -> Vec<String> {
    list.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect()
}

fn line(members: &mut Members, names: &[&str]) -> Result<Option<String>, Rejection> {
    Ok(members.text(names)?.map(|text| clean_line(&text)).filter(|text| !is_blank(text)))
}

/// Parses a level: our words, syslog's, and those of other senders. Numbers are the priorities of ntfy and Pushover: up
/// to 3 is `info`, 4 `warning`, from 5 on `error`.
fn level_of(name: &str, value: &Value) -> Result<Level, Rejection> {
    let word = match value {
        Value::String(word) => word.trim().to_lowercase(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    parse_level(name, &word)
        .ok_or_else(|| bad(&format!("{name} is info, success, warning or error, or a priority from 1 to 5")))
}

/// Parses a priority from 1 to 5. Other numbers, such as loggers have, are levels only.
pub fn parse_priority(text: &str) -> Option<u8> {
    text.trim().parse().ok().filter(|priority| (1..=5).contains(priority))
}

/// Parses a level from a `word` in lower case; `name` is that of its member or header.
pub fn parse_level(name: &str, word: &str) -> Option<Level> {
    Some(match word {
        "info" | "information" | "informational" | "notice" | "debug" | "trace" | "verbose" | "log"
        | "low" | "min" | "default" | "normal" | "none" => Level::Info,
        "success" | "ok" | "resolved" | "good" | "passed" => Level::Success,
        "warning" | "warn" | "high" | "medium" | "moderate" => Level::Warning,
        "error" | "err" | "critical" | "crit" | "fatal" | "alert" | "emergency" | "emerg" | "panic"
        | "failure" | "failed" | "severe" | "max" | "urgent" | "danger" => Level::Error,
        _ => {
            let number = word.parse::<f64>().ok().filter(|number| number.is_finite())?;
            level_of_number(number, name.to_ascii_lowercase().ends_with("severity"))
        }
    })
}

/// Lower severities are more urgent, as in syslog (RFC 5424, 6.2.1). Higher priorities are more urgent, from 1 to 5 as
/// in ntfy; numbers from 10 on are levels of loggers, such as pino's 30 for info and 50 for an error.
fn level_of_number(number: f64, is_severity: bool) -> Level {
    let (error, warning) = match () {
        () if is_severity => (number <= 3.0, number <= 4.0),
        () if number >= 10.0 => (number >= 50.0, number >= 40.0),
        () => (number >= 5.0, number >= 4.0),
    };
    match (error, warning) {
        (true, _) => Level::Error,
        (_, true) => Level::Warning,
        _ => Level::Info,
    }
}

fn clean_text(text: &mut String) {
    let cleaned = clean(text);
    *text = if is_blank(&cleaned) { String::new() } else { cleaned.trim_end().to_owned() };
}

fn clean_title(title: &mut Option<String>) -> Result<(), Rejection> {
    *title = title.take().map(|title| clean_line(&title)).filter(|title| !is_blank(title));
    let max_bytes = TITLE_MAX_CHARACTERS * BYTES_PER_CHARACTER;
    title.as_deref().map_or(Ok(()), |title| check_bounds("title", title, TITLE_MAX_CHARACTERS, max_bytes))
}

fn clean_tags(tags: &mut Vec<String>) -> Result<(), Rejection> {
    *tags = tags.iter().map(|tag| clean_line(tag)).filter(|tag| !is_blank(tag)).collect();
    if tags.len() > TAGS_MAX {
        return Err(bad(&format!("it has {} tags; at most {TAGS_MAX} are taken", tags.len())));
    }
    tags.iter().try_for_each(|tag| check_word("tag", tag))
}

fn clean_word(member: &str, word: &mut Option<String>) -> Result<(), Rejection> {
    *word = word.take().map(|word| clean_line(&word)).filter(|word| !is_blank(word));
    word.as_deref().map_or(Ok(()), |word| check_word(member, word))
}

fn check_word(member: &str, word: &str) -> Result<(), Rejection> {
    let bounds = check_bounds(member, word, WORD_MAX_CHARACTERS, WORD_MAX_CHARACTERS * BYTES_PER_CHARACTER);
    bounds.map_err(|rejection| Rejection { code: Code::BadRequest, ..rejection })
}

/// Rejects every link but `http` and `https`: others, `javascript:` above all, would run or mislead when a reader
/// clicks them.
fn clean_link(member: &str, link: &mut Option<String>) -> Result<(), Rejection> {
    *link = link.take().map(|link| link.trim().to_owned()).filter(|link| !is_blank(link));
    link.as_deref().map_or(Ok(()), |link| check_link(member, link))
}

fn check_link(member: &str, link: &str) -> Result<(), Rejection> {
    let characters = count_characters(link);
    if characters > LINK_MAX_CHARACTERS {
        return Err(bad(&format!(
            "{member} has {characters} characters; at most {LINK_MAX_CHARACTERS} characters are taken"
        )));
    }
    if !is_web_address(link) {
        return Err(bad(&format!("{member} is an http or https address with a host")));
    }
    Ok(())
}

fn clean_details(details: &mut Details) -> Result<(), Rejection> {
    let Details { priority, icon, markdown: _, html, actions, choices, .. } = details;
    choices.iter_mut().for_each(|choice| *choice = clean_line(choice));
    *html = None;
    if priority.is_some_and(|priority| !(1..=5).contains(&priority)) {
        return Err(bad("priority is a number from 1 to 5"));
    }
    clean_link("icon", icon)?;
    if actions.len() > ACTIONS_MAX {
        return Err(bad(&format!("it has {} actions; at most {ACTIONS_MAX} are taken", actions.len())));
    }
    actions.iter_mut().try_for_each(|Action { label, url }| {
        *label = clean_line(label);
        check_word("label", label)?;
        *url = url.trim().to_owned();
        check_link("url", url)
    })
}

/// Checks a question. Its text leaves room for the answer, which is added to it.
fn check_question(text: &str, key: Option<&str>, choices: &[String]) -> Result<(), Rejection> {
    if choices.is_empty() {
        return Ok(());
    }
    let is_twice = |(n, choice): (usize, &String)| choices[..n].contains(choice);
    if !(2..=CHOICES_MAX).contains(&choices.len()) || choices.iter().enumerate().any(is_twice) {
        return Err(bad(&format!("a question has 2 to {CHOICES_MAX} choices, which differ")));
    }
    if key.is_none() {
        return Err(bad("a question (choices) needs a key, by which the answer takes its place"));
    }
    check_length("text", text, QUESTION_MAX_CHARACTERS)?;
    choices.iter().try_for_each(|choice| check_word("choice", choice))
}

/// Returns true if an entry may have a member of this name, in any case of letters.
pub fn is_known_member(name: &str) -> bool {
    let groups: [&[&str]; 8] = [
        &TEXT_NAMES,
        &TITLE_NAMES,
        &LEVEL_NAMES,
        &TAGS_NAMES,
        &LINK_NAMES,
        &KEY_NAMES,
        &["icon", "markdown", "actions", "choices", "deleted"],
        &["type", "value", "unit", "done", "total"],
    ];
    groups.iter().any(|names| names.iter().any(|known| known.eq_ignore_ascii_case(name)))
}

/// Returns true if a text is an `http` or `https` address, the scheme in any case, with a host and no invisible
/// character.
pub fn is_web_address(link: &str) -> bool {
    let Some((scheme, rest)) = link.split_once("://") else { return false };
    let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let has_host = rest.starts_with(|c| !matches!(c, '/' | '\\' | '?' | '#' | ':' | '@'));
    let is_bad = |c: char| c.is_whitespace() || c.is_control() || is_forbidden(c);
    is_web && has_host && !link.contains(is_bad)
}

fn bad(what: &str) -> Rejection {
    Rejection::new(Code::BadRequest, format!("The entry is not well formed: {what}."))
}

#[cfg(test)]
mod tests;
