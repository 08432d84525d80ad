//! `/outgoing` and `/rooms/{room}/outgoing`: the pages on which administrators manage the outgoing webhooks of channels, and
//! whoever may change a room those of the room. They show how far each has come, and why it does not get on.

use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    answer::{SignedIn, actor, beside},
    document::Document,
    fields::{ABOUT, labelled_input, shown_once},
    outcome::Outcome,
    publishers::patterns,
    rejected::rejected_beside,
    room_of_page::room_of_page,
    texts::Texts,
    time::time,
};
use crate::{
    app::{
        model::{direction::isolated, room::RejectionReason},
        routes,
    },
    protocol::{
        chat::Room,
        cursor::Offset,
        name::RoomId,
        problem::{Code, Rejection},
    },
    server::{
        auth::Pattern,
        error::Error,
        http::{
            api::outgoing::{Shown, check, found, listed},
            extract::{body::FormBody, path::PathText, query::Lenient},
            pages::one_time_form::new_id,
            redirect::see,
        },
        outgoing::{NewWebhook, Source, Webhook},
    },
};

/// The most channels, or patterns of them, of one webhook: as the API has it.
const CHANNELS_MAX: usize = 50;

/// The fields of the form that makes a webhook. Those of a room have no channels and no values.
#[derive(Clone, Default, Deserialize)]
pub(super) struct WebhookForm {
    url: String,
    #[serde(default)]
    channels: String,
    #[serde(default)]
    values: bool,
    once: Option<String>,
}

/// Serves the page of the channels' webhooks. The router lets administrators here only.
pub(super) async fn show(signed_in: SignedIn, Lenient(outcome): Lenient<Outcome>) -> Result<Response, Error> {
    page(signed_in, None, outcome.problem(), WebhookForm::default()).await
}

/// Serves the page of a room's webhooks. For everybody who may not change the room it is the page for unknown addresses.
pub(super) async fn show_room(
    PathText(room): PathText,
    signed_in: SignedIn,
    Lenient(outcome): Lenient<Outcome>,
) -> Result<Response, Error> {
    room_page(&room, signed_in, outcome.problem(), WebhookForm::default()).await
}

async fn room_page(
    room: &str,
    signed_in: SignedIn,
    problem: Option<RejectionReason>,
    typed: WebhookForm,
) -> Result<Response, Error> {
    let actor = actor(&signed_in.asked);
    let may_see = |room: &RoomId| signed_in.asked.state.chat.may_manage(room, &actor);
    match room_of_page(&signed_in, room, may_see, routes::room_outgoing).await? {
        Ok(room) => page(signed_in, Some(room), problem, typed).await,
        Err(elsewhere) => Ok(elsewhere.answer(signed_in.asked).await),
    }
}

async fn page(
    signed_in: SignedIn,
    room: Option<Room>,
    problem: Option<RejectionReason>,
    typed: WebhookForm,
) -> Result<Response, Error> {
    let asked = &signed_in.asked;
    let webhooks = listed(&asked.state, &actor(asked), room.as_ref().map(|room| &room.id)).await?;
    beside(&signed_in, OutgoingWebhooks { room, webhooks, typed, once: new_id(), problem }).await
}

/// Makes a webhook of channels and shows its secret, this once.
pub(super) async fn make(
    signed_in: SignedIn,
    FormBody(form): FormBody<WebhookForm>,
) -> Result<Response, Error> {
    let source = channels_of(&form.channels).map(|channels| Source::Feed { channels });
    let made = added(&signed_in, source, &form).await;
    answer(signed_in, made, routes::OUTGOING, async |signed_in, reason| {
        page(signed_in, None, Some(reason), form).await
    })
    .await
}

/// Makes a webhook of a room and shows its secret, this once.
pub(super) async fn make_for_room(
    PathText(room): PathText,
    signed_in: SignedIn,
    FormBody(form): FormBody<WebhookForm>,
) -> Result<Response, Error> {
    let SignedIn { asked, identity } = &signed_in;
    let room = asked.state.chat.room(&room, Some(identity)).await?;
    let made = added(&signed_in, Ok(Source::Room { room: room.clone() }), &form).await;
    let again = async |signed_in, reason| room_page(room.as_str(), signed_in, Some(reason), form).await;
    answer(signed_in, made, &routes::room_outgoing(&room), again).await
}

async fn added(
    SignedIn { asked, identity }: &SignedIn,
    source: Result<Source, Rejection>,
    WebhookForm { url, channels, values, once }: &WebhookForm,
) -> Result<Webhook, Error> {
    let (state, source) = (&asked.state, source?);
    let by = actor(asked);
    check(state, &by, &source)?;
    let room = match &source {
        Source::Room { room } => room.as_str(),
        Source::Feed { .. } => "",
    };
    let contents = ["outgoing", room, url, channels, if *values { "values" } else { "" }];
    let submission = state.submissions.of(&identity.user.id, once.as_deref(), &contents);
    state
        .outgoing
        .add(&by, NewWebhook { url: url.trim().to_owned(), source, values: *values }, &submission)
        .await
}

