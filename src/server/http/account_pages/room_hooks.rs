//! `/rooms/{room}/hooks`: the page on which a room's owner and administrators manage its webhooks. For everybody else it is the
//! page for unknown addresses.

use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    answer::{SignedIn, beside},
    document::Document,
    fields::{labelled_input, problem_note, secret_input, secret_problem, shown_once, try_it},
    invitations::address_of,
    outcome::Outcome,
    rejected::rejected_beside,
    room_of_page::room_of_page,
    room_settings::actor_of,
    texts::Texts,
    time::time,
};
use crate::{
    app::{
        model::{direction::isolated, room::RejectionReason},
        routes,
    },
    protocol::{chat::Room, name::RoomId},
    server::{
        auth::SigningSecret,
        authz::Hook,
        error::Error,
        http::{
            api::hooks::path_of,
            extract::{body::FormBody, path::PathText, query::Lenient},
            pages::one_time_form::new_id,
            redirect::see,
        },
    },
};

/// Serves the page.
pub(super) async fn show(
    PathText(room): PathText,
    signed_in: SignedIn,
    Lenient(outcome): Lenient<Outcome>,
) -> Result<Response, Error> {
    page(&room, signed_in, outcome.problem(), String::new()).await
}

async fn page(
    room: &str,
    signed_in: SignedIn,
    problem: Option<RejectionReason>,
    name: String,
) -> Result<Response, Error> {
    let actor = actor_of(&signed_in);
    let may_see = |room: &RoomId| signed_in.asked.state.chat.may_manage(room, &actor);
    let known = match room_of_page(&signed_in, room, may_see, routes::room_hooks).await? {
        Ok(known) => known,
        Err(elsewhere) => return Ok(elsewhere.answer(signed_in.asked).await),
    };
    let asked = &signed_in.asked;
    let hooks = asked.state.chat.hooks(&known.id, &actor).await?;
    beside(&signed_in, Hooks { room: known, hooks, name, once: new_id(), problem }).await
}

/// The fields of the form that creates a webhook.
#[derive(Deserialize)]
pub(super) struct HookForm {
    name: String,
    #[serde(default)]
    secret: String,
    once: Option<String>,
}

/// Creates a webhook and shows its address, this once.
pub(super) async fn make(
    PathText(room): PathText,
    signed_in: SignedIn,
    FormBody(HookForm { name, secret, once }): FormBody<HookForm>,
) -> Result<Response, Error> {
    let actor = actor_of(&signed_in);
    let SignedIn { asked, identity } = &signed_in;
    let room = asked.state.chat.room(&room, Some(identity)).await?;
    let contents = ["hook", room.as_str(), &name, &secret];
    let submission = asked.state.submissions.of(&identity.user.id, once.as_deref(), &contents);
    let made = async {
        let secret = SigningSecret::parse(&secret)?;
        asked.state.chat.make_hook(&room, &actor, &name, secret, &submission).await
    };
    match made.await {
        Ok((hook, token)) => {
            let address = address_of(asked, &path_of(&token));
            beside(&signed_in, HookAddress { hook, address }).await
        }
        Err(error) => {
            let page = async |signed_in, reason| page(room.as_str(), signed_in, Some(reason), name).await;
            Ok(rejected_beside(signed_in.asked, &routes::room_hooks(&room), &[], error, page).await)
        }
    }
}

/// The field of the form that removes a webhook.
#[derive(Deserialize)]
pub(super) struct IdForm {
    id: String,
}

/// Removes a webhook. One that is gone already is no error.
pub(super) async fn remove(
    PathText(room): PathText,
    signed_in: SignedIn,
    FormBody(IdForm { id }): FormBody<IdForm>,
) -> Result<Response, Error> {
    let actor = actor_of(&signed_in);
    let SignedIn { asked, identity } = signed_in;
    let room = asked.state.chat.room(&room, Some(&identity)).await?;
    let path = routes::room_hooks(&room);
    let is_known = asked.state.chat.hooks(&room, &actor).await?.iter().any(|hook| hook.id == id);
    if is_known {
        asked.state.chat.remove_hook(&room, &actor, &id).await?;
    }
    Ok(see(&path, &[]))
}

/// The data of the page.
struct Hooks {
    room: Room,
    hooks: Vec<Hook>,
    /// The rejected name that was typed.
    name: String,
    once: String,
    problem: Option<RejectionReason>,
}

impl Document for Hooks {
    fn title(&self, texts: &Texts) -> String {
        (texts.hooks_of)(&isolated(&self.room.name))
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let title = self.title(texts);
        let Self { room, hooks, name, once, problem } = self;
        let address = routes::room_hooks(&room.id);
        let (of_secret, of_name) = secret_problem(problem);
        let is_empty = hooks.is_empty();
        let rows: Vec<_> = hooks.into_iter().map(|hook| row(texts, &address, hook)).collect();
        view! {
            <h1>{title}</h1>
            <section class="panel stack">
                <p class="muted">{texts.hooks_intro}</p>
                {is_empty.then(|| view! { <p>{texts.no_hooks}</p> })}
                <ul class="rows">{rows}</ul>
            </section>
            <form class="panel stack" method="post" action=address aria-labelledby="make-heading">
                <h2 id="make-heading">{texts.new_hook}</h2>
                {problem_note(texts, of_name)}
                {labelled_input("name", texts.name, name, Some(texts.hook_name_hint), of_name)}
                {secret_input(texts, of_secret)}
                <input type="hidden" name="once" value=once />
                <button type="submit" class="primary">{texts.make_hook}</button>
            </form>
            <p><a href=routes::room_settings(&room.id)>{texts.back_to_settings}</a></p>
        }
        .into_any()
    }
}

fn row(texts: &'static Texts, address: &str, hook: Hook) -> impl IntoView + use<> {
    let template = routes::hook_template(&hook.room, &hook.id);
    let Hook { id, name, by, last_used_at, .. } = hook;
    let used = match last_used_at {
        Some(at) => view! { {texts.last_used} " " {time(at)} }.into_any(),
        None => texts.never_used.into_any(),
    };
    let remove = format!("{}: {}", texts.remove, isolated(&name));
    view! {
        <li class="row">
            <div>
                <p class="row__head"><b><bdi translate="no">{name}</bdi></b></p>
                <p class="muted"><bdi translate="no">{by.name}</bdi> " · " {used} " · " <a href=template>{texts.template}</a></p>
            </div>
            <form method="post" action=format!("{address}/remove")>
                <input type="hidden" name="id" value=id />
                <button type="submit" aria-label=remove>{texts.remove}</button>
            </form>
        </li>
    }
}

/// The page that shows a new webhook's address, this once: only the hash of its token is kept.
struct HookAddress {
    hook: Hook,
    address: String,
}

impl Document for HookAddress {
    fn title(&self, texts: &Texts) -> String {
        (texts.address_of_hook)(&isolated(&self.hook.name))
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let title = self.title(texts);
        let Self { hook, address } = self;
        let command = format!("curl -d '{{\"text\":\"hello\"}}' {address}");
        view! {
            <h1>{title}</h1>
            <section class="panel stack">
                {shown_once(texts, "address", texts.address, address)}
                {try_it(texts, command, (routes::room_hooks(&hook.room), texts.back_to_hooks))}
            </section>
        }
        .into_any()
    }
}
