//! `/notifications`: the devices of the user that get push notifications, their settings, and their rules for events of the
//! feed (`notification_rules`). Turning notifications on needs the browser, and so the script public/notifications.js;
//! everything else works without one.

use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    agent::Agent,
    answer::{SignedIn, beside},
    document::{Document, Done},
    fields::{ABOUT, done_note},
    notification_rules::{RuleForm, Rules, rules_part},
    outcome::Outcome,
    rejected::rejected_beside,
    texts::Texts,
    time::time,
};
use crate::{
    app::{model::room::RejectionReason, routes},
    protocol::problem::Code,
    server::{
        error::Error,
        http::{
            extract::{body::FormBody, query::Lenient},
            pages::PageRequest,
            redirect::see,
        },
        notify::{Device, NotificationSettings, QuietHours},
    },
};

/// Serves the page.
pub(super) async fn show(signed_in: SignedIn, Lenient(outcome): Lenient<Outcome>) -> Result<Response, Error> {
    let rejected = match (outcome.problem(), outcome.form.as_deref()) {
        (Some(reason), Some(RULES)) => Some(Rejected::Rule(reason, RuleForm::default())),
        (Some(reason), _) => Some(Rejected::Settings(reason, None)),
        (None, _) => None,
    };
    page(signed_in, rejected, outcome.done()).await
}

/// The name of the form of a rule in an address.
const RULES: &str = "rules";

/// A form that was rejected, with what was typed.
enum Rejected {
    Settings(RejectionReason, Option<SettingsForm>),
    Rule(RejectionReason, RuleForm),
}

async fn page(
    signed_in: SignedIn,
    rejected: Option<Rejected>,
    done: Option<Done>,
) -> Result<Response, Error> {
    let (problem, typed, of_rule, rule) = match rejected {
        Some(Rejected::Settings(reason, typed)) => (Some(reason), typed, None, RuleForm::default()),
        Some(Rejected::Rule(reason, typed)) => (None, None, Some(reason), typed),
        None => (None, None, None, RuleForm::default()),
    };
    let SignedIn { asked, identity } = &signed_in;
    let (notifier, user_id) = (&asked.state.notifier, &identity.user.id);
    let mut devices = notifier.devices(user_id).await?;
    devices.sort_by_key(|(_, device)| -device.since);
    let settings = match typed {
        Some(typed) => typed,
        None => SettingsForm::of(notifier.settings_of(user_id).await?),
    };
    let rules = Rules { rules: notifier.rules_of(user_id).await?, typed: rule, problem: of_rule };
    let page = Notifications { public_key: notifier.public_key(), devices, settings, problem, rules, done };
    beside(&signed_in, page).await
}

/// The fields of the form of the settings.
#[derive(Deserialize)]
pub(super) struct SettingsForm {
    from: String,
    to: String,
    zone: String,
    #[serde(default)]
    every_message: String,
}

impl SettingsForm {
    fn of(settings: NotificationSettings) -> Self {
        let (from, to, zone) =
            settings.quiet.map(|quiet| (quiet.from, quiet.to, quiet.zone)).unwrap_or_default();
        let every_message = if settings.every_message { "true".to_owned() } else { String::new() };
        Self { from, to, zone, every_message }
    }

    fn settings(&self) -> Result<NotificationSettings, Error> {
        let quiet = match self.from.trim().is_empty() && self.to.trim().is_empty() {
            true => None,
            false => Some(QuietHours::parse(&self.from, &self.to, &self.zone)?),
        };
        Ok(NotificationSettings::new(quiet, !self.every_message.is_empty()))
    }
}

/// Changes the settings.
pub(super) async fn set(
    SignedIn { asked, identity }: SignedIn,
    FormBody(form): FormBody<SettingsForm>,
) -> Response {
    let set = async {
        asked.state.limits.mark(&identity.user).await?;
        asked.state.notifier.set(&identity, form.settings()?).await
    };
    match set.await {
        Ok(()) => see(routes::NOTIFICATIONS, &[("done", Done::Notifications.as_str())]),
        Err(error) => {
            let again = async |signed_in, reason| {
                page(signed_in, Some(Rejected::Settings(reason, Some(form))), None).await
            };
            rejected_beside(asked, routes::NOTIFICATIONS, &[], error, again).await
        }
    }
}

