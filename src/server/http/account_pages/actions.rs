//! `/actions` and `/rooms/{room}/actions`: the log of what administrators, owners and moderators did. The first is for
//! administrators, the second for those who may change the room.

use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    answer::{SignedIn, beside},
    document::Document,
    not_found,
    room_settings::actor_of,
    texts::Texts,
    time::time,
};
use crate::{
    app::routes,
    protocol::name::RoomId,
    server::{
        authz::{Action, Deed},
        error::Error,
        http::extract::{path::PathText, query::Lenient},
    },
};

/// Actions of a page.
const LIMIT: usize = 50;

/// The query of a page.
#[derive(Deserialize)]
pub(super) struct Before {
    before: Option<String>,
}

/// Serves the log of all rooms. The router lets administrators here only.
pub(super) async fn show(
    signed_in: SignedIn,
    Lenient(Before { before }): Lenient<Before>,
) -> Result<Response, Error> {
    page(&signed_in, None, before).await
}

/// Serves the log of a room.
pub(super) async fn show_room(
    PathText(room): PathText,
    signed_in: SignedIn,
    Lenient(Before { before }): Lenient<Before>,
) -> Result<Response, Error> {
    let chat = &signed_in.asked.state.chat;
    let found = chat.room(&room, Some(&signed_in.identity)).await.ok();
    match found.filter(|room| chat.may_manage(room, &actor_of(&signed_in))) {
        Some(room) => page(&signed_in, Some(room), before).await,
        None => Ok(not_found(signed_in.asked).await),
    }
}

async fn page(signed_in: &SignedIn, room: Option<RoomId>, before: Option<String>) -> Result<Response, Error> {
    let rights = &signed_in.asked.state.rights;
    let actions = rights.actions(room.as_ref(), before.as_deref(), LIMIT).await?;
    beside(signed_in, Actions { room, actions }).await
}

/// The data of the page.
struct Actions {
    room: Option<RoomId>,
    /// With their ids, the newest first.
    actions: Vec<(String, Action)>,
}

impl Document for Actions {
    fn title(&self, texts: &Texts) -> String {
        texts.actions.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let title = self.title(texts);
        let Self { room, actions } = self;
        let address = room.as_ref().map_or_else(|| routes::ACTIONS.to_owned(), routes::room_actions);
        let next = actions.last().filter(|_| actions.len() == LIMIT).map(|(id, _)| {
            view! { <p><a href=format!("{address}?before={id}")>{texts.earlier_actions}</a></p> }
        });
        let back = room
            .map(|room| view! { <p><a href=routes::room_settings(&room)>{texts.back_to_settings}</a></p> });
        let is_empty = actions.is_empty();
        let rows: Vec<_> = actions.into_iter().map(|(_, action)| row(texts, action)).collect();
        view! {
            <h1>{title}</h1>
            <section class="panel stack">
                {is_empty.then(|| view! { <p>{texts.no_actions}</p> })}
                <ul class="rows">{rows}</ul>
                {next}
            </section>
            {back}
        }
        .into_any()
    }
}

fn row(texts: &'static Texts, Action { at, by, deed, room, to, detail }: Action) -> impl IntoView + use<> {
    let name = |name: String| view! { <bdi translate="no">{name}</bdi> };
    let to = to.map(|to| view! { " · " {name(to.name)} });
    let room = room.map(|room| view! { " · " {name(room.to_string())} });
    let detail = match (deed, detail) {
        (_, None) => ().into_any(),
        (Deed::Mute, Some(until)) => {
            let end = until.parse().ok().map(time);
            view! { " · " {texts.until} " " {end} }.into_any()
        }
        (Deed::DeleteMessage | Deed::DismissReports, Some(offset)) => view! { " · #" {offset} }.into_any(),
        (_, Some(detail)) => view! { " · " {name(detail)} }.into_any(),
    };
    view! {
        <li class="row">
            <div>
                <p class="row__head"><b>{name(by.name)}</b> " " {(texts.deed)(deed)}</p>
                <p class="muted">{time(at)} {room} {to} {detail}</p>
            </div>
        </li>
    }
}
