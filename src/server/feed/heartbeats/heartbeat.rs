//! One heartbeat as it is stored, and how pings and the time change it. Pure: `Heartbeats` and `watch` give the time, store
//! what becomes of it and publish its news.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{HeartbeatSettings, Schedule, ours};
use crate::protocol::{
    feed::{Body, Level},
    publication::Publication,
};

/// The end of a job's text that is told, in characters: the reason stands there.
const TEXT_MAX_CHARACTERS: usize = 1_000;

/// The state of a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// No ping has come.
    New,
    /// The last ping was good, and the next one is not too late.
    Up,
    /// A ping stays away, or one said that the job failed.
    Down,
    /// It is not watched until its next ping.
    Paused,
}

/// The news of a ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ping {
    /// The job begins.
    Start,
    /// The job ended, with this exit code: 0 is good.
    Ended(u8),
    /// The job says something.
    Log,
}

/// A change of state that is to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct News {
    level: Level,
    text: String,
}

/// A heartbeat. Times are in milliseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// The name, by which it is pinged.
    pub name: String,
    /// The channel of the feed that tells of it.
    pub channel: String,
    /// The schedule of the expected pings.
    #[serde(flatten)]
    pub schedule: Schedule,
    /// The time by which a ping may be late, in seconds.
    pub grace: u32,
    /// Its state.
    pub status: Status,
    /// Since when it is in this state.
    pub since: i64,
    /// The last ping with an end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_ping_at: Option<i64>,
    /// The time at which the job that runs began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<i64>,
    /// The time that the job took the last time, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_duration_ms: Option<i64>,
    /// The time at which the next ping is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    news: Option<News>,
}

impl Heartbeat {
    pub(super) fn new(settings: &HeartbeatSettings, now: i64) -> Self {
        let HeartbeatSettings { name, channel, schedule, grace, paused } = settings.clone();
        Self {
            name,
            channel,
            schedule,
            grace,
            status: if paused { Status::Paused } else { Status::New },
            since: now,
            last_ping_at: None,
            started_at: None,
            last_duration_ms: None,
            due_at: None,
            news: None,
        }
    }

    /// The same with other settings. What was expected by the old ones is not.
    pub(super) fn with(self, settings: &HeartbeatSettings, now: i64) -> Self {
        let HeartbeatSettings { name: _, channel, schedule, grace, paused } = settings.clone();
        let status = match (self.status, paused) {
            (Status::Paused, false) if self.last_ping_at.is_some() => Status::Up,
            (Status::Paused, false) => Status::New,
            (_, true) => Status::Paused,
            (status, false) => status,
        };
        let is_expected = status != Status::Paused && self.last_ping_at.is_some();
        let due_at = schedule.next(now).filter(|_| is_expected);
        let since = if status == self.status { self.since } else { now };
        Self { channel, schedule, grace, status, since, due_at, ..self }
    }

    /// The same after a ping with an end or a beginning.
    pub(super) fn pinged(&self, ping: Ping, text: Option<&str>, now: i64) -> Self {
        let Ping::Ended(code) = ping else {
            return Self { started_at: Some(now), ..self.clone() };
        };
        let mut next = Self {
            last_ping_at: Some(now),
            started_at: None,
            last_duration_ms: self.started_at.map(|at| now - at),
            due_at: self.schedule.next(now),
            ..self.clone()
        };
        let status = if code == 0 { Status::Up } else { Status::Down };
        if status == self.status {
            return next;
        }
        (next.status, next.since) = (status, now);
        next.news = match (status, self.status) {
            (Status::Down, _) => {
                let said = text.map(end_of).filter(|text| !text.trim().is_empty());
                let text = said.unwrap_or_else(|| format!("The job ended with code {code}."));
                Some(News { level: Level::Error, text })
            }
            (_, Status::Down) => {
                let text = format!("It was down for {}.", in_words(now - self.since));
                Some(News { level: Level::Success, text })
            }
            _ => None,
        };
        next
    }

    /// The time at which it is down if no ping comes; `None`: nothing is expected.
    pub fn deadline(&self) -> Option<i64> {
        let expected = match self.status {
            Status::Down | Status::Paused => None,
            Status::New | Status::Up => self.started_at.or(self.due_at),
        };
        Some(expected? + i64::from(self.grace) * 1_000)
    }

