//! `/rooms/{room}/attach`: the form with which somebody sends files to a room without a script. The link to it in the
//! composer is also the button of `public/files.js`, which opens the browser's picker in the place of this page.
//!
//! The files are stored as the form comes in, one after the other; the message that names them is posted last. If that is
//! rejected, the files go after a day like all that no message names.

use std::net::IpAddr;

use axum::{extract::Request, response::Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    answer::{SignedIn, beside},
    document::Document,
    fields::{ABOUT, text_of_area},
    rejected::rejected_beside,
    room_of_page::{Elsewhere, room_of_page},
    texts::Texts,
};
use crate::{
    app::{
        model::room::RejectionReason,
        routes::{self, Permalink},
    },
    protocol::{
        chat::{NewMessage, Room},
        cursor::Offset,
        file::{ALT_MAX_CHARACTERS, FILES_MAX, NamedFile},
        problem::{Code, Rejection},
    },
    server::{
        error::Error,
        files::{FileError, Upload},
        http::{
            extract::{
                client_address::ClientAddress,
                path::PathText,
                query::Lenient,
                upload_form::{UploadForm, text_of},
            },
            pages::one_time_form::Once,
            redirect::back_to,
        },
    },
};

/// The parameters of the page.
#[derive(Deserialize)]
pub(super) struct Asked {
    /// The first message of the thread to which the files are sent.
    thread: Option<Offset>,
    /// The problem of a form for a client that accepts no pages.
    problem: Option<String>,
}

/// The fields of the form.
#[derive(Default)]
struct AttachForm {
    thread: Option<Offset>,
    text: String,
    alt: String,
    files: Vec<NamedFile>,
}

/// Serves the form.
pub(super) async fn show(
    signed_in: SignedIn,
    PathText(room): PathText,
    Lenient(Asked { thread, problem }): Lenient<Asked>,
) -> Result<Response, Error> {
    let problem = problem.as_deref().and_then(Code::parse).map(RejectionReason::new);
    match writable(&signed_in, &room).await? {
        Ok(room) => page(signed_in, room, problem, AttachForm { thread, ..AttachForm::default() }).await,
        Err(elsewhere) => Ok(elsewhere.answer(signed_in.asked).await),
    }
}

/// Stores the files, posts the message and leads to the room, or to the thread.
pub(super) async fn post(
    signed_in: SignedIn,
    PathText(room): PathText,
    ClientAddress(address): ClientAddress,
    Lenient(once): Lenient<Once>,
    request: Request,
) -> Result<Response, Error> {
    let room = match writable(&signed_in, &room).await? {
        Ok(room) => room,
        Err(elsewhere) => return Ok(elsewhere.answer(signed_in.asked).await),
    };
    let mut form = AttachForm::default();
    let posted = send(&signed_in, &room, (address, once), request, &mut form).await;
    let path = match form.thread {
        Some(root) => routes::thread(&room.id, &Permalink::Message(root, String::new())),
        None => routes::room(&room.id),
    };
    Ok(match posted {
        Ok(()) => back_to(&path, None),
        Err(error) => {
            let (path, error) = (routes::attach(&room.id), error.into_rejection().0.into());
            let again = async |signed_in, reason| page(signed_in, room, Some(reason), form).await;
            rejected_beside(signed_in.asked, &path, &[], error, again).await
        }
    })
}

/// The room, if the user may write in it.
async fn writable(signed_in: &SignedIn, room: &str) -> Result<Result<Room, Elsewhere>, Error> {
    let SignedIn { asked, identity } = signed_in;
    let may_write = |id: &_| asked.state.chat.check_may_post(id, identity).is_ok();
    room_of_page(signed_in, room, may_write, routes::attach).await
}

