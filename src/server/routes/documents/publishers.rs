//! `/publishers`: what administrators do with the programs that may publish.

use crate::server::routes::query::Lenient;
use axum::{
    extract::State,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    answer::{SignedIn, beside},
    invitations::address_of,
    outcome::{Outcome, refused},
};
use crate::{
    app::routes,
    protocol::problem::Rejection,
    server::{
        auth::Pattern,
        documents::{PublisherToken, Publishers},
        error::Error,
        routes::{body::FormBody, once::new_id},
        state::AppState,
    },
};

/// The document.
pub(super) async fn show(signed_in: SignedIn, Lenient(outcome): Lenient<Outcome>) -> Result<Response, Error> {
    let publishers = Publishers {
        publishers: signed_in.asked.state.publishers.list().await?,
        problem: outcome.problem(),
        name: outcome.name.unwrap_or_default(),
        channels: outcome.list.unwrap_or_default(),
        once: new_id(),
    };
    beside(&signed_in, publishers).await
}

#[derive(Deserialize)]
pub(super) struct PublisherForm {
    name: String,
    channels: String,
    once: Option<String>,
}

/// Makes one and shows its token, this once.
pub(super) async fn make(
    signed_in: SignedIn,
    FormBody(PublisherForm { name, channels, once }): FormBody<PublisherForm>,
) -> Result<Response, Error> {
    let made = async {
        let SignedIn { asked, identity } = &signed_in;
        let contents = ["publisher", &name, &channels];
        let submission = asked.state.submissions.of(&identity.user.id, once.as_deref(), &contents);
        asked.state.publishers.make_once(&name, patterns(&channels)?, &submission).await
    };
    match made.await {
        Ok((publisher, token)) => {
            let pattern = publisher.channels.first().map(Pattern::as_str).unwrap_or_default();
            let token = PublisherToken {
                name: publisher.name.clone(),
                // A pattern for many channels is no channel: one that it covers.
                channel: pattern.replace('*', if pattern == "*" { "test" } else { "1" }),
                token,
                origin: address_of(&signed_in.asked, ""),
            };
            beside(&signed_in, token).await
        }
        Err(error) => Ok(refused(routes::PUBLISHERS, error, &[("name", &name), ("list", &channels)])),
    }
}

/// Reads `ops, db-*`.
fn patterns(list: &str) -> Result<Vec<Pattern>, Rejection> {
    let names = list.split([',', '、', '，']).map(str::trim).filter(|name| !name.is_empty());
    names.map(Pattern::parse).collect()
}

#[derive(Deserialize)]
pub(super) struct IdForm {
    id: String,
}

/// Ends one. Who is gone already is as gone as asked for.
pub(super) async fn remove(
    State(state): State<AppState>,
    FormBody(IdForm { id }): FormBody<IdForm>,
) -> Result<Response, Error> {
    state.publishers.remove(&id).await?;
    Ok(Redirect::to(routes::PUBLISHERS).into_response())
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
