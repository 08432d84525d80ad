//! The events of GitHub that people cause: pushes, issues, pull requests, reviews, comments, releases, stars. `github` calls
//! it.

use serde_json::Value;

use super::{
    super::{
        read::{counted, first, id, items, link, spaced, text},
        translated::Translated,
    },
    first_line, who,
};
use crate::{protocol::feed::Level, server::http::compat::bounds::cut};

/// The commits that a push lists.
const COMMITS_MAX: usize = 10;
/// The longest text that is shown of a comment or a description: a page of its own has the rest.
const TEXT_MAX_CHARACTERS: usize = 1_000;

/// Translates one of these events; `None`: it is none of them.
pub(super) fn translate(event: &str, body: &Value) -> Option<Translated> {
    let translated = match event {
        "ping" => ping(body),
        "push" => push(body),
        "create" | "delete" => reference(event, body),
        "pull_request" => pull_request(body),
        "issues" => subject("issue", &number_of(body, "issue"), "issue", body),
        "discussion" => subject("discussion", &number_of(body, "discussion"), "discussion", body),
        "issue_comment" | "commit_comment" | "discussion_comment" | "pull_request_review_comment" => {
            comment(body)
        }
        "pull_request_review" => review(body),
        "release" => release(body),
        "fork" => plain(format!("{} forked it", who(body)), link(body, &["/forkee/html_url"])),
        "star" | "watch" => star(event, body),
        _ => return None,
    };
    Some(translated)
}

fn plain(title: String, link: Option<String>) -> Translated {
    Translated { title, link, ..Translated::default() }
}

fn ping(body: &Value) -> Translated {
    let text = text(body, "/zen").to_owned();
    let link = link(body, &["/repository/html_url", "/organization/html_url"]);
    Translated { text, level: Level::Success, ..plain("The webhook works".to_owned(), link) }
}

fn push(body: &Value) -> Translated {
    let reference = text(body, "/ref");
    let is_tag = reference.starts_with("refs/tags/");
    let name = reference.trim_start_matches("refs/heads/").trim_start_matches("refs/tags/");
    let name = if is_tag { format!("tag {name}") } else { name.to_owned() };
    let count = items(body, "/commits").count();
    let is_set = |path| body.pointer(path) == Some(&Value::Bool(true));
    let did = match () {
        () if is_set("/deleted") => format!("deleted {name}"),
        () if count == 0 && is_set("/created") => format!("created {name}"),
        () if is_set("/forced") => format!("force-pushed {} to {name}", counted(count, "commit")),
        () => format!("pushed {} to {name}", counted(count, "commit")),
    };
    let link = link(body, &["/compare", "/compare_url", "/head_commit/url", "/repository/html_url"]);
    Translated { text: commits(body, count), markdown: true, ..plain(format!("{} {did}", who(body)), link) }
}

/// The newest commits, a line each.
fn commits(body: &Value, count: usize) -> String {
    let line = |commit: &Value| {
        let short: String = text(commit, "/id").chars().take(7).collect();
        // The first line of a message, without signs that would end the code around it.
        let message = first_line(text(commit, "/message")).replace('`', "'");
        format!("- `{short}` {}", cut(&message, 120, "…"))
    };
    let lines = items(body, "/commits").skip(count.saturating_sub(COMMITS_MAX)).map(line);
    let more = count.saturating_sub(COMMITS_MAX);
    let more = (more > 0).then(|| format!("- … and {more} before these"));
    more.into_iter().chain(lines).collect::<Vec<_>>().join("\n")
}

fn reference(event: &str, body: &Value) -> Translated {
    let (kind, name) = (text(body, "/ref_type"), text(body, "/ref"));
    plain(format!("{} {event}d {kind} {name}", who(body)), link(body, &["/repository/html_url"]))
}

fn number_of(body: &Value, member: &str) -> String {
    match id(body, &format!("/{member}/number")) {
        number if number.is_empty() => number,
        number => format!(" #{number}"),
    }
}

