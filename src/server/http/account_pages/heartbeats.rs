//! `/heartbeats`: the page on which administrators manage the jobs that are expected to ping.

use std::time::Duration;

use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    answer::{SignedIn, beside, noted},
    document::Document,
    fields::{ABOUT, labelled_input},
    outcome::Outcome,
    rejected::rejected_beside,
    texts::Texts,
    time::time,
};
use crate::{
    app::{
        model::{direction::isolated, room::RejectionReason},
        routes,
    },
    protocol::problem::{Code, Rejection},
    server::{
        authz::Deed,
        error::Error,
        feed::heartbeats::{Heartbeat, HeartbeatSettings, Schedule, Status},
        http::{
            extract::{body::FormBody, query::Lenient},
            pages::PageRequest,
        },
    },
};

/// The fields of the form that makes or changes a heartbeat.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct HeartbeatForm {
    name: String,
    channel: String,
    schedule: String,
    #[serde(default)]
    zone: String,
    grace: String,
    #[serde(default)]
    paused: bool,
}

impl Default for HeartbeatForm {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            name: String::new(),
            channel: text("jobs"),
            schedule: text("1h"),
            zone: text("UTC"),
            grace: text("5m"),
            paused: false,
        }
    }
}

impl HeartbeatForm {
    fn of(heartbeat: &Heartbeat) -> Self {
        let in_words =
            |seconds: u32| humantime::format_duration(Duration::from_secs(seconds.into())).to_string();
        let (schedule, zone) = match &heartbeat.schedule {
            Schedule::Period { period } => (in_words(*period), "UTC".to_owned()),
            Schedule::Cron { cron, zone } => (cron.clone(), zone.clone()),
        };
        Self {
            name: heartbeat.name.clone(),
            channel: heartbeat.channel.clone(),
            schedule,
            zone,
            grace: in_words(heartbeat.grace),
            paused: heartbeat.status == Status::Paused,
        }
    }

    fn settings(&self) -> Result<HeartbeatSettings, Rejection> {
        let schedule = match seconds(&self.schedule) {
            Some(period) => Schedule::every(period)?,
            None => Schedule::cron(
                &self.schedule,
                Some(&self.zone).filter(|zone| !zone.trim().is_empty()).map(|zone| &**zone),
            )?,
        };
        let grace = seconds(&self.grace);
        let grace = grace
            .ok_or_else(|| Rejection::new(Code::BadRequest, "The grace is a length of time such as 5m."))?;
        let text = |text: &str| text.trim().to_owned();
        Ok(HeartbeatSettings {
            name: text(&self.name),
            channel: text(&self.channel),
            schedule,
            grace,
            paused: self.paused,
        })
    }
}

/// Parses a length of time such as `1h 30m`.
fn seconds(text: &str) -> Option<u32> {
    u32::try_from(humantime::parse_duration(text.trim()).ok()?.as_secs()).ok()
}

/// The heartbeat that the form changes, from the query.
#[derive(Default, Deserialize)]
pub(super) struct Chosen {
    change: Option<String>,
}

/// Serves the page.
pub(super) async fn show(
    signed_in: SignedIn,
    Lenient(outcome): Lenient<Outcome>,
    Lenient(Chosen { change }): Lenient<Chosen>,
) -> Result<Response, Error> {
    page(&signed_in, outcome.problem(), Err(change)).await
}

/// Serves the page with the rejected form, or that of the heartbeat with a name.
async fn page(
    signed_in: &SignedIn,
    problem: Option<RejectionReason>,
    form: Result<HeartbeatForm, Option<String>>,
) -> Result<Response, Error> {
    let state = &signed_in.asked.state;
    let heartbeats = state.heartbeats.list().await?;
    let form = form.unwrap_or_else(|name| {
        let known = heartbeats.iter().find(|heartbeat| Some(&heartbeat.name) == name.as_ref());
        known.map(HeartbeatForm::of).unwrap_or_default()
    });
    let now = state.clock.wall_ms();
    let origin = super::invitations::address_of(&signed_in.asked, "");
    beside(signed_in, Heartbeats { heartbeats, form, now, origin, problem }).await
}

/// Makes or changes a heartbeat.
pub(super) async fn set(asked: PageRequest, FormBody(form): FormBody<HeartbeatForm>) -> Response {
    let set = async { asked.state.heartbeats.set(&form.settings()?).await };
    let set = noted(&asked, set.await, |action| action.with(form.name.clone()), Deed::SetHeartbeat).await;
    answer(asked, set.map(drop), Ok(form)).await
}

/// The field of the form that removes a heartbeat.
#[derive(Deserialize)]
pub(super) struct NameForm {
    name: String,
}

/// Removes a heartbeat. One that is gone already is no error.
pub(super) async fn remove(asked: PageRequest, FormBody(NameForm { name }): FormBody<NameForm>) -> Response {
    let removed = asked.state.heartbeats.remove(&name).await;
    let removed = noted(&asked, removed, |action| action.with(name.clone()), Deed::RemoveHeartbeat).await;
    answer(asked, removed.map(drop), Err(None)).await
}

async fn answer(
    asked: PageRequest,
    changed: Result<(), Error>,
    form: Result<HeartbeatForm, Option<String>>,
) -> Response {
    match changed {
        Ok(()) => Redirect::to(routes::HEARTBEATS).into_response(),
        Err(error) => {
            let page = async |signed_in: SignedIn, reason| page(&signed_in, Some(reason), form).await;
            rejected_beside(asked, routes::HEARTBEATS, &[], error, page).await
        }
    }
}

