//! `/status`: the board, for a screen on a wall. It has the newest state of every key that the reader may read: what fires,
//! what runs, which jobs are late, and folded what is quiet.
//!
//! It stands alone, without the sidebar. `public/board.js` keeps it up to date: it listens to the feed's stream and reads
//! this page again, once in a while at most. Without a script the browser does so by itself.

use axum::response::Response;
use leptos::prelude::*;

use super::{
    answer::{alone, forbidden},
    document::Document,
    texts::Texts,
    time::time,
};
use crate::{
    app::{
        i18n::Language,
        routes::{self, Permalink},
    },
    protocol::{
        cursor::Epoch,
        feed::{Body, Entry, Level, ProgressState},
    },
    server::{
        error::Error,
        feed::{
            Board,
            heartbeats::{Heartbeat, Status},
        },
        http::{
            channel_choices::ChannelChoices,
            pages::{PageRequest, event_state, event_state::EventState, language_of},
        },
        store::Channels,
    },
};

/// Keys on the board: more than a screen has room for, and a read of half a megabyte at most for a usual one.
const KEYS_MAX: usize = 500;
/// The time after which a browser without a script reads the page again, in seconds.
const REFRESH_S: u32 = 30;

/// Serves the page.
pub(super) async fn show(asked: PageRequest) -> Result<Response, Error> {
    if let Some(answer) = forbidden(&asked) {
        return Ok(answer);
    }
    let (state, who) = (&asked.state, asked.caller.0.as_ref());
    let Board { entries, more } = state.feed.board(who, KEYS_MAX).await?;
    let readable = state.rights.channels();
    let readable = readable.readable(who.map(|identity| identity.user.id.as_str()), Channels::All);
    let now = state.clock.wall_ms();
    let mut late = state.heartbeats.list().await?;
    late.retain(|job| is_late(job, now) && readable.contain(Some(&job.channel)));
    let page = BoardPage {
        language: language_of(&state.site, &asked.headers),
        epoch: state.feed.epoch().await?,
        origin: super::invitations::address_of(&asked, ""),
        entries,
        late,
        more,
        choices: ChannelChoices::read(&state.site, &asked.headers),
    };
    Ok(alone(&asked, page))
}

/// A job that is down has told so by an event.
fn is_late(job: &Heartbeat, now: i64) -> bool {
    job.status == Status::Up && job.is_late(now)
}

/// The sections of the board, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Section {
    Firing,
    Running,
    Quiet,
}

impl Section {
    fn of(body: &Body) -> Self {
        match body {
            Body::Notification { level: Level::Error | Level::Warning, .. }
            | Body::Progress { state: ProgressState::Failed, .. } => Self::Firing,
            Body::Progress { state: ProgressState::Running | ProgressState::Paused, .. } => Self::Running,
            Body::Notification { .. } | Body::Progress { .. } | Body::Update { .. } => Self::Quiet,
        }
    }
}

/// The data of the page.
struct BoardPage {
    language: Language,
    epoch: Epoch,
    /// The newest first.
    entries: Vec<Entry>,
    late: Vec<Heartbeat>,
    more: bool,
    choices: ChannelChoices,
    /// The address of this server, as the browser knows it.
    origin: String,
}

impl BoardPage {
    /// The entries of a section: errors first, then those of pinned channels, then the newest.
    fn section(&self, section: Section) -> Vec<Entry> {
        let of_section = |entry: &&Entry| Section::of(&entry.body) == section;
        let mut entries: Vec<_> = self.entries.iter().filter(of_section).cloned().collect();
        self.choices.sort(&mut entries, |entry| &entry.channel);
        if section == Section::Firing {
            entries.sort_by_key(|entry| EventState::of(self.language, entry).level != Level::Error);
        }
        entries
    }

    fn tiles(&self, texts: &'static Texts, section: Section) -> Vec<AnyView> {
        self.section(section)
            .into_iter()
            .map(|entry| tile(texts, self.language, &self.epoch, entry))
            .collect()
    }
}

impl Document for BoardPage {
    fn title(&self, texts: &Texts) -> String {
        match self.section(Section::Firing).len() {
            0 => texts.board.to_owned(),
            firing => format!("({firing}) {}", texts.board),
        }
    }

