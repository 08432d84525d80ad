//! `/publishers`: the page on which administrators manage the programs that may publish.

use axum::response::{IntoResponse, Redirect, Response};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    answer::{SignedIn, beside, noted},
    document::Document,
    fields::{ABOUT, labelled_input, secret_input, secret_problem, shown_once, try_it},
    invitations::address_of,
    outcome::Outcome,
    rejected::rejected_beside,
    texts::Texts,
    time::time,
};
use crate::{
    app::{
        model::{direction::isolated, room::RejectionReason},
        routes,
    },
    protocol::problem::{Code, Rejection},
    server::{
        auth::{Pattern, SigningSecret, publishers::Publisher},
        authz::Deed,
        error::Error,
        http::{
            extract::{body::FormBody, query::Lenient},
            pages::{PageRequest, one_time_form::new_id},
        },
    },
};

/// Serves the page.
pub(super) async fn show(signed_in: SignedIn, Lenient(outcome): Lenient<Outcome>) -> Result<Response, Error> {
    page(&signed_in, outcome.problem(), String::new(), String::new()).await
}

/// Serves the page with the rejected texts that were typed.
async fn page(
    signed_in: &SignedIn,
    problem: Option<RejectionReason>,
    name: String,
    channels: String,
) -> Result<Response, Error> {
    let publishers = signed_in.asked.state.publishers.list().await?;
    beside(signed_in, Publishers { publishers, name, channels, once: new_id(), problem }).await
}

/// The fields of the form that creates a publisher.
#[derive(Deserialize)]
pub(super) struct PublisherForm {
    name: String,
    channels: String,
    #[serde(default)]
    secret: String,
    once: Option<String>,
}

/// Creates a publisher and shows its token, this once.
pub(super) async fn make(
    signed_in: SignedIn,
    FormBody(PublisherForm { name, channels, secret, once }): FormBody<PublisherForm>,
) -> Result<Response, Error> {
    let made = async {
        let SignedIn { asked, identity } = &signed_in;
        let contents = ["publisher", &name, &channels, &secret];
        let submission = asked.state.submissions.of(&identity.user.id, once.as_deref(), &contents);
        let secret = SigningSecret::parse(&secret)?;
        asked.state.publishers.make_once(&name, patterns(&channels)?, secret, &submission).await
    };
    let made =
        noted(&signed_in.asked, made.await, |action| action.with(name.clone()), Deed::AddPublisher).await;
    match made {
        Ok((publisher, token)) => {
            let pattern = publisher.channels.first().map(Pattern::as_str).unwrap_or_default();
            let token = PublisherToken {
                name: publisher.name.clone(),
                // A pattern for many channels is no channel, so the example names one that it covers.
                channel: pattern.replace('*', if pattern == "*" { "test" } else { "1" }),
                token,
                origin: address_of(&signed_in.asked, ""),
            };
            beside(&signed_in, token).await
        }
        Err(error) => {
            let page =
                async |signed_in: SignedIn, reason| page(&signed_in, Some(reason), name, channels).await;
            Ok(rejected_beside(signed_in.asked, routes::PUBLISHERS, &[], error, page).await)
        }
    }
}

/// Parses a list of patterns such as `ops, db-*`.
pub(super) fn patterns(list: &str) -> Result<Vec<Pattern>, Rejection> {
    let names = list.split([',', '、', '，']).map(str::trim).filter(|name| !name.is_empty());
    names.map(Pattern::parse).collect()
}

/// The field of the form that removes a publisher.
#[derive(Deserialize)]
pub(super) struct IdForm {
    id: String,
}

/// Removes a publisher. One that is gone already is no error.
pub(super) async fn remove(asked: PageRequest, FormBody(IdForm { id }): FormBody<IdForm>) -> Response {
    let removed = asked.state.publishers.remove(&id).await;
    let removed = noted(&asked, removed, |action| action.with(id.clone()), Deed::RemovePublisher).await;
    match removed {
        Ok(_) => Redirect::to(routes::PUBLISHERS).into_response(),
        Err(error) => {
            let page = async |signed_in: SignedIn, reason| {
                page(&signed_in, Some(reason), String::new(), String::new()).await
            };
            rejected_beside(asked, routes::PUBLISHERS, &[], error, page).await
        }
    }
}