/// The data of the page.
#[derive(Clone, Debug)]
pub(super) struct Heartbeats {
    heartbeats: Vec<Heartbeat>,
    form: HeartbeatForm,
    /// The time, in milliseconds since the Unix epoch.
    now: i64,
    /// The address of this server, as the browser knows it.
    origin: String,
    problem: Option<RejectionReason>,
}

impl Document for Heartbeats {
    fn title(&self, texts: &Texts) -> String {
        texts.heartbeats.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let Self { heartbeats, form, now, origin, problem } = self;
        let is_empty = heartbeats.is_empty();
        let rows = heartbeats.into_iter().map(|heartbeat| row(texts, heartbeat, now)).collect::<Vec<_>>();
        let name = if form.name.is_empty() { "backup" } else { &form.name };
        let command = format!("./backup.sh && curl {origin}/ping/idp_…/{name}");
        let problem = problem.map(|reason| match reason.code {
            Code::BadRequest | Code::BadChannel => texts.heartbeat_wrong.to_owned(),
            _ => (texts.rejection)(reason),
        });
        view! {
            <h1>{texts.heartbeats}</h1>
            <section class="panel stack">
                <p class="muted">{texts.heartbeats_intro}</p>
                <pre class="command" tabindex="0"><code>{command}</code></pre>
                <p class="muted">{texts.heartbeats_endings}</p>
                {is_empty.then(|| view! { <p>{texts.no_heartbeats}</p> })}
                <ul class="rows">{rows}</ul>
            </section>
            <form class="panel stack" id="set" method="post" action=routes::HEARTBEATS aria-labelledby="set-heading">
                <h2 id="set-heading">{texts.set_heartbeat}</h2>
                {problem.map(|text| view! { <p class="note" role="alert" id=ABOUT>{text}</p> })}
                {labelled_input("name", texts.name, form.name, Some(texts.heartbeat_name_hint), None)}
                {labelled_input("channel", texts.rule_channel, form.channel, None, None)}
                {labelled_input("schedule", texts.heartbeat_schedule, form.schedule, Some(texts.heartbeat_schedule_hint), None)}
                {labelled_input("zone", texts.time_zone, form.zone, Some(texts.heartbeat_zone_hint), None)}
                {labelled_input("grace", texts.heartbeat_grace, form.grace, Some(texts.heartbeat_grace_hint), None)}
                <label><input type="checkbox" name="paused" value="true" checked=form.paused /> " " {texts.heartbeat_pause}</label>
                <button type="submit">{texts.save}</button>
            </form>
        }
        .into_any()
    }
}

fn row(texts: &'static Texts, heartbeat: Heartbeat, now: i64) -> impl IntoView + use<> {
    let (word, level) = match heartbeat.status {
        Status::New => (texts.heartbeat_new, "info"),
        Status::Up if heartbeat.is_late(now) => (texts.heartbeat_late, "warning"),
        Status::Up => (texts.heartbeat_up, "success"),
        Status::Down => (texts.heartbeat_down, "error"),
        Status::Paused => (texts.heartbeat_paused, "info"),
    };
    let form = HeartbeatForm::of(&heartbeat);
    let zone = matches!(heartbeat.schedule, Schedule::Cron { .. }).then(|| format!(" {}", form.zone));
    let Heartbeat { name, channel, last_ping_at, started_at, due_at, .. } = heartbeat;
    let moment = |label: &'static str, at: Option<i64>| at.map(|at| view! { " · " {label} " " {time(at)} });
    let change = format!("{}?change={name}#set", routes::HEARTBEATS);
    let label_of = |word: &str| format!("{word}: {}", isolated(&name));
    view! {
        <li class="row">
            <div>
                <p class="row__head">
                    <b><bdi translate="no">{name.clone()}</bdi></b>
                    " " <span class="badge" data-level=level>{word}</span>
                </p>
                <p class="muted">
                    <a href=routes::feed(Some(&channel)) translate="no">{channel.clone()}</a>
                    " · " <code translate="no">{form.schedule}{zone}" + "{form.grace}</code>
                    {moment(texts.heartbeat_last, last_ping_at)}
                    {moment(texts.heartbeat_started, started_at)}
                    {moment(texts.heartbeat_due, due_at)}
                </p>
            </div>
            <div class="row__actions">
                <a href=change aria-label=label_of(texts.change)>{texts.change}</a>
                <form method="post" action="/heartbeats/remove">
                    <input type="hidden" name="name" value=name.clone() />
                    <button type="submit" aria-label=label_of(texts.remove)>{texts.remove}</button>
                </form>
            </div>
        </li>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_a_length_of_time_or_a_cron_expression() {
        let settings = |schedule: &str, zone: &str| {
            let form = HeartbeatForm {
                name: "backup".into(),
                schedule: schedule.into(),
                zone: zone.into(),
                ..HeartbeatForm::default()
            };
            form.settings().map(|settings| settings.schedule)
        };
        assert_eq!(settings(" 1h 30m ", "").expect("fine"), Schedule::Period { period: 5_400 });
        let nightly = Schedule::Cron { cron: "0 3 * * *".into(), zone: "Asia/Tokyo".into() };
        assert_eq!(settings("0 3 * * *", "Asia/Tokyo").expect("fine"), nightly);
        settings("0 3 * * *", "").expect("UTC");
        for schedule in ["", "0s", "often", "3"] {
            settings(schedule, "UTC").expect_err(schedule);
        }
        let form = HeartbeatForm { name: "backup".into(), grace: "long".into(), ..HeartbeatForm::default() };
        form.settings().expect_err("no grace");
    }
}