    fn script(&self) -> Option<&'static str> {
        Some("board.js")
    }

    fn style(&self) -> Option<&'static str> {
        Some("board.css")
    }

    fn refresh_s(&self) -> Option<u32> {
        Some(REFRESH_S)
    }

    fn class(&self) -> &'static str {
        "board"
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let [firing, running, quiet] =
            [Section::Firing, Section::Running, Section::Quiet].map(|section| self.tiles(texts, section));
        let late: Vec<_> = self.late.iter().map(|job| late_tile(texts, job)).collect();
        let is_empty = self.entries.is_empty() && late.is_empty();
        let is_calm = !is_empty && firing.is_empty() && late.is_empty();
        let more = self.more.then(|| view! { <p class="note">{(texts.board_more)(KEYS_MAX)}</p> });
        view! {
            <header class="board__header">
                <h1>{texts.board}</h1>
                <a href=routes::FEED>{texts.to_the_feed}</a>
            </header>
            <p class="note" id="not-live" role="status" hidden>{texts.board_not_live}</p>
            <div id="board">
                {is_empty.then(|| empty(texts, &self.origin))}
                {is_calm.then(|| view! { <p class="board__calm">"✓ " {texts.board_all_quiet}</p> })}
                {part("firing", texts.board_firing, firing)}
                {part("late", texts.board_late, late)}
                {part("running", texts.board_running, running)}
                {folded(texts.board_quiet, quiet)}
                {more}
            </div>
        }
        .into_any()
    }
}

fn part(id: &'static str, title: &'static str, tiles: Vec<AnyView>) -> Option<AnyView> {
    let count = tiles.len();
    (count > 0).then(|| {
        view! {
            <section class="board__part" data-part=id aria-labelledby=id>
                <h2 id=id>{title} " " <span class="board__count">{count}</span></h2>
                <ul class="board__tiles">{tiles}</ul>
            </section>
        }
        .into_any()
    })
}

fn folded(title: &'static str, tiles: Vec<AnyView>) -> Option<AnyView> {
    let count = tiles.len();
    (count > 0).then(|| {
        view! {
            <details class="board__part" data-part="quiet" id="quiet">
                <summary><h2>{title} " " <span class="board__count">{count}</span></h2></summary>
                <ul class="board__tiles">{tiles}</ul>
            </details>
        }
        .into_any()
    })
}

fn tile(texts: &'static Texts, language: Language, epoch: &Epoch, entry: Entry) -> AnyView {
    let state = EventState::of(language, &entry);
    let level = state.level.as_str();
    let address = routes::event(&entry.channel, &Permalink::message(entry.offset, epoch));
    let progress = match &entry.body {
        Body::Progress {
            done,
            total: Some(total),
            state: ProgressState::Running | ProgressState::Paused,
            ..
        } => {
            let (done, total, label) = (done.to_string(), total.to_string(), state.title.clone());
            Some(view! { <progress max=total value=done aria-label=label></progress> })
        }
        _ => None,
    };
    let is_running = matches!(&entry.body, Body::Progress { state: ProgressState::Running, .. });
    let running = is_running.then(|| view! { <span class="badge">{texts.board_running_word}</span> });
    let text = Some(state.text.clone()).filter(|text| !text.is_empty());
    view! {
        <li class="board__tile" data-level=level>
            <p class="board__head">{event_state::badge(&state)} {running} <span translate="no">{entry.channel}</span> {time(entry.timestamp)}</p>
            <p class="board__title"><a href=address dir="auto">{state.title}</a></p>
            {progress}
            {text.map(|text| view! { <p class="board__text" dir="auto">{text}</p> })}
        </li>
    }
    .into_any()
}

fn late_tile(texts: &'static Texts, job: &Heartbeat) -> AnyView {
    let due =
        job.due_at.map(|due| view! { <p class="board__text">{texts.heartbeat_due} " " {time(due)}</p> });
    view! {
        <li class="board__tile" data-level="warning">
            <p class="board__head">
                <span class="badge" data-level="warning">{texts.heartbeat_late}</span>
                " " <span translate="no">{job.channel.clone()}</span>
            </p>
            <p class="board__title"><a href=routes::feed(Some(&job.channel)) dir="auto">{job.name.clone()}</a></p>
            {due}
        </li>
    }
    .into_any()
}

