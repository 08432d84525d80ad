//! `…/template` of a webhook and of a publisher: the page on which one writes how `/hooks/{token}/template` reads any JSON, and
//! tries it with the body that came last. For those who may manage the webhook; for everybody else it is the page for unknown
//! addresses. What was typed comes back whatever is wrong with it.

use axum::{
    http::StatusCode,
    response::{IntoResponse, Response},
};
use leptos::prelude::*;
use serde::Deserialize;

use super::{
    answer::{SignedIn, actor, beside},
    document::{Document, Done},
    fields::{ABOUT, done_note, text_of_area},
    not_found,
    outcome::Outcome,
    room_of_page::room_of_page,
    room_settings::actor_of,
    texts::Texts,
    time::time,
};
use crate::{
    app::{model::direction::isolated, routes},
    protocol::{members::parse_json, name::RoomId},
    server::{
        auth::{Actor, HookTemplate, Received},
        error::Error,
        http::{
            api::hook_templates::{
                Owner,
                engine::{self, TEMPLATE_MAX_CHARACTERS, TemplateFault},
            },
            extract::{
                body::FormBody,
                path::{PathPair, PathText},
                query::Lenient,
            },
            redirect::see,
        },
    },
};

/// The fields of the form.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct TemplateForm {
    title: String,
    text: String,
    level: String,
    link: String,
    key: String,
    tags: String,
    /// The button that was used.
    action: String,
}

impl TemplateForm {
    /// The template, with the line breaks that were typed.
    fn template(&self) -> HookTemplate {
        let lines = |text: &str| text.replace("\r\n", "\n");
        HookTemplate {
            title: lines(&self.title),
            text: lines(&self.text),
            level: lines(&self.level),
            link: lines(&self.link),
            key: lines(&self.key),
            tags: lines(&self.tags),
        }
    }
}

/// Serves the page of a room's webhook.
pub(super) async fn show_of_hook(
    PathPair(room, id): PathPair,
    signed_in: SignedIn,
    Lenient(outcome): Lenient<Outcome>,
) -> Result<Response, Error> {
    let by = actor_of(&signed_in);
    let may_see = |room: &RoomId| signed_in.asked.state.chat.may_manage(room, &by);
    if let Err(elsewhere) = room_of_page(&signed_in, &room, may_see, routes::room_hooks).await? {
        return Ok(elsewhere.answer(signed_in.asked).await);
    }
    match Owner::hook(&signed_in.asked.state, &by, &room, &id).await {
        Ok(owner) => page(&signed_in, owner, outcome.done()).await,
        Err(Error::Rejected(_)) => Ok(not_found(signed_in.asked).await),
        Err(error) => Err(error),
    }
}

/// Previews, sets or removes the template of a room's webhook.
pub(super) async fn change_of_hook(
    PathPair(room, id): PathPair,
    signed_in: SignedIn,
    FormBody(form): FormBody<TemplateForm>,
) -> Result<Response, Error> {
    let by = actor_of(&signed_in);
    let owner = Owner::hook(&signed_in.asked.state, &by, &room, &id).await?;
    change(signed_in, by, owner, form).await
}

/// Serves the page of a publisher.
pub(super) async fn show_of_publisher(
    PathText(id): PathText,
    signed_in: SignedIn,
    Lenient(outcome): Lenient<Outcome>,
) -> Result<Response, Error> {
    match Owner::publisher(&signed_in.asked.state, &id).await {
        Ok(owner) => page(&signed_in, owner, outcome.done()).await,
        Err(Error::Rejected(_)) => Ok(not_found(signed_in.asked).await),
        Err(error) => Err(error),
    }
}

/// Previews, sets or removes the template of a publisher.
pub(super) async fn change_of_publisher(
    PathText(id): PathText,
    signed_in: SignedIn,
    FormBody(form): FormBody<TemplateForm>,
) -> Result<Response, Error> {
    let (by, owner) = (actor(&signed_in.asked), Owner::publisher(&signed_in.asked.state, &id).await?);
    change(signed_in, by, owner, form).await
}

