//! `/api/push`: the devices of the user who asks that get push notifications, their settings, and their rules for events of
//! the feed. The router calls it. It
//! never names a key of a device, nor its address at a push service.

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::rooms::Answer;
use crate::{
    app::i18n::Language,
    protocol::{
        cursor::Offset,
        feed::Level,
        members::Members,
        name::RoomId,
        problem::{Code, Rejection},
        publication::parse_level,
    },
    server::{
        error::Error,
        http::extract::{
            body::{FromMembers, JsonBody},
            cookies,
            path::PathText,
            query::Lenient,
            user::AuthenticatedUser,
        },
        notify::{Device, EventNotifications, FeedRule, NewDevice, NotificationSettings, QuietHours},
        state::AppState,
    },
};

/// The answer of `GET /api/push`.
#[derive(Serialize)]
pub(crate) struct PushState {
    /// The key to subscribe with; absent where the server sends no pushes.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<String>,
    subscriptions: Vec<ShownDevice>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quiet: Option<QuietHours>,
    every_message: bool,
    rules: Vec<FeedRule>,
}

#[derive(Serialize)]
struct ShownDevice {
    id: String,
    agent: String,
    service: String,
    language: String,
    since: i64,
}

impl ShownDevice {
    fn of((id, device): (String, Device)) -> Self {
        let service = device.service();
        let Device { agent, language, since, .. } = device;
        Self { id, agent, service, language, since }
    }
}

/// Answers with the server's key, and the caller's devices, settings and rules.
pub(crate) async fn show(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
) -> Result<Json<PushState>, Error> {
    let devices = state.notifier.devices(&identity.user.id).await?.into_iter();
    let NotificationSettings { quiet, every_message, .. } =
        state.notifier.settings_of(&identity.user.id).await?;
    Ok(Json(PushState {
        public_key: state.notifier.public_key(),
        subscriptions: devices.map(ShownDevice::of).collect(),
        quiet,
        every_message,
        rules: state.notifier.rules_of(&identity.user.id).await?,
    }))
}

/// The body of `POST /api/push/subscriptions`: what `PushSubscription.toJSON` gives, and more.
pub(crate) struct NewSubscription {
    endpoint: String,
    p256dh: String,
    auth: String,
    language: Option<Language>,
    replaces: Option<String>,
    ignored: Vec<String>,
}

impl FromMembers for NewSubscription {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let endpoint = members.required_text(&["endpoint"])?;
        let keys = members.optional(&["keys"]).map_or(Value::Null, |(_, keys)| keys);
        let mut keys = Members::of(keys, "member keys", Code::BadRequest)?;
        let (p256dh, auth) = (keys.required_text(&["p256dh"])?, keys.required_text(&["auth"])?);
        let language = members.text(&["language"])?.and_then(|tag| Language::parse(&tag));
        let replaces = members.text(&["replaces"])?;
        // A browser's own: none of those that there are lets a subscription expire.
        members.optional(&["expirationTime"]);
        Ok(Self { endpoint, p256dh, auth, language, replaces, ignored: members.ignored() })
    }
}

/// The answer to it.
#[derive(Serialize)]
pub(crate) struct Registered {
    id: String,
}

/// Registers a device of the caller.
pub(crate) async fn register(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
    headers: HeaderMap,
    JsonBody(new): JsonBody<NewSubscription>,
) -> Result<(StatusCode, Json<Answer<Registered>>), Error> {
    state.limits.mark(&identity.user).await?;
    let NewSubscription { endpoint, p256dh, auth, language, replaces, ignored } = new;
    let language = language.unwrap_or_else(|| language_of(&state, &headers));
    let device = NewDevice { endpoint, p256dh, auth, language, replaces };
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let id = state.notifier.register(&identity, device, agent).await?;
    Ok((StatusCode::CREATED, Json(Answer::new(Registered { id }, ignored))))
}

/// The language of a browser that names none.
/// The language of a request.
pub(super) fn language_of(state: &AppState, headers: &HeaderMap) -> Language {
    let cookie = cookies::read(&state.site, headers, Language::COOKIE);
    let accept = headers.get(header::ACCEPT_LANGUAGE).and_then(|accept| accept.to_str().ok());
    Language::negotiate(cookie.as_deref(), accept)
}

