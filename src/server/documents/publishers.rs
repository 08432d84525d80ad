//! `/publishers`: the programs that may publish, for administrators, and the token of a new one, shown this once.

use leptos::prelude::*;

use super::{
    Document, Texts,
    form::{ABOUT, labelled_input},
    time::time,
};
use crate::{app::routes, protocol::problem::Code, server::publishers::Publisher};

/// See the module.
#[derive(Clone, Debug)]
pub struct Publishers {
    /// All of them, the newest last.
    pub publishers: Vec<Publisher>,
    /// The name that was typed.
    pub name: String,
    /// The channels that were typed.
    pub channels: String,
    /// The one-time id of the form, see `server/auth/submissions.rs`.
    pub once: String,
    /// Why the last change was refused.
    pub problem: Option<Code>,
}

impl Document for Publishers {
    fn title(&self, texts: &Texts) -> String {
        texts.publishers.to_owned()
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let Self { publishers, name, channels, once, problem } = self;
        let is_empty = publishers.is_empty();
        let (of_channels, of_name) = match problem {
            Some(Code::BadRequest) => (problem, None),
            other => (None, other),
        };
        let problem = problem.map(|code| match code {
            Code::BadRequest => texts.channels_wrong,
            other => (texts.problem)(other),
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
                <input type="hidden" name="once" value=once />
                <button type="submit">{texts.make_publisher}</button>
            </form>
        }
        .into_any()
    }
}

fn row(texts: &'static Texts, publisher: Publisher) -> impl IntoView + use<> {
    let Publisher { id, name, channels, last_used_at, .. } = publisher;
    let patterns: Vec<_> = channels.iter().map(|pattern| pattern.as_str().to_owned()).collect();
    let used = match last_used_at {
        Some(at) => view! { {texts.last_used} " " {time(at)} }.into_any(),
        None => texts.never_used.into_any(),
    };
    let remove = format!("{}: {name}", texts.remove);
    view! {
        <li class="row">
            <div>
                <p class="row__head"><b>{name}</b> <code>{patterns.join(", ")}</code></p>
                <p class="muted">{used}</p>
            </div>
            <form method="post" action="/publishers/remove">
                <input type="hidden" name="id" value=id />
                <button type="submit" aria-label=remove>{texts.remove}</button>
            </form>
        </li>
    }
}

/// A token that was just made: only its hash is kept.
#[derive(Clone, Debug)]
pub struct PublisherToken {
    /// What the program is called.
    pub name: String,
    /// A channel that it may publish to.
    pub channel: String,
    /// Its secret.
    pub token: String,
    /// The address of this server, as the browser knows it.
    pub origin: String,
}

impl Document for PublisherToken {
    fn title(&self, texts: &Texts) -> String {
        (texts.token_of)(&self.name)
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let title = self.title(texts);
        let Self { channel, token, origin, .. } = self;
        let command =
            format!("curl -H 'Authorization: Bearer {token}' -d 'hello' {origin}/api/events/{channel}");
        view! {
            <h1>{title}</h1>
            <section class="panel stack">
                <div class="labelled">
                    <label for="token">{texts.token}</label>
                    <input id="token" class="link" value=token readonly autofocus aria-describedby="token-hint" />
                    <p class="muted" id="token-hint">{texts.shown_once}</p>
                </div>
                <p>{texts.try_it}</p>
                <pre class="command" tabindex="0"><code>{command}</code></pre>
                <p><a href=routes::PUBLISHERS>{texts.back_to_publishers}</a></p>
            </section>
        }
        .into_any()
    }
}
