//! `…/template` of a room's webhook and of a publisher: by which `/hooks/{token}/template` makes an event of any JSON. The
//! router calls it. The chat decides who manages a webhook, and administrators manage publishers.
//!
//! * `engine`: parsing and rendering
//! * `language`: what a template may use

pub(crate) mod engine;
mod language;

use axum::{Json, extract::State, http::StatusCode};

use crate::{
    protocol::{
        members::Members,
        problem::{Code, Rejection},
    },
    server::{
        auth::{Actor, HookTemplate, publishers::Publisher},
        authz::{Action, Deed, Hook},
        error::Error,
        http::extract::{
            actor::Acting,
            administrator::Administrator,
            body::{FromMembers, JsonBody},
            path::{PathPair, PathText},
        },
        state::AppState,
        store::directory::Kind,
    },
};

/// The members of a template, of which each may be absent.
const MEMBERS: [&str; 6] = ["title", "text", "level", "link", "key", "tags"];

/// The body of `PUT …/template`.
pub(crate) struct NewTemplate(HookTemplate);

impl FromMembers for NewTemplate {
    fn from_members(members: &mut Members) -> Result<Self, Rejection> {
        let mut text = |name| members.verbatim_or_empty(name).map(Option::unwrap_or_default);
        let template = HookTemplate {
            title: text("title")?,
            text: text("text")?,
            level: text("level")?,
            link: text("link")?,
            key: text("key")?,
            tags: text("tags")?,
        };
        members.reject_unknown(&MEMBERS, |_| true)?;
        checked(&template)?;
        Ok(Self(template))
    }
}

/// The owner of a template: what has the token.
pub(crate) enum Owner {
    /// A room's webhook.
    Hook(Hook),
    /// A publisher.
    Publisher(Publisher),
}

impl Owner {
    /// The webhook of a room, for those who may change it.
    pub(crate) async fn hook(state: &AppState, by: &Actor, room: &str, id: &str) -> Result<Self, Error> {
        let room = state.chat.room(room, by.identity.as_ref()).await?;
        Ok(Self::Hook(state.chat.hook(&room, by, id).await?))
    }

    /// A publisher. The caller has checked that an administrator asks.
    pub(crate) async fn publisher(state: &AppState, id: &str) -> Result<Self, Error> {
        let known = state.publishers.list().await?.into_iter().find(|publisher| publisher.id == id);
        let unknown = || Rejection::new(Code::NotFound, "This publisher does not exist.");
        Ok(Self::Publisher(known.ok_or_else(unknown)?))
    }

    /// Its id.
    pub(crate) fn id(&self) -> &str {
        match self {
            Self::Hook(hook) => &hook.id,
            Self::Publisher(publisher) => &publisher.id,
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Hook(hook) => &hook.name,
            Self::Publisher(publisher) => &publisher.name,
        }
    }

    /// Its template. Errors: [`Code::NotFound`].
    async fn template(&self, state: &AppState) -> Result<Json<HookTemplate>, Error> {
        let none = || Rejection::new(Code::NotFound, "There is no template yet.");
        Ok(Json(state.templates.read(self.id()).await?.ok_or_else(none)?))
    }

    /// Sets its template.
    pub(crate) async fn set(
        &self,
        state: &AppState,
        by: &Actor,
        template: &HookTemplate,
    ) -> Result<(), Error> {
        checked(template)?;
        let kind = match self {
            Self::Hook(_) => Kind::Hook,
            Self::Publisher(_) => Kind::Publisher,
        };
        match state.templates.set((kind, self.id()), template, self.action(by).written()).await? {
            true => Ok(()),
            false => Err(Rejection::new(Code::NotFound, "It was removed in the meantime.").into()),
        }
    }

    /// Removes its template. Returns false if there was none.
    pub(crate) async fn remove(&self, state: &AppState, by: &Actor) -> Result<bool, Error> {
        state.templates.remove(self.id(), self.action(by).written()).await
    }

    fn action(&self, by: &Actor) -> Action {
        match self {
            Self::Hook(hook) => Action::in_room(by, Deed::SetTemplate, &hook.room),
            Self::Publisher(_) => Action::new(by, Deed::SetTemplate),
        }
        .with(self.name().to_owned())
    }
}

fn checked(template: &HookTemplate) -> Result<(), Rejection> {
    let refused = |fault| Rejection::new(Code::BadRequest, format!("The template has a fault: {fault}."));
    engine::check(template).map_err(refused)
}

/// The template of a webhook: 200.
pub(crate) async fn of_hook(
    State(state): State<AppState>,
    Acting(actor): Acting,
    PathPair(room, id): PathPair,
) -> Result<Json<HookTemplate>, Error> {
    Owner::hook(&state, &actor, &room, &id).await?.template(&state).await
}

/// Sets the template of a webhook: 200 and the template.
pub(crate) async fn set_of_hook(
    State(state): State<AppState>,
    Acting(actor): Acting,
    PathPair(room, id): PathPair,
    JsonBody(NewTemplate(template)): JsonBody<NewTemplate>,
) -> Result<Json<HookTemplate>, Error> {
    Owner::hook(&state, &actor, &room, &id).await?.set(&state, &actor, &template).await?;
    Ok(Json(template))
}

/// Removes the template of a webhook: 204.
pub(crate) async fn remove_of_hook(
    State(state): State<AppState>,
    Acting(actor): Acting,
    PathPair(room, id): PathPair,
) -> Result<StatusCode, Error> {
    removed(Owner::hook(&state, &actor, &room, &id).await?.remove(&state, &actor).await?)
}

/// The template of a publisher: 200.
pub(crate) async fn of_publisher(
    State(state): State<AppState>,
    _: Administrator,
    PathText(id): PathText,
) -> Result<Json<HookTemplate>, Error> {
    Owner::publisher(&state, &id).await?.template(&state).await
}

/// Sets the template of a publisher: 200 and the template.
pub(crate) async fn set_of_publisher(
    State(state): State<AppState>,
    _: Administrator,
    Acting(actor): Acting,
    PathText(id): PathText,
    JsonBody(NewTemplate(template)): JsonBody<NewTemplate>,
) -> Result<Json<HookTemplate>, Error> {
    Owner::publisher(&state, &id).await?.set(&state, &actor, &template).await?;
    Ok(Json(template))
}

/// Removes the template of a publisher: 204.
pub(crate) async fn remove_of_publisher(
    State(state): State<AppState>,
    _: Administrator,
    Acting(actor): Acting,
    PathText(id): PathText,
) -> Result<StatusCode, Error> {
    removed(Owner::publisher(&state, &id).await?.remove(&state, &actor).await?)
}

fn removed(was_there: bool) -> Result<StatusCode, Error> {
    match was_there {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(Rejection::new(Code::NotFound, "There is no template.").into()),
    }
}