    /// Returns true if its ping should have come, and is not too late yet.
    pub fn is_late(&self, now: i64) -> bool {
        self.status == Status::Up && self.due_at.is_some_and(|due_at| due_at <= now)
    }

    /// The same, down, because no ping came.
    pub(super) fn overdue(&self, now: i64) -> Self {
        let text = match (self.started_at, self.last_ping_at) {
            (Some(at), _) => format!("The job began {} ago and has not ended.", in_words(now - at)),
            (None, Some(at)) => format!("No ping came for {}.", in_words(now - at)),
            (None, None) => "No ping came.".to_owned(),
        };
        let news = Some(News { level: Level::Error, text });
        Self { status: Status::Down, since: now, started_at: None, news, ..self.clone() }
    }

    /// The same after nobody could ping from one moment to another, if its ping may have been among those that were lost:
    /// then the next one counts.
    pub(super) fn excused(&self, from: i64, to: i64) -> Option<Self> {
        let expected = self.started_at.or(self.due_at)?;
        let may_be_lost = expected <= to && self.deadline()? > from;
        may_be_lost.then(|| Self { started_at: None, due_at: self.schedule.next(to), ..self.clone() })
    }

    /// The same after its ping was refused at about this time, if it is waited for.
    pub(super) fn refused(&self, at: i64) -> Option<Self> {
        self.deadline()?;
        Some(Self { started_at: None, due_at: self.schedule.next(at), ..self.clone() })
    }

    /// The key of what the feed tells of it.
    pub fn key(&self) -> String {
        format!("heartbeat/{}", self.name)
    }

    /// The news that is to be told, with a key by which it is told once.
    pub(super) fn news(&self) -> Option<(String, Publication)> {
        let News { level, text } = self.news.clone()?;
        let (word, title) = match level {
            Level::Error => ("down", format!("{} is down", self.name)),
            _ => ("up", format!("{} is up again", self.name)),
        };
        let once = format!("heartbeat/{}/{}/{word}", self.name, self.since);
        Some((once, ours(self.notification(Some(title), text, level, Some(self.key())))))
    }

    /// The same, with nothing to tell.
    pub fn told(&self) -> Self {
        Self { news: None, ..self.clone() }
    }

    /// A text of the job that changes nothing; `None`: it is empty.
    pub(super) fn note(&self, text: Option<&str>) -> Option<Publication> {
        let text = text.map(end_of).filter(|text| !text.trim().is_empty())?;
        Publication::new(self.notification(Some(self.name.clone()), text, Level::Info, None)).ok()
    }

    fn notification(&self, title: Option<String>, text: String, level: Level, key: Option<String>) -> Body {
        let tags = vec!["heartbeat".to_owned()];
        Body::Notification { title, text, level, tags, link: None, key, details: Default::default() }
    }
}

/// The end of a text.
fn end_of(text: &str) -> String {
    let text = text.trim_end();
    match text.char_indices().rev().nth(TEXT_MAX_CHARACTERS - 1) {
        Some((start, _)) if start > 0 => format!("…{}", &text[start..]),
        _ => text.to_owned(),
    }
}

