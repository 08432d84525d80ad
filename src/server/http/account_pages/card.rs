//! `/people/{account}`: the card of a person, for those who share a room with them: since when they are here, when they were
//! seen, and forms to write to them and to block them. The room's page links to it.
//!
//! Whoever shares no room with a person gets the page for unknown addresses, as for somebody who does not exist.

use axum::response::Response;
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    answer::{SignedIn, beside},
    document::Document,
    fields::problem_note,
    not_found,
    outcome::Outcome,
    rejected::rejected_beside,
    texts::Texts,
    time::day,
};
use crate::{
    app::{avatar_of, model::room::RejectionReason, routes},
    protocol::{problem::Code, session::User},
    server::{
        chat::Card,
        error::Error,
        http::{
            extract::{body::FormBody, path::PathText, query::Lenient},
            redirect::back_to,
        },
    },
};

/// Serves the card.
pub(super) async fn show(
    PathText(account): PathText,
    signed_in: SignedIn,
    Lenient(outcome): Lenient<Outcome>,
) -> Result<Response, Error> {
    page(&account, signed_in, outcome.problem()).await
}

async fn page(
    account: &str,
    signed_in: SignedIn,
    problem: Option<RejectionReason>,
) -> Result<Response, Error> {
    let SignedIn { asked, identity } = &signed_in;
    let card = match asked.state.chat.card(identity, account).await {
        Ok(card) => card,
        Err(Error::Rejected(rejection)) if rejection.code == Code::UnknownPerson => {
            return Ok(not_found(signed_in.asked).await);
        }
        Err(error) => return Err(error),
    };
    let is_me = identity.user.id == account;
    beside(&signed_in, CardPage { card, is_me, problem }).await
}

/// Leads to the direct messages with the person, which begin with that.
pub(super) async fn write(
    PathText(account): PathText,
    SignedIn { asked, identity }: SignedIn,
) -> Result<Response, Error> {
    match asked.state.chat.open_direct(&identity, std::slice::from_ref(&account)).await {
        Ok((direct, _)) => Ok(back_to(&routes::room(&direct.room), None)),
        Err(error) => Ok(rejected(asked, &account, error).await),
    }
}

/// The field of the form that blocks a person, or ends that.
#[derive(Deserialize)]
pub(super) struct BlockForm {
    on: bool,
}

/// Blocks the person, or ends that.
pub(super) async fn block(
    PathText(account): PathText,
    SignedIn { asked, identity }: SignedIn,
    FormBody(BlockForm { on }): FormBody<BlockForm>,
) -> Result<Response, Error> {
    match asked.state.chat.set_blocked(&identity, &account, on).await {
        Ok(()) => Ok(back_to(&routes::person(&account), None)),
        Err(error) => Ok(rejected(asked, &account, error).await),
    }
}

async fn rejected(asked: crate::server::http::pages::PageRequest, account: &str, error: Error) -> Response {
    let page = async |signed_in, reason| page(account, signed_in, Some(reason)).await;
    rejected_beside(asked, &routes::person(account), &[], error, page).await
}

/// The data of the page.
struct CardPage {
    card: Card,
    /// True for one's own card.
    is_me: bool,
    problem: Option<RejectionReason>,
}

impl Document for CardPage {
    fn title(&self, _: &Texts) -> String {
        self.card.user.name.clone()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let Self { card: Card { user: User { id, name }, since, seen, is_blocked }, is_me, problem } = self;
        let address = routes::person(&id);
        let since = since.map(|since| view! { <dt>{texts.here_since}</dt> <dd>{day(since)}</dd> });
        let write = (!is_me && !is_blocked).then(|| {
            view! {
                <form method="post" action=format!("{address}/message")>
                    <button type="submit" class="primary">{texts.write_to_person}</button>
                </form>
            }
        });
        let block = (!is_me).then(|| {
            let (text, hint) = match is_blocked {
                true => (texts.unblock_person, texts.blocked_hint),
                false => (texts.block_person, texts.block_hint),
            };
            view! {
                <form class="stack" method="post" action=format!("{address}/block")>
                    <input type="hidden" name="on" value=(!is_blocked).to_string() />
                    <p class="muted" id="block-hint">{hint}</p>
                    <button type="submit" aria-describedby="block-hint">{text}</button>
                </form>
            }
        });
        view! {
            <h1 class="card__name">
                {avatar_of(&id, &name)} <bdi translate="no">{name.clone()}</bdi>
                {is_me.then(|| view! { " " <span class="badge">{texts.you}</span> })}
            </h1>
            <section class="panel stack">
                {problem_note(texts, problem)}
                <dl class="card__facts">
                    {since}
                    <dt>{texts.last_seen}</dt>
                    <dd>{(texts.seen)(seen)}</dd>
                </dl>
                {write}
            </section>
            {block.map(|block| view! { <section class="panel">{block}</section> })}
        }
        .into_any()
    }
}