async fn page(signed_in: &SignedIn, owner: Owner, done: Option<Done>) -> Result<Response, Error> {
    let state = &signed_in.asked.state;
    let stored = state.templates.read(owner.id()).await?;
    let received = state.templates.received(owner.id());
    let is_stored = stored.is_some();
    let template = stored.unwrap_or_default();
    beside(signed_in, TemplatePage { owner, template, is_stored, received, tried: None, done }).await
}

async fn change(signed_in: SignedIn, by: Actor, owner: Owner, form: TemplateForm) -> Result<Response, Error> {
    let state = &signed_in.asked.state;
    let address = address_of(&owner);
    if form.action == "remove" {
        owner.remove(state, &by).await?;
        return Ok(see(&address, &[("done", Done::Saved.as_str())]));
    }
    let template = form.template();
    let checked = engine::check(&template);
    if checked.is_ok() && form.action != "preview" {
        owner.set(state, &by, &template).await?;
        return Ok(see(&address, &[("done", Done::Saved.as_str())]));
    }
    let received = state.templates.received(owner.id());
    let tried = match (checked, &received) {
        (Err(fault), _) => Some(Err(fault)),
        (Ok(()), None) => None,
        (Ok(()), Some(received)) => Some(try_with(&template, received).await),
    };
    let is_wrong = matches!(tried, Some(Err(_)));
    let is_stored = state.templates.read(owner.id()).await?.is_some();
    let document = TemplatePage { owner, template, is_stored, received, tried, done: None };
    let page = beside(&signed_in, document).await?;
    Ok(if is_wrong { (StatusCode::UNPROCESSABLE_ENTITY, page).into_response() } else { page })
}

/// The template with the body that came last.
async fn try_with(template: &HookTemplate, received: &Received) -> Result<HookTemplate, TemplateFault> {
    match parse_json(&received.body, "body") {
        Ok(body) => engine::render(template.clone(), body).await,
        Err(rejection) => Err(TemplateFault { part: "title", line: None, reason: rejection.message }),
    }
}

fn address_of(owner: &Owner) -> String {
    match owner {
        Owner::Hook(hook) => routes::hook_template(&hook.room, &hook.id),
        Owner::Publisher(publisher) => routes::publisher_template(&publisher.id),
    }
}

/// The data of the page.
struct TemplatePage {
    owner: Owner,
    /// The stored template, or the one that was typed.
    template: HookTemplate,
    is_stored: bool,
    received: Option<Received>,
    /// The parts that the template renders from the body that came last, or its fault; `None`: it was not tried.
    tried: Option<Result<HookTemplate, TemplateFault>>,
    done: Option<Done>,
}

impl Document for TemplatePage {
    fn title(&self, texts: &Texts) -> String {
        (texts.template_of)(&isolated(self.owner.name()))
    }

    fn body(self, texts: &'static Texts) -> AnyView {
        let title = self.title(texts);
        let address = address_of(&self.owner);
        let (back, back_text) = match &self.owner {
            Owner::Hook(hook) => (routes::room_hooks(&hook.room), texts.back_to_hooks),
            Owner::Publisher(_) => (routes::PUBLISHERS.to_owned(), texts.back_to_publishers),
        };
        let Self { template, is_stored, received, tried, done, .. } = self;
        let (rendered, fault) = match tried {
            Some(Ok(rendered)) => (Some(rendered), None),
            Some(Err(fault)) => (None, Some(fault)),
            None => (None, None),
        };
        let faulty = fault.as_ref().map(|fault| fault.part);
        let fields: Vec<_> =
            template.parts().map(|(part, value)| field(texts, part, value, faulty)).into_iter().collect();
        let is_untried = received.is_none();
        view! {
            <h1>{title}</h1>
            {done_note(done.map(|_| texts.saved))}
            {rendered.map(|rendered| preview(texts, &rendered))}
            <form class="panel stack" method="post" action=address aria-labelledby="template-heading">
                <h2 id="template-heading">{texts.template}</h2>
                <p class="muted">{texts.template_intro}</p>
                {fault.map(|fault| fault_note(texts, fault))}
                {fields}
                <button type="submit" name="action" value="save" class="primary">{texts.save}</button>
                <button type="submit" name="action" value="preview" disabled=is_untried>{texts.template_preview}</button>
                {is_stored.then(|| view! { <button type="submit" name="action" value="remove">{texts.template_remove}</button> })}
            </form>
            {last_body(texts, received)}
            <p><a href=back>{back_text}</a></p>
        }
        .into_any()
    }
}