fn pull_request(body: &Value) -> Translated {
    let is_merged = body.pointer("/pull_request/merged") == Some(&Value::Bool(true));
    let number = match number_of(body, "pull_request") {
        // Gitea's comments on a pull request have it at the top only.
        number if number.is_empty() => format!(" #{}", id(body, "/number")),
        number => number,
    };
    let opened = subject("pull_request", &number, "pull request", body);
    match text(body, "/action") {
        "closed" if is_merged => Translated {
            title: opened.title.replacen(" closed ", " merged ", 1),
            level: Level::Success,
            ..opened
        },
        "synchronize" | "synchronized" => {
            let title = opened.title.replacen(" synchronize ", " pushed to ", 1);
            Translated { title: title.replacen(" synchronized ", " pushed to ", 1), ..opened }
        }
        _ => opened,
    }
}

/// `alice opened issue #7: Title`, with the text of a new one.
fn subject(member: &str, number: &str, noun: &str, body: &Value) -> Translated {
    let action = spaced(text(body, "/action"));
    let title = first(body, &[&format!("/{member}/title")]);
    let said = match action.as_str() {
        "opened" | "created" | "reopened" => text(body, &format!("/{member}/body")),
        _ => "",
    };
    let link = link(body, &[&format!("/{member}/html_url"), "/repository/html_url"]);
    Translated {
        text: cut(said, TEXT_MAX_CHARACTERS, "…"),
        markdown: true,
        ..plain(format!("{} {action} {noun}{number}: {title}", who(body)), link)
    }
}

/// The thing that a comment or a review is about: `#7: Title`, or a commit.
fn about(body: &Value) -> String {
    let found = ["issue", "pull_request", "discussion"]
        .into_iter()
        .find(|member| body.get(member).is_some_and(Value::is_object));
    match found {
        Some(member) => {
            let title = text(body, &format!("/{member}/title"));
            format!("{}: {title}", number_of(body, member).trim())
        }
        None => text(body, "/comment/commit_id").chars().take(7).collect(),
    }
}

fn comment(body: &Value) -> Translated {
    let (did, said) = match text(body, "/action") {
        "edited" => ("edited a comment", text(body, "/comment/body")),
        "deleted" => ("deleted a comment", ""),
        _ => ("commented", text(body, "/comment/body")),
    };
    Translated {
        text: cut(said, TEXT_MAX_CHARACTERS, "…"),
        markdown: true,
        ..plain(
            format!("{} {did} on {}", who(body), about(body)),
            link(body, &["/comment/html_url", "/repository/html_url"]),
        )
    }
}

fn review(body: &Value) -> Translated {
    // Gitea writes `pull_request_review_approved`.
    let state = first(body, &["/review/state", "/review/type"]).to_ascii_lowercase();
    let (level, did) = match (text(body, "/action"), state.trim_start_matches("pull_request_review_")) {
        ("dismissed", _) => (Level::Info, "dismissed a review of"),
        (_, "approved") => (Level::Success, "approved"),
        (_, "changes_requested" | "rejected") => (Level::Warning, "requested changes of"),
        _ => (Level::Info, "reviewed"),
    };
    Translated {
        text: cut(first(body, &["/review/body", "/review/content"]), TEXT_MAX_CHARACTERS, "…"),
        markdown: true,
        level,
        ..plain(
            format!("{} {did} {}", who(body), about(body)),
            link(body, &["/review/html_url", "/pull_request/html_url"]),
        )
    }
}

fn release(body: &Value) -> Translated {
    let action = spaced(text(body, "/action"));
    let name = first(body, &["/release/name", "/release/tag_name"]);
    let is_out = matches!(action.as_str(), "published" | "released");
    Translated {
        text: cut(if is_out { text(body, "/release/body") } else { "" }, TEXT_MAX_CHARACTERS, "…"),
        markdown: true,
        level: if is_out { Level::Success } else { Level::Info },
        ..plain(format!("{} {action} release {name}", who(body)), link(body, &["/release/html_url"]))
    }
}

fn star(event: &str, body: &Value) -> Translated {
    let did = match text(body, "/action") {
        "deleted" => "took a star back",
        _ if event == "star" => "starred it",
        _ => "watches it",
    };
    plain(format!("{} {did}", who(body)), link(body, &["/repository/html_url"]))
}
