//! `/share`: the form that takes what another app shares (the share target of `pages/web_app/manifest.rs`) and posts it to a
//! room that the user chooses. Without parameters it is a form to write to any room.
//!
//! Nothing is posted before the user has seen the text and sent the form, because any site may link here.

use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    answer::{SignedIn, beside},
    document::Document,
    fields::{ABOUT, problem_note, text_of_area},
    rejected::rejected_beside,
    texts::Texts,
};
use crate::{
    app::{model::room::RejectionReason, routes},
    protocol::{
        chat::{NewMessage, Room},
        name::RoomId,
        problem::Code,
    },
    server::{
        error::Error,
        http::{
            extract::{body::FormBody, query::Lenient},
            favourites,
            pages::{one_time_form, page_data},
            redirect::back_to,
        },
    },
};

/// The shared texts, named as in the manifest, and the problem of a form for a client that accepts no pages.
#[derive(Deserialize)]
pub(super) struct Shared {
    title: Option<String>,
    text: Option<String>,
    url: Option<String>,
    problem: Option<String>,
}

impl Shared {
    /// The parts below each other, each once: browsers share a page's address as its text, too.
    fn into_text(self) -> String {
        let mut lines: Vec<String> = Vec::new();
        for part in [self.title, self.text, self.url].into_iter().flatten() {
            let part = part.trim();
            if !part.is_empty() && !lines.iter().any(|line| line.contains(part)) {
                lines.retain(|line| !part.contains(line.as_str()));
                lines.push(part.to_owned());
            }
        }
        lines.join("\n")
    }
}

/// Serves the form.
pub(super) async fn show(signed_in: SignedIn, Lenient(shared): Lenient<Shared>) -> Result<Response, Error> {
    let problem = shared.problem.as_deref().and_then(Code::parse).map(RejectionReason::new);
    let form = ShareForm { room: String::new(), text: shared.into_text(), once: one_time_form::new_id() };
    page(signed_in, problem, form).await
}

/// The fields of the form.
#[derive(Deserialize)]
pub(super) struct ShareForm {
    #[serde(default)]
    room: String,
    text: String,
    /// The one-time id: a form that is sent twice posts once.
    #[serde(default)]
    once: String,
}

/// Posts the message and leads to its room.
pub(super) async fn post(
    SignedIn { asked, identity }: SignedIn,
    FormBody(form): FormBody<ShareForm>,
) -> Response {
    let state = &asked.state;
    let posted = async {
        let room = state.chat.room(&form.room, Some(&identity)).await?;
        let contents = ["share", room.as_str(), &form.text];
        let id = state.submissions.of(&identity.user.id, Some(&form.once), &contents).client_id();
        let message = NewMessage { id, text: form.text.clone(), ..NewMessage::default() };
        state.chat.post(&room, &identity, message).await?;
        Ok(room)
    };
    match posted.await {
        Ok(room) => back_to(&routes::room(&room), None),
        Err(error) => {
            let again = async |signed_in, reason| page(signed_in, Some(reason), form).await;
            rejected_beside(asked, routes::SHARE, &[], error, again).await
        }
    }
}

async fn page(
    signed_in: SignedIn,
    problem: Option<RejectionReason>,
    form: ShareForm,
) -> Result<Response, Error> {
    let SignedIn { asked, identity } = &signed_in;
    let mut rooms = page_data::rooms_of(&asked.state, Some(identity)).await?;
    rooms.retain(|room| !room.archived);
    let first = favourites::read(&asked.state.site, &asked.headers);
    beside(&signed_in, SharePage { rooms: in_order(rooms, &first), form, problem }).await
}

/// The favourites first, in their own order, as in the sidebar.
fn in_order(mut rooms: Vec<Room>, favourites: &[RoomId]) -> Vec<Room> {
    let place = |room: &Room| favourites.iter().position(|id| *id == room.id).unwrap_or(favourites.len());
    rooms.sort_by_key(place);
    rooms
}

/// The data of the page.
struct SharePage {
    /// The rooms that the user may write to.
    rooms: Vec<Room>,
    form: ShareForm,
    problem: Option<RejectionReason>,
}

impl Document for SharePage {
    fn title(&self, texts: &Texts) -> String {
        texts.share.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let title = self.title(texts);
        let Self { rooms, form, problem } = self;
        let content = match rooms.is_empty() {
            true => view! { <p>{texts.no_room}</p> }.into_any(),
            false => fields(texts, rooms, form, problem).into_any(),
        };
        view! { <section class="panel stack"><h1>{title}</h1>{content}</section> }.into_any()
    }
}

fn fields(
    texts: &'static Texts,
    rooms: Vec<Room>,
    ShareForm { room: chosen, text, once }: ShareForm,
    problem: Option<RejectionReason>,
) -> impl IntoView + use<> {
    let option = |Room { id, name, .. }: Room| {
        let is_chosen = id.as_str() == chosen;
        view! { <option value=id.as_str().to_owned() selected=is_chosen dir="auto">{name}</option> }
    };
    let options: Vec<_> = rooms.into_iter().map(option).collect();
    view! {
        <form class="stack" method="post" action=routes::SHARE>
            {problem_note(texts, problem)}
            <input type="hidden" name="once" value=once />
            <div class="labelled">
                <label for="room">{texts.room}</label>
                <select id="room" name="room" required translate="no">{options}</select>
            </div>
            <div class="labelled">
                <label for="text">{texts.message}</label>
                <textarea
                    id="text"
                    name="text"
                    rows="6"
                    dir="auto"
                    required
                    aria-invalid=problem.map(|_| "true")
                    aria-describedby=problem.map(|_| ABOUT)
                    inner_html=text_of_area(&text)
                ></textarea>
            </div>
            <button type="submit" class="primary">{texts.send}</button>
        </form>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_what_was_shared_stand_below_each_other_each_once() {
        for (parts, text) in [
            (["A page", "Look at this", "https://x.example/a"], "A page\nLook at this\nhttps://x.example/a"),
            (["A page", "https://x.example/a", "https://x.example/a"], "A page\nhttps://x.example/a"),
            (["A page", "A page: https://x.example/a", ""], "A page: https://x.example/a"),
            (["", " ", "https://x.example/a"], "https://x.example/a"),
            (["", "", ""], ""),
        ] {
            let [title, shared, url] = parts.map(|part| Some(part.to_owned()));
            assert_eq!(Shared { title, text: shared, url, problem: None }.into_text(), text);
        }
    }
}