async fn answer(
    signed_in: SignedIn,
    made: Result<Webhook, Error>,
    path: &str,
    again: impl AsyncFnOnce(SignedIn, RejectionReason) -> Result<Response, Error>,
) -> Result<Response, Error> {
    match made {
        Ok(webhook) => beside(&signed_in, WebhookSecret { webhook, back: path.to_owned() }).await,
        Err(error) => Ok(rejected_beside(signed_in.asked, path, &[], error, again).await),
    }
}

fn channels_of(list: &str) -> Result<Vec<Pattern>, Rejection> {
    // The form has another field that may be wrong: the code tells which one is.
    let channels = patterns(list).map_err(|rejection| Rejection { code: Code::BadChannel, ..rejection })?;
    match channels.len() {
        1..=CHANNELS_MAX => Ok(channels),
        _ => Err(Rejection::new(
            Code::BadChannel,
            format!("An outgoing webhook has 1 to {CHANNELS_MAX} channels."),
        )),
    }
}

/// The fields of the forms of one webhook.
#[derive(Deserialize)]
pub(super) struct IdForm {
    id: String,
    /// Deliver again what stands after this offset; empty: what waits, at once.
    #[serde(default)]
    after: String,
}

/// Removes a webhook. One that is gone already is no error.
pub(super) async fn remove(
    signed_in: SignedIn,
    FormBody(IdForm { id, .. }): FormBody<IdForm>,
) -> Result<Response, Error> {
    let (state, by) = (&signed_in.asked.state, actor(&signed_in.asked));
    match found(state, &by, &id).await {
        Ok(webhook) => {
            state.outgoing.remove(&by, &webhook).await?;
            Ok(see(&page_of(&webhook), &[]))
        }
        Err(Error::Rejected(_)) => {
            let path = signed_in.asked.uri.path();
            Ok(see(path.strip_suffix("/remove").unwrap_or(path), &[]))
        }
        Err(error) => Err(error),
    }
}

/// Delivers again.
pub(super) async fn replay(
    signed_in: SignedIn,
    FormBody(IdForm { id, after }): FormBody<IdForm>,
) -> Result<Response, Error> {
    let (state, by) = (&signed_in.asked.state, actor(&signed_in.asked));
    let webhook = found(state, &by, &id).await?;
    let path = page_of(&webhook);
    let replayed = async { state.outgoing.replay(&webhook, offset_of(&after)?).await };
    match replayed.await {
        Ok(_) => Ok(see(&path, &[])),
        Err(error) => {
            let code = error.into_rejection().code;
            // The page has two forms: a bad request is one of the other.
            let code = if code == Code::BadRequest { Code::BadCursor } else { code };
            Ok(see(&path, &[("problem", code.as_str())]))
        }
    }
}

fn offset_of(text: &str) -> Result<Option<Offset>, Rejection> {
    match text.trim() {
        "" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|_| Rejection::new(Code::BadCursor, "An offset is a whole number.")),
    }
}

fn page_of(webhook: &Webhook) -> String {
    match &webhook.source {
        Source::Room { room } => routes::room_outgoing(room),
        Source::Feed { .. } => routes::OUTGOING.to_owned(),
    }
}

/// The data of the page.
struct OutgoingWebhooks {
    /// The room; absent: those of channels.
    room: Option<Room>,
    webhooks: Vec<Shown>,
    typed: WebhookForm,
    once: String,
    problem: Option<RejectionReason>,
}

impl Document for OutgoingWebhooks {
    fn title(&self, texts: &Texts) -> String {
        match &self.room {
            Some(room) => (texts.outgoing_of)(&isolated(&room.name)),
            None => texts.outgoing.to_owned(),
        }
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let title = self.title(texts);
        let Self { room, webhooks, typed, once, problem } = self;
        let address =
            room.as_ref().map_or_else(|| routes::OUTGOING.to_owned(), |room| routes::room_outgoing(&room.id));
        let back = match &room {
            Some(room) => {
                view! { <p><a href=routes::room_settings(&room.id)>{texts.back_to_settings}</a></p> }
            }
            None => view! { <p><a href=routes::PUBLISHERS.to_owned()>{texts.back_to_publishers}</a></p> },
        };
        let is_empty = webhooks.is_empty();
        let rows: Vec<_> = webhooks.into_iter().map(|shown| row(texts, shown)).collect();
        view! {
            <h1>{title}</h1>
            <section class="panel stack">
                <p class="muted">{texts.outgoing_intro}</p>
                {is_empty.then(|| view! { <p>{texts.no_outgoing}</p> })}
                <ul class="rows">{rows}</ul>
            </section>
            {make_form(texts, &address, room.is_none(), typed, once, problem)}
            {back}
        }
        .into_any()
    }
}