/// Adds a rule for events of the feed.
pub(super) async fn add_rule(
    SignedIn { asked, identity }: SignedIn,
    FormBody(form): FormBody<RuleForm>,
) -> Response {
    let added = async {
        asked.state.limits.mark(&identity.user).await?;
        asked.state.notifier.add_rule(&identity, form.rule()?).await
    };
    let added = added.await;
    rule_changed(asked, form, added).await
}

/// Removes a rule.
pub(super) async fn remove_rule(
    SignedIn { asked, identity }: SignedIn,
    FormBody(form): FormBody<RuleForm>,
) -> Response {
    let removed = async { asked.state.notifier.remove_rule(&identity, form.rule()?).await };
    let removed = removed.await;
    rule_changed(asked, form, removed).await
}

async fn rule_changed(asked: PageRequest, form: RuleForm, changed: Result<(), Error>) -> Response {
    match changed {
        Ok(()) => see(routes::NOTIFICATIONS, &[("done", Done::Notifications.as_str())]),
        Err(error) => {
            let again =
                async |signed_in, reason| page(signed_in, Some(Rejected::Rule(reason, form)), None).await;
            rejected_beside(asked, routes::NOTIFICATIONS, &[("form", RULES)], error, again).await
        }
    }
}

/// The field of the form that removes a device.
#[derive(Deserialize)]
pub(super) struct DeviceForm {
    device: String,
}

/// Removes a device.
pub(super) async fn remove(
    SignedIn { asked, identity }: SignedIn,
    FormBody(DeviceForm { device }): FormBody<DeviceForm>,
) -> Result<Response, Error> {
    asked.state.notifier.remove(&identity.user.id, &device).await?;
    Ok(see(routes::NOTIFICATIONS, &[]))
}

/// Sends a test to all devices.
pub(super) async fn test(SignedIn { asked, identity }: SignedIn) -> Response {
    let sent = async {
        asked.state.limits.message(&identity.user).await?;
        asked.state.notifier.test(&identity).await
    };
    match sent.await {
        Ok(_) => see(routes::NOTIFICATIONS, &[("done", Done::TestSent.as_str())]),
        Err(error) => {
            let again =
                async |signed_in, reason| page(signed_in, Some(Rejected::Settings(reason, None)), None).await;
            rejected_beside(asked, routes::NOTIFICATIONS, &[], error, again).await
        }
    }
}

/// The data of the page.
struct Notifications {
    /// `None`: the server sends no pushes.
    public_key: Option<String>,
    devices: Vec<(String, Device)>,
    settings: SettingsForm,
    problem: Option<RejectionReason>,
    rules: Rules,
    done: Option<Done>,
}

impl Document for Notifications {
    fn title(&self, texts: &Texts) -> String {
        texts.notifications.to_owned()
    }

    fn script(&self) -> Option<&'static str> {
        Some("notifications.js")
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let Self { public_key, devices, settings, problem, rules, done } = self;
        let done = done.and_then(|done| match done {
            Done::Notifications => Some(texts.notifications_saved),
            Done::TestSent => Some(texts.test_sent),
            Done::SignedOut | Done::Name | Done::Password | Done::Saved => None,
        });
        let push = match public_key {
            None => view! { <p class="panel">{texts.no_push}</p> }.into_any(),
            Some(key) => view! { {this_device(texts, key)} {device_list(texts, devices)} }.into_any(),
        };
        view! {
            <h1>{texts.notifications}</h1>
            {done_note(done)}
            {push}
            {open_page(texts)}
            {settings_form(texts, settings, problem)}
            {rules_part(texts, rules)}
        }
        .into_any()
    }
}

/// The sentences for the states of this browser, of which the script shows one. Until it runs the first one stands there.
fn this_device(texts: &'static Texts, key: String) -> impl IntoView + use<> {
    let states = [
        ("insecure", texts.push_insecure),
        ("apple", texts.push_apple),
        ("unsupported", texts.push_unsupported),
        ("denied", texts.push_denied),
        ("off", texts.push_off),
        ("on", texts.push_on),
        ("failed", texts.push_failed),
        ("refused", texts.push_refused),
    ];
    let sentence = |(state, text)| view! { <p data-state=state hidden>{text}</p> };
    view! {
        <section class="panel stack" id="device" data-key=key aria-labelledby="device-heading">
            <h2 id="device-heading">{texts.this_device}</h2>
            <p data-state="">{texts.push_needs_script}</p>
            <div role="status">{states.into_iter().map(sentence).collect::<Vec<_>>()}</div>
            <button type="button" class="primary" data-state="off failed refused" data-action="on" hidden>
                {texts.turn_on}
            </button>
            <button type="button" data-state="on" data-action="off" hidden>{texts.turn_off}</button>
        </section>
    }
}