/// The data of the page `/publishers`.
#[derive(Clone, Debug)]
pub(super) struct Publishers {
    /// All publishers, the newest last.
    pub(super) publishers: Vec<Publisher>,
    /// The rejected name that was typed.
    pub(super) name: String,
    /// The rejected channels that were typed.
    pub(super) channels: String,
    /// The one-time id of the form that creates a publisher, see `server/auth/submissions.rs`.
    pub(super) once: String,
    /// The reason why the last change was rejected.
    pub(super) problem: Option<RejectionReason>,
}

impl Document for Publishers {
    fn title(&self, texts: &Texts) -> String {
        texts.publishers.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let Self { publishers, name, channels, once, problem } = self;
        let is_empty = publishers.is_empty();
        let (of_secret, problem) = secret_problem(problem);
        let (of_channels, of_name) = match problem {
            Some(RejectionReason { code: Code::BadRequest, .. }) => (problem, None),
            other => (None, other),
        };
        let problem = problem.map(|reason| match reason.code {
            Code::BadRequest => texts.channels_wrong.to_owned(),
            _ => (texts.rejection)(reason),
        });
        let rows = publishers.into_iter().map(|publisher| row(texts, publisher)).collect::<Vec<_>>();
        view! {
            <h1>{texts.publishers}</h1>
            <section class="panel stack">
                <p class="muted">{texts.publishers_intro}</p>
                {is_empty.then(|| view! { <p>{texts.no_publishers}</p> })}
                <ul class="rows">{rows}</ul>
            </section>
            <form class="panel stack" method="post" action=routes::PUBLISHERS aria-labelledby="make-heading">
                <h2 id="make-heading">{texts.new_publisher}</h2>
                {problem.map(|text| view! { <p class="note" role="alert" id=ABOUT>{text}</p> })}
                {labelled_input("name", texts.name, name, None, of_name)}
                {labelled_input("channels", texts.channels, channels, Some(texts.channels_hint), of_channels)}
                {secret_input(texts, of_secret)}
                <input type="hidden" name="once" value=once />
                <button type="submit">{texts.make_publisher}</button>
            </form>
            <p><a href=routes::OUTGOING>{texts.outgoing}</a></p>
        }
        .into_any()
    }
}

fn row(texts: &'static Texts, publisher: Publisher) -> impl IntoView + use<> {
    let template = routes::publisher_template(&publisher.id);
    let Publisher { id, name, channels, last_used_at, .. } = publisher;
    let patterns: Vec<_> = channels.iter().map(|pattern| pattern.as_str().to_owned()).collect();
    let used = match last_used_at {
        Some(at) => view! { {texts.last_used} " " {time(at)} }.into_any(),
        None => texts.never_used.into_any(),
    };
    let remove = format!("{}: {}", texts.remove, isolated(&name));
    view! {
        <li class="row">
            <div>
                <p class="row__head"><b><bdi translate="no">{name}</bdi></b> <code translate="no">{patterns.join(", ")}</code></p>
                <p class="muted">{used} " · " <a href=template>{texts.template}</a></p>
            </div>
            <form method="post" action="/publishers/remove">
                <input type="hidden" name="id" value=id />
                <button type="submit" aria-label=remove>{texts.remove}</button>
            </form>
        </li>
    }
}

/// The page that shows a new publisher's token, this once: only its hash is kept.
#[derive(Clone, Debug)]
pub(super) struct PublisherToken {
    /// The publisher's name.
    pub(super) name: String,
    /// A channel that the publisher may publish to.
    pub(super) channel: String,
    /// The publisher's token.
    pub(super) token: String,
    /// The address of this server, as the browser knows it.
    pub(super) origin: String,
}

impl Document for PublisherToken {
    fn title(&self, texts: &Texts) -> String {
        (texts.token_of)(&isolated(&self.name))
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let title = self.title(texts);
        let Self { channel, token, origin, .. } = self;
        let command =
            format!("curl -H 'Authorization: Bearer {token}' -d 'hello' {origin}/api/events/{channel}");
        view! {
            <h1>{title}</h1>
            <section class="panel stack">
                {shown_once(texts, "token", texts.token, token)}
                {try_it(texts, command, (routes::PUBLISHERS.to_owned(), texts.back_to_publishers))}
            </section>
        }
        .into_any()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_named_with_commas_of_either_script() {
        let read = |list| patterns(list).map(|all| all.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(read(" ops, db-*,,").expect("fine"), ["ops", "db-*"]);
        assert_eq!(read("店、本店，*").expect("fine"), ["店", "本店", "*"]);
        assert_eq!(read("").expect("none"), Vec::<String>::new());
        read("a b").expect_err("a space in a name");
    }
}