fn make_form(
    texts: &'static Texts,
    address: &str,
    has_channels: bool,
    typed: WebhookForm,
    once: String,
    problem: Option<RejectionReason>,
) -> impl IntoView + use<> {
    let (of_channels, of_url) = match problem {
        Some(reason) if reason.code == Code::BadChannel => (problem, None),
        other => (None, other),
    };
    let note = problem.map(|reason| match reason.code {
        Code::BadChannel => texts.channels_wrong.to_owned(),
        Code::BadRequest => texts.outgoing_wrong.to_owned(),
        Code::BadCursor => texts.offset_wrong.to_owned(),
        _ => (texts.rejection)(reason),
    });
    let WebhookForm { url, channels, values, .. } = typed;
    view! {
        <form class="panel stack" method="post" action=address.to_owned() aria-labelledby="make-heading">
            <h2 id="make-heading">{texts.new_hook}</h2>
            {note.map(|text| view! { <p class="note" role="alert" id=ABOUT>{text}</p> })}
            {labelled_input("url", texts.address, url, Some(texts.outgoing_url_hint), of_url)}
            {has_channels.then(|| view! {
                {labelled_input("channels", texts.channels, channels, Some(texts.channels_hint), of_channels)}
                <label><input type="checkbox" name="values" value="true" checked=values /> " " {texts.outgoing_values}</label>
            })}
            <input type="hidden" name="once" value=once />
            <button type="submit" class="primary">{texts.make_hook}</button>
        </form>
    }
}

fn row(texts: &'static Texts, Shown { webhook, delivery, head }: Shown) -> impl IntoView + use<> {
    let address = page_of(&webhook);
    let Webhook { id, url, source, by, .. } = webhook;
    let cursor = delivery.cursor.map_or(head, |cursor| cursor.offset);
    let waiting = head.saturating_sub(cursor);
    let (word, level) = match (delivery.failing_since.is_some(), waiting) {
        (true, _) => (texts.outgoing_failing, "error"),
        (false, 0) => (texts.outgoing_delivered, "success"),
        (false, _) => (texts.outgoing_waiting, "info"),
    };
    let channels = match source {
        Source::Feed { channels } => channels.iter().map(Pattern::as_str).collect::<Vec<_>>().join(", "),
        Source::Room { .. } => String::new(),
    };
    let moment = |label: &'static str, at: Option<i64>| at.map(|at| view! { " · " {label} " " {time(at)} });
    let error = delivery.error.map(|error| view! { <p><code translate="no">{error}</code></p> });
    let label_of = |word: &str| format!("{word}: {}", isolated(&url));
    let field = format!("after-{id}");
    view! {
        <li class="row">
            <div>
                <p class="row__head">
                    <b class="address"><bdi translate="no">{url.clone()}</bdi></b>
                    " " <span class="badge" data-level=level>{word}</span>
                </p>
                <p class="muted">
                    {(!channels.is_empty()).then(|| view! { <code translate="no">{channels}</code> " · " })}
                    {(texts.outgoing_position)(cursor, head)}
                    {moment(texts.outgoing_last, delivery.delivered_at)}
                    {moment(texts.outgoing_since, delivery.failing_since)}
                    {moment(texts.outgoing_next, delivery.next_at)}
                    " · " <bdi translate="no">{by.name}</bdi>
                </p>
                {error}
                <details>
                    <summary>{texts.outgoing_again}</summary>
                    <form class="field" method="post" action=format!("{address}/replay")>
                        <input type="hidden" name="id" value=id.clone() />
                        <label for=field.clone()>{texts.outgoing_after}</label>
                        <input id=field name="after" inputmode="numeric" dir="auto" autocomplete="off" size="12" placeholder=cursor.to_string() />
                        <button type="submit" aria-label=label_of(texts.outgoing_again)>{texts.outgoing_again}</button>
                    </form>
                    <p class="muted">{texts.outgoing_after_hint}</p>
                </details>
            </div>
            <div class="row__actions">
                <form method="post" action=format!("{address}/remove")>
                    <input type="hidden" name="id" value=id />
                    <button type="submit" aria-label=label_of(texts.remove)>{texts.remove}</button>
                </form>
            </div>
        </li>
    }
}

/// The page that shows a new webhook's secret, this once.
struct WebhookSecret {
    webhook: Webhook,
    back: String,
}

impl Document for WebhookSecret {
    fn title(&self, texts: &Texts) -> String {
        texts.outgoing_secret.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let title = self.title(texts);
        let Self { webhook: Webhook { url, secret, .. }, back } = self;
        view! {
            <h1>{title}</h1>
            <section class="panel stack">
                <p><bdi class="address" translate="no">{url}</bdi></p>
                {shown_once(texts, "secret", texts.outgoing_secret, secret)}
                <p class="muted">{texts.outgoing_secret_hint}</p>
                <p><a href=back>{texts.back_to_hooks}</a></p>
            </section>
        }
        .into_any()
    }
}