/// The switches for the pages of this browser that are open. They stand in the browser, so only the script shows them.
fn open_page(texts: &'static Texts) -> impl IntoView {
    view! {
        <section class="panel stack" id="open-page" aria-labelledby="open-page-heading" hidden>
            <h2 id="open-page-heading">{texts.while_open}</h2>
            <p>{texts.while_open_hint}</p>
            <label><input type="checkbox" data-switch="notify" /> " " {texts.open_notify}</label>
            <label><input type="checkbox" data-switch="sound" /> " " {texts.open_sound}</label>
            <div role="status">
                <p data-fault="insecure" hidden>{texts.push_insecure}</p>
                <p data-fault="unsupported" hidden>{texts.open_unsupported}</p>
                <p data-fault="denied" hidden>{texts.push_denied}</p>
            </div>
        </section>
    }
}

fn device_list(texts: &'static Texts, devices: Vec<(String, Device)>) -> impl IntoView + use<> {
    let has_devices = !devices.is_empty();
    let row = move |(index, (id, device)): (usize, (String, Device))| {
        let agent = (texts.agent)(Agent::of(&device.agent));
        let (row, remove) = (format!("device-{index}"), format!("remove-{index}"));
        let both = format!("{remove} {row}");
        view! {
            <li class="row" data-device=device.hash()>
                <div id=row>
                    <p class="row__head">
                        <b>{agent}</b> " " <span class="badge" data-own hidden>{texts.this_browser}</span>
                    </p>
                    <p class="muted">{texts.since} " " {time(device.since)} " · " <bdi>{device.service()}</bdi></p>
                </div>
                <form method="post" action="/notifications/remove">
                    <input type="hidden" name="device" value=id />
                    <button type="submit" id=remove aria-labelledby=both>{texts.remove}</button>
                </form>
            </li>
        }
    };
    let list = match has_devices {
        false => view! { <p>{texts.no_devices}</p> }.into_any(),
        true => view! {
            <ul class="rows">{devices.into_iter().enumerate().map(row).collect::<Vec<_>>()}</ul>
            <form method="post" action="/notifications/test">
                <button type="submit">{texts.send_test}</button>
            </form>
        }
        .into_any(),
    };
    view! {
        <section class="panel stack">
            <h2>{texts.devices}</h2>
            {list}
        </section>
    }
}

fn settings_form(
    texts: &'static Texts,
    SettingsForm { from, to, zone, every_message }: SettingsForm,
    problem: Option<RejectionReason>,
) -> impl IntoView + use<> {
    // The common text for a form that was not understood tells nothing of the fields.
    let text = problem.map(|reason| match reason.code {
        Code::BadRequest => texts.quiet_wrong.to_owned(),
        _ => (texts.rejection)(reason),
    });
    let invalid = problem.map(|_| "true");
    let time_field = move |id: &'static str, label, value: String| {
        view! {
            <div class="labelled">
                <label for=id>{label}</label>
                <input
                    id=id
                    name=id
                    type="time"
                    value=value
                    aria-invalid=invalid
                    aria-describedby=problem.map(|_| ABOUT)
                />
            </div>
        }
    };
    view! {
        <form class="panel stack" method="post" action=routes::NOTIFICATIONS aria-labelledby="settings-heading">
            <h2 id="settings-heading">{texts.when_to_notify}</h2>
            {text.map(|text| view! { <p class="note" role="alert" id=ABOUT>{text}</p> })}
            <p>{texts.mentions_are_pushed}</p>
            <label>
                <input type="checkbox" name="every_message" value="true" checked=!every_message.is_empty() />
                " "
                {texts.every_message}
            </label>
            <p>{texts.quiet_hours}</p>
            {time_field("from", texts.quiet_from, from)}
            {time_field("to", texts.quiet_to, to)}
            <div class="labelled">
                <label for="zone">{texts.time_zone}</label>
                <input id="zone" name="zone" value=zone autocomplete="off" spellcheck="false" aria-describedby="zone-hint" />
                <p class="muted" id="zone-hint">{texts.time_zone_hint}</p>
            </div>
            <button type="submit">{texts.save}</button>
        </form>
    }
}