async fn send(
    SignedIn { asked, identity }: &SignedIn,
    room: &Room,
    (address, Once { once }): (IpAddr, Once),
    request: Request,
    form: &mut AttachForm,
) -> Result<(), FileError> {
    let state = &asked.state;
    let (parts, body) = request.into_parts();
    let max_bytes = state.files.max_bytes().saturating_mul(FILES_MAX as u64);
    let mut fields = UploadForm::of(&parts.headers, body.into_data_stream(), max_bytes)?;
    while let Some(field) = fields.field().await? {
        match (field.name().unwrap_or_default(), field.file_name().map(str::to_owned)) {
            ("text", None) => form.text = text_of(field).await?,
            ("alt", None) => form.alt = text_of(field).await?,
            ("thread", None) => form.thread = text_of(field).await?.parse().ok(),
            // A browser sends a field for files without any as one without a name.
            (_, Some(name)) if !name.is_empty() => {
                if form.files.len() == FILES_MAX {
                    let message = format!("A message has at most {FILES_MAX} files.");
                    return Err(Rejection::new(Code::BadRequest, message).into());
                }
                let upload = Upload { room: &room.id, who: identity, name: &name, length: None };
                let file = state.files.receive(upload, address, field).await?;
                form.files.push(NamedFile { id: file.id, alt: None });
            }
            _ => {}
        }
    }
    let message = message_of(form)?;
    let contents = ["attach", room.id.as_str(), &form.text, &form.thread.unwrap_or_default().to_string()];
    let id = state.submissions.of(&identity.user.id, once.as_deref(), &contents).client_id();
    state.chat.post(&room.id, identity, NewMessage { id, ..message }).await?;
    Ok(())
}

/// The message of the form. The description is that of the one file; with several it would be that of none.
fn message_of(form: &AttachForm) -> Result<NewMessage, Rejection> {
    let mut files = form.files.clone();
    let alt = form.alt.trim();
    if alt.chars().count() > ALT_MAX_CHARACTERS {
        let message = format!("A description has at most {ALT_MAX_CHARACTERS} characters.");
        return Err(Rejection::new(Code::TextTooLong, message));
    }
    if let ([file], false) = (&mut files[..], alt.is_empty()) {
        file.alt = Some(crate::protocol::text::clean_line(alt));
    }
    Ok(NewMessage { text: form.text.clone(), thread: form.thread, files, ..NewMessage::default() })
}

async fn page(
    signed_in: SignedIn,
    room: Room,
    problem: Option<RejectionReason>,
    form: AttachForm,
) -> Result<Response, Error> {
    beside(&signed_in, AttachPage { room, form, problem }).await
}

/// The data of the page.
struct AttachPage {
    room: Room,
    form: AttachForm,
    problem: Option<RejectionReason>,
}

impl Document for AttachPage {
    fn title(&self, texts: &Texts) -> String {
        texts.attach.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let title = self.title(texts);
        let Self { room, form: AttachForm { thread, text, alt, .. }, problem } = self;
        let about = problem.map(|reason| {
            // Elsewhere this code speaks of a server that is busy.
            let words = match reason.code {
                Code::Unavailable => texts.no_room_for_file.to_owned(),
                Code::TextEmpty => texts.no_file.to_owned(),
                _ => (texts.rejection)(reason),
            };
            view! { <p class="note" role="alert" id=ABOUT>{words}" "{texts.choose_again}</p> }
        });
        view! {
            <section class="panel stack">
                <h1>{title}</h1>
                <p class="muted"><a href=routes::room(&room.id) dir="auto">{room.name}</a></p>
                <form class="stack" method="post" action=routes::attach(&room.id) enctype="multipart/form-data">
                    {about}
                    {thread.map(|root| view! { <input type="hidden" name="thread" value=root.to_string() /> })}
                    <div class="labelled">
                        <label for="text">{texts.message}</label>
                        <textarea id="text" name="text" rows="4" dir="auto" inner_html=text_of_area(&text)></textarea>
                    </div>
                    <div class="labelled">
                        <label for="alt">{texts.alt}</label>
                        <input id="alt" name="alt" value=alt dir="auto" autocomplete="off" aria-describedby="alt-hint" />
                        <p class="muted" id="alt-hint">{texts.alt_hint}</p>
                    </div>
                    <div class="labelled">
                        <label for="file">{texts.files}</label>
                        <input
                            id="file"
                            type="file"
                            name="file"
                            multiple
                            required
                            aria-describedby=problem.map(|_| ABOUT)
                        />
                    </div>
                    <button type="submit" class="primary">{texts.send}</button>
                </form>
            </section>
        }
        .into_any()
    }
}