/// The note about what is wrong with the template. The reason is in English, as minijinja words it.
fn fault_note(texts: &'static Texts, fault: TemplateFault) -> impl IntoView + use<> {
    let TemplateFault { part, line, reason } = fault;
    let place = (texts.template_fault)((texts.template_part)(part), line);
    view! {
        <p class="note" role="alert" id=ABOUT>{place} " " <span lang="en" dir="auto">{reason}</span></p>
    }
}

/// The field of one part. All take several lines, because loops and conditions do.
fn field(
    texts: &'static Texts,
    part: &'static str,
    value: &str,
    faulty: Option<&'static str>,
) -> impl IntoView + use<> {
    let is_faulty = faulty == Some(part);
    let rows = if part == "text" { "6" } else { "1" };
    let hint = (texts.template_hint)(part);
    let hint_id = format!("{part}-hint");
    let about = if is_faulty { format!("{ABOUT} {hint_id}") } else { hint_id.clone() };
    view! {
        <div class="labelled">
            <label for=part>{(texts.template_part)(part)}</label>
            <textarea
                id=part
                name=part
                rows=rows
                dir="auto"
                maxlength=TEMPLATE_MAX_CHARACTERS.to_string()
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                aria-invalid=is_faulty.then_some("true")
                aria-describedby=about
                inner_html=text_of_area(value)
            ></textarea>
            <p class="muted" id=hint_id>{hint}</p>
        </div>
    }
}

/// Shows the parts that the template renders from the body that came last.
fn preview(texts: &'static Texts, rendered: &HookTemplate) -> impl IntoView + use<> {
    let parts = rendered.parts().into_iter().filter(|(_, text)| !text.is_empty());
    let parts: Vec<_> = parts
        .map(|(part, text)| {
            let text = text.to_owned();
            view! { <dt>{(texts.template_part)(part)}</dt><dd class="pre" dir="auto" translate="no">{text}</dd> }
        })
        .collect();
    view! {
        <section class="panel stack" role="status" aria-labelledby="preview-heading">
            <h2 id="preview-heading">{texts.template_preview}</h2>
            <dl class="card__facts">{parts}</dl>
        </section>
    }
}

/// JSON with a line for each member, as one reads it to write a template; anything else as it is.
fn in_lines(body: String) -> String {
    let json = parse_json(&body, "body").ok();
    json.and_then(|json| serde_json::to_string_pretty(&json).ok()).unwrap_or(body)
}

/// Shows the body that came last at this address.
fn last_body(texts: &'static Texts, received: Option<Received>) -> impl IntoView + use<> {
    let shown = match received {
        None => view! { <p class="muted">{texts.template_nothing_came}</p> }.into_any(),
        Some(Received { body, at, error }) => view! {
            <p class="muted">{time(at)}</p>
            {error.map(|error| view! {
                <p class="note">{texts.template_not_published} " " <span lang="en" dir="auto">{error}</span></p>
            })}
            <pre class="command" tabindex="0"><code translate="no">{in_lines(body)}</code></pre>
            <p class="muted">{texts.template_body_kept}</p>
        }
        .into_any(),
    };
    view! {
        <section class="panel stack" aria-labelledby="body-heading">
            <h2 id="body-heading">{texts.template_last_body}</h2>
            {shown}
        </section>
    }
}