/// The page of an installation where nothing has a key yet.
fn empty(texts: &'static Texts, origin: &str) -> AnyView {
    let json = r#"{"key":"disk","title":"Disk","text":"92 % of /var","level":"error"}"#;
    let command = format!("curl -H 'Content-Type: application/json' -d '{json}' {origin}/api/events/ops");
    view! {
        <section class="panel stack">
            <p>{texts.board_empty}</p>
            <p class="muted">{texts.board_hint}</p>
            <pre class="command" tabindex="0"><code translate="no">{command}</code></pre>
        </section>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn page(entries: &[Value]) -> BoardPage {
        let entry = |(at, members): (usize, &Value)| {
            let mut entry = json!({ "channel": "ops", "offset": at + 1, "timestamp": 0 });
            entry.as_object_mut().expect("an object").extend(members.as_object().expect("an object").clone());
            serde_json::from_value(entry).expect("an entry")
        };
        BoardPage {
            language: Language::En,
            epoch: "abc:1".parse::<crate::protocol::cursor::Cursor>().expect("a cursor").epoch,
            entries: entries.iter().enumerate().map(entry).collect(),
            late: Vec::new(),
            more: false,
            choices: ChannelChoices::default(),
            origin: "http://a.example".to_owned(),
        }
    }

    fn html(page: BoardPage) -> String {
        Owner::new().with(|| page.body(Texts::of(Language::En)).to_html())
    }

    #[test]
    fn what_fires_comes_first_and_what_is_quiet_is_folded() {
        let notification = |level: &str, text: &str| json!({ "type": "notification", "key": text, "text": text, "level": level });
        let progress = |key: &str, state: &str| json!({ "type": "progress", "key": key, "done": 1, "total": 4, "state": state });
        let page = page(&[
            notification("warning", "warm"),
            notification("error", "<b>full</b>"),
            notification("success", "fine"),
            progress("import", "running"),
            progress("export", "failed"),
            progress("backup", "done"),
        ]);
        assert_eq!(page.title(Texts::of(Language::En)), "(3) Status");
        let html = html(page);
        let at = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text}: {html}"));
        let order = ["&lt;b&gt;full", "export", "warm", "import", "<details", "fine", "backup"];
        let places = order.map(at);
        assert!(places.is_sorted(), "{places:?} {html}");
        assert!(html.contains(r#"href="/feed/ops/2-abc""#), "{html}");
    }

    #[test]
    fn a_late_job_stands_on_the_board_and_nothing_is_calm_then() {
        let job: Heartbeat = serde_json::from_value(json!({
            "name": "backup", "channel": "jobs", "period": 60, "grace": 60, "status": "up", "since": 0,
            "last_ping_at": 0, "due_at": 60_000
        }))
        .expect("a heartbeat");
        assert!(is_late(&job, 60_000) && !is_late(&job, 59_999));
        let quiet = json!({ "type": "notification", "key": "disk", "text": "fine" });
        let html = html(BoardPage { late: vec![job], ..page(&[quiet]) });
        assert!(html.contains("data-part=\"late\"") && html.contains("backup"), "{html}");
        assert!(!html.contains("board__calm"), "{html}");
    }

    #[test]
    fn the_signs_of_markdown_are_on_no_tile() {
        let text = "**Disk** of [db](https://db.example)\nis `full`";
        let disk = json!({ "type": "notification", "key": "disk", "text": text, "level": "error", "markdown": true });
        let html = html(page(&[disk]));
        assert!(html.contains(">Disk of db</a>") && html.contains(">is full</p>"), "{html}");
        let typed = json!({ "type": "notification", "key": "disk", "text": "2 ** 3" });
        assert!(self::html(page(&[typed])).contains("2 ** 3"), "what is no Markdown is as it was sent");
    }

    #[test]
    fn an_empty_board_says_how_to_publish() {
        let html = html(page(&[]));
        assert!(html.contains("http://a.example/api/events/ops") && !html.contains("board__calm"), "{html}");
    }
}
