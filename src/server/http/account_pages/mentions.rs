//! `/mentions`: the messages that mention the user, newest first, each with the link to its place in the room.

use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    answer::{SignedIn, beside},
    document::Document,
    texts::Texts,
    time::time,
};
use crate::{
    app::routes::{self, Permalink},
    protocol::{
        chat::{Message, Room},
        mention_list::{MentionPlace, MentioningMessage},
    },
    server::{
        error::Error,
        http::{api::user::MENTIONS_DEFAULT, extract::query::Lenient, pages::page_data},
    },
};

/// The place where the page begins.
#[derive(Deserialize)]
pub(super) struct Query {
    before: Option<String>,
}

/// Serves the page. An address that was mistyped begins at the newest.
pub(super) async fn show(
    signed_in: SignedIn,
    Lenient(Query { before }): Lenient<Query>,
) -> Result<Response, Error> {
    let SignedIn { asked, identity } = &signed_in;
    let before = before.and_then(|text| text.parse().ok());
    let chat = &asked.state.chat;
    let page = chat.mentions(identity, before.as_ref(), MENTIONS_DEFAULT).await?;
    let rooms = page_data::rooms_of(&asked.state, Some(identity)).await?;
    let mentions = page.mentions.into_iter().map(|mention| Mention::new(mention, &rooms)).collect();
    beside(&signed_in, MentionsPage { mentions, next: page.next }).await
}

/// A message that mentions the user.
struct Mention {
    message: Message,
    is_read: bool,
    room_name: String,
}

impl Mention {
    fn new(MentioningMessage { message, read: is_read }: MentioningMessage, rooms: &[Room]) -> Self {
        let room = rooms.iter().find(|room| room.id == message.room);
        let room_name = room.map_or_else(|| message.room.to_string(), |room| room.name.clone());
        Self { message, is_read, room_name }
    }
}

/// The data of the page.
struct MentionsPage {
    mentions: Vec<Mention>,
    next: Option<MentionPlace>,
}

impl Document for MentionsPage {
    fn title(&self, texts: &Texts) -> String {
        texts.mentions.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let title = self.title(texts);
        let Self { mentions, next } = self;
        let content = match mentions.is_empty() {
            true => view! { <p class="panel muted">{texts.no_mentions}</p> }.into_any(),
            false => {
                let rows: Vec<_> = mentions.into_iter().map(|mention| row(texts, mention)).collect();
                view! { <ol class="rows stack">{rows}</ol> }.into_any()
            }
        };
        let older = next.map(|next| {
            let href = format!("{}?before={}", routes::MENTIONS, routes::encode(&next.to_string()));
            view! { <p><a href=href>{texts.older}</a></p> }
        });
        view! { <h1>{title}</h1> {content} {older} }.into_any()
    }
}

fn row(texts: &'static Texts, Mention { message, is_read, room_name }: Mention) -> impl IntoView + use<> {
    let place = Permalink::Message(message.offset, String::new());
    let href = match message.thread {
        Some(_) => routes::thread(&message.room, &place),
        None => routes::permalink(&message.room, &place),
    };
    let text = match message.html {
        Some(html) => view! { <div class="formatted" inner_html=html></div> }.into_any(),
        None => view! { <p class="pre" dir="auto">{message.text}</p> }.into_any(),
    };
    view! {
        <li class="panel stack">
            <p class="row__head">
                <b><bdi translate="no">{message.user}</bdi></b>
                <a href=routes::room(&message.room)>"#" <bdi translate="no">{room_name}</bdi></a>
                <a href=href>{time(message.timestamp)}</a>
                {(!is_read).then(|| view! { <span class="badge">{texts.unread}</span> })}
            </p>
            {text}
        </li>
    }
}