/// Removes a device of the caller.
pub(crate) async fn remove(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
    PathText(id): PathText,
) -> Result<StatusCode, Error> {
    state.notifier.remove(&identity.user.id, &id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The body of `PUT /api/push/settings`. What is absent is turned off.
pub(crate) struct NewSettings {
    settings: NotificationSettings,
}

impl FromMembers for NewSettings {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let quiet = match members.optional(&["quiet"]) {
            None => None,
            Some((_, quiet)) => {
                let mut quiet = Members::of(quiet, "member quiet", Code::BadRequest)?;
                let mut text = |name| quiet.required_text(&[name]);
                Some(QuietHours::parse(&text("from")?, &text("to")?, &text("zone")?)?)
            }
        };
        let every_message = members.truth("every_message")?.unwrap_or_default();
        members.reject_unknown(&["quiet", "every_message"], |_| true)?;
        Ok(Self { settings: NotificationSettings::new(quiet, every_message) })
    }
}

/// Changes the settings of the caller.
pub(crate) async fn set(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
    JsonBody(NewSettings { settings }): JsonBody<NewSettings>,
) -> Result<StatusCode, Error> {
    state.limits.mark(&identity.user).await?;
    state.notifier.set(&identity, settings).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The query of `GET /api/user/notification`.
#[derive(Deserialize)]
pub(crate) struct NotificationQuery {
    room: String,
    /// The message; without it the newest one that the room shows.
    offset: Option<Offset>,
}

/// Answers with what an open page shows of a message to the caller, as a push has it: 204 if it shows nothing.
pub(crate) async fn notification(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
    headers: HeaderMap,
    Lenient(NotificationQuery { room, offset }): Lenient<NotificationQuery>,
) -> Result<Response, Error> {
    let (room, language) = (RoomId::parse(&room)?, language_of(&state, &headers));
    let found = state.notifier.for_open_page(&identity.user.id, &room, offset, language).await?;
    Ok(found.map_or_else(|| StatusCode::NO_CONTENT.into_response(), |found| Json(found).into_response()))
}

/// The query of `GET /api/user/events`.
#[derive(Deserialize)]
pub(crate) struct EventsQuery {
    /// The `cursor` of another answer.
    after: Option<String>,
}

/// Answers with what an open page shows of the feed's events to the caller, as pushes have them.
pub(crate) async fn events(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
    headers: HeaderMap,
    Lenient(EventsQuery { after }): Lenient<EventsQuery>,
) -> Result<Json<EventNotifications>, Error> {
    let bad = |_| Rejection::new(Code::BadCursor, "after must be the cursor of another answer.");
    let after = after.map(|text| text.parse().map_err(bad)).transpose()?;
    let language = language_of(&state, &headers);
    Ok(Json(state.notifier.events_for_open_page(&identity.user.id, after, language).await?))
}

/// The body of `PUT /api/push/rules`.
pub(crate) struct NewRules {
    rules: Vec<FeedRule>,
}

impl FromMembers for NewRules {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let (_, rules) = members.optional(&["rules"]).ok_or_else(|| members.missing(&["rules"]))?;
        members.reject_unknown(&["rules"], |_| true)?;
        let Value::Array(rules) = rules else {
            return Err(members.rejection("rules has to be a list; an empty one removes all.".to_owned()));
        };
        let rules = rules.into_iter().map(|rule| {
            let mut rule = Members::of(rule, "rule", Code::BadRequest)?;
            let channel = rule.required_text(&["channel"])?;
            let level = match rule.text(&["level"])? {
                None => Level::default(),
                Some(word) => parse_level("level", &word.trim().to_lowercase()).ok_or_else(|| {
                    rule.rejection(format!("level is one of: {}.", Level::ALL.map(Level::as_str).join(", ")))
                })?,
            };
            rule.reject_unknown(&["channel", "level"], |_| true)?;
            FeedRule::parse(&channel, level)
        });
        Ok(Self { rules: rules.collect::<Result<_, _>>()? })
    }
}

/// Replaces the caller's rules for events of the feed.
pub(crate) async fn set_rules(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
    JsonBody(NewRules { rules }): JsonBody<NewRules>,
) -> Result<StatusCode, Error> {
    state.limits.mark(&identity.user).await?;
    state.notifier.set_rules(&identity, rules).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a test to the caller's devices.
pub(crate) async fn test(
    State(state): State<AppState>,
    AuthenticatedUser(identity): AuthenticatedUser,
) -> Result<StatusCode, Error> {
    // Each is a request to another server.
    state.limits.message(&identity.user).await?;
    state.notifier.test(&identity).await?;
    Ok(StatusCode::ACCEPTED)
}