/// A length of time, to the second.
fn in_words(ms: i64) -> String {
    let seconds = u64::try_from(ms / 1_000).unwrap_or_default();
    humantime::format_duration(Duration::from_secs(seconds)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn hourly() -> Heartbeat {
        let settings = HeartbeatSettings {
            name: "backup".to_owned(),
            channel: "jobs".to_owned(),
            schedule: Schedule::Period { period: 3_600 },
            grace: 300,
            paused: false,
        };
        Heartbeat::new(&settings, 0)
    }

    fn told(heartbeat: &Heartbeat) -> Option<(Level, String)> {
        let (_, publication) = heartbeat.news()?;
        let Body::Notification { title, text, level, .. } = publication.body().clone() else {
            unreachable!("news is a notification")
        };
        Some((level, format!("{}: {text}", title.unwrap_or_default())))
    }

    #[test]
    fn nothing_is_expected_before_the_first_ping_and_then_one_in_each_period_and_its_grace() {
        let new = hourly();
        assert_eq!((new.status, new.deadline()), (Status::New, None));
        let up = new.pinged(Ping::Ended(0), None, 7 * MINUTE);
        assert_eq!((up.status, up.deadline(), told(&up)), (Status::Up, Some(72 * MINUTE), None));
        assert!(!up.is_late(66 * MINUTE) && up.is_late(67 * MINUTE));
        let down = up.overdue(72 * MINUTE);
        assert_eq!(told(&down), Some((Level::Error, "backup is down: No ping came for 1h 5m.".into())));
        assert_eq!(down.deadline(), None, "it is told once");
        let again = down.told().pinged(Ping::Ended(0), None, 80 * MINUTE);
        assert_eq!(told(&again), Some((Level::Success, "backup is up again: It was down for 8m.".into())));
        assert_eq!(told(&again.told().pinged(Ping::Ended(0), None, 90 * MINUTE)), None);
    }

    #[test]
    fn a_job_that_began_has_to_end_within_its_grace() {
        let started = hourly().pinged(Ping::Start, None, MINUTE);
        assert_eq!(started.deadline(), Some(6 * MINUTE));
        let ended = started.pinged(Ping::Ended(0), None, 3 * MINUTE);
        assert_eq!((ended.last_duration_ms, ended.deadline()), (Some(2 * MINUTE), Some(68 * MINUTE)));
        let stuck = started.overdue(6 * MINUTE);
        let text = "backup is down: The job began 5m ago and has not ended.".to_owned();
        assert_eq!(told(&stuck), Some((Level::Error, text)));
    }

    #[test]
    fn a_job_that_says_that_it_failed_is_down_with_the_end_of_its_words() {
        let failed = hourly().pinged(Ping::Ended(3), Some("disk full\n"), MINUTE);
        assert_eq!(told(&failed), Some((Level::Error, "backup is down: disk full".into())));
        let silent = hourly().pinged(Ping::Ended(3), Some(" \n"), MINUTE);
        assert_eq!(told(&silent), Some((Level::Error, "backup is down: The job ended with code 3.".into())));
        let long = hourly().pinged(Ping::Ended(1), Some(&format!("{}end", "日".repeat(5_000))), MINUTE);
        let (_, text) = told(&long).expect("news");
        assert!(text.ends_with("日end") && text.contains(": …日"), "{text}");
        assert_eq!(told(&failed.told().pinged(Ping::Ended(4), None, 2 * MINUTE)), None, "it is down already");
    }

    #[test]
    fn a_ping_that_may_have_been_lost_while_nobody_could_ping_is_excused() {
        let up = hourly().pinged(Ping::Ended(0), None, 0); // due at 60, down at 65 minutes
        for (from, to, expected) in [
            (10, 20, None),
            (50, 59, None),
            (50, 60, Some(120)),
            (58, 70, Some(130)),
            (64, 90, Some(150)),
            (65, 90, None),
        ] {
            let excused =
                up.excused(from * MINUTE, to * MINUTE).map(|it| it.due_at.expect("an expected time"));
            assert_eq!(excused, expected.map(|at: i64| at * MINUTE), "{from} to {to}");
        }
        assert_eq!(hourly().excused(0, 90 * MINUTE), None);
        let started = hourly().pinged(Ping::Start, None, 50 * MINUTE);
        assert!(started.excused(51 * MINUTE, 90 * MINUTE).is_some_and(|it| it.started_at.is_none()));
    }

    #[test]
    fn a_pause_lasts_until_the_next_ping_and_other_settings_expect_anew() {
        let settings = |paused, period| HeartbeatSettings {
            name: "backup".into(),
            channel: "ops".into(),
            schedule: Schedule::Period { period },
            grace: 60,
            paused,
        };
        let up = hourly().pinged(Ping::Ended(0), None, 0);
        let paused = up.clone().with(&settings(true, 3_600), MINUTE);
        assert_eq!((paused.status, paused.deadline()), (Status::Paused, None));
        let pinged = paused.pinged(Ping::Ended(0), None, 5 * MINUTE);
        assert_eq!((pinged.status, told(&pinged)), (Status::Up, None));
        let other = up.with(&settings(false, 60), 30 * MINUTE);
        assert_eq!((other.deadline(), &*other.channel), (Some(32 * MINUTE), "ops"));
    }
}
