//! The templates of webhooks: parsing and rendering, by minijinja. `compat::template`, the API and the page of a template call
//! it. Templates are written by people who may manage a webhook, not by the operator, so that none may read files, know
//! anything but its body, or take more than a little time and memory: fuel pays for each step and each byte that one makes
//! (minijinja charges for texts before it makes them), `language` keeps from them what fuel does not bound, and there are no
//! macros, no loader and no access to the server.

use std::{collections::BTreeMap, fmt, time::Duration};

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, Value, escape_formatter, value::Serde,
};
use tokio::{task::spawn_blocking, time::timeout};

use super::language::find_forbidden;
use crate::server::auth::HookTemplate;

/// Most characters of the template of one part.
pub(crate) const TEMPLATE_MAX_CHARACTERS: usize = 4_000;
/// The fuel of one part: some 50,000 steps, or 3 MB of texts. A list of a hundred alerts takes 2,000 to 5,000.
const FUEL: u64 = 50_000;
/// The most bytes that one part renders: several times what an event has.
const RENDERED_MAX_BYTES: usize = 64 * 1024;
/// The most items that are joined, of which the engine makes any number out of one.
const JOINED_MAX: usize = 10_000;
/// The longest time until the caller is told that it takes too long. Fuel ends the work itself.
const TIME_MAX: Duration = Duration::from_secs(1);
/// The most characters of a reason: it may name what stands in the template.
const REASON_MAX_CHARACTERS: usize = 300;

/// The reason why a template renders nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TemplateFault {
    /// The part.
    pub(crate) part: &'static str,
    /// The line in it, from 1.
    pub(crate) line: Option<usize>,
    /// The reason, in English.
    pub(crate) reason: String,
}

impl fmt::Display for TemplateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, line, reason } = self;
        match line {
            Some(line) => write!(f, "{part}, line {line}: {reason}"),
            None => write!(f, "{part}: {reason}"),
        }
    }
}

impl TemplateFault {
    fn new(part: &'static str, reason: impl Into<String>) -> Self {
        Self { part, line: None, reason: reason.into() }
    }

    fn of(part: &'static str, error: &Error) -> Self {
        let reason = match error.kind() {
            ErrorKind::OutOfFuel => {
                "it takes too many steps or makes too long a text; loop over less".to_owned()
            }
            _ => error.to_string().chars().take(REASON_MAX_CHARACTERS).collect(),
        };
        // The text behind the reason names the line, which has a member of its own.
        let reason = reason.split(" (in ").next().unwrap_or_default().to_owned();
        Self { part, line: error.line(), reason }
    }
}

/// Checks that all parts can be parsed, are short enough, and that there is a title or a text.
pub(crate) fn check(template: &HookTemplate) -> Result<(), TemplateFault> {
    for (part, source) in template.parts() {
        if source.chars().count() > TEMPLATE_MAX_CHARACTERS {
            let reason = format!("it has at most {TEMPLATE_MAX_CHARACTERS} characters");
            return Err(TemplateFault::new(part, reason));
        }
        environment().template_from_str(source).map_err(|error| TemplateFault::of(part, &error))?;
        if let Some((line, reason)) = find_forbidden(source) {
            return Err(TemplateFault { part, line: Some(line), reason });
        }
    }
    match template.title.trim().is_empty() && template.text.trim().is_empty() {
        true => Err(TemplateFault::new("title", "a template needs a title or a text")),
        false => Ok(()),
    }
}

/// Renders all parts for a body. What a body does not have renders nothing.
pub(crate) async fn render(
    template: HookTemplate,
    body: serde_json::Value,
) -> Result<HookTemplate, TemplateFault> {
    let rendering = timeout(TIME_MAX, spawn_blocking(move || render_parts(&template, &body)));
    match rendering.await {
        Ok(Ok(rendered)) => rendered,
        Ok(Err(_)) => Err(TemplateFault::new("title", "it cannot be rendered")),
        Err(_) => Err(TemplateFault::new("title", "rendering takes too long; loop over less")),
    }
}

fn render_parts(template: &HookTemplate, body: &serde_json::Value) -> Result<HookTemplate, TemplateFault> {
    // One that was set by another version may have what this one does not take.
    check(template)?;
    let (environment, context) = (environment(), context_of(body));
    let render = |part: &'static str, source: &str| {
        let rendered = environment.render_str(source, context.clone());
        let rendered = rendered.map_err(|error| TemplateFault::of(part, &error))?;
        match rendered.len() <= RENDERED_MAX_BYTES {
            true => Ok(rendered.trim().to_owned()),
            false => {
                Err(TemplateFault::new(part, format!("it renders more than {RENDERED_MAX_BYTES} bytes")))
            }
        }
    };
    let rendered = HookTemplate {
        title: render("title", &template.title)?,
        text: render("text", &template.text)?,
        level: render("level", &template.level)?,
        link: render("link", &template.link)?,
        key: render("key", &template.key)?,
        tags: render("tags", &template.tags)?,
    };
    match rendered.title.is_empty() && rendered.text.is_empty() {
        true => Err(TemplateFault::new("title", "neither the title nor the text has anything for this body")),
        false => Ok(rendered),
    }
}

/// The variables of a template: the members of the body, and all of it as `body`.
fn context_of(body: &serde_json::Value) -> Value {
    let members = body.as_object().into_iter().flatten();
    let mut variables: BTreeMap<&str, &serde_json::Value> =
        members.map(|(name, value)| (name.as_str(), value)).collect();
    variables.insert("body", body);
    Value::from(Serde(&variables))
}

fn environment<'a>() -> Environment<'a> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_formatter(|out, state, value| {
        // A member that is null says as little as one that is not there.
        escape_formatter(out, state, if value.is_none() { &Value::UNDEFINED } else { value })
    });
    environment.add_filter("join", join);
    FUNCTIONS.into_iter().for_each(|name| environment.remove_global(name));
    environment
}

/// The functions of minijinja, none of which a template needs that reads one body.
const FUNCTIONS: [&str; 4] = ["range", "dict", "namespace", "debug"];

/// Joins the texts of a list. It stands for minijinja's own filter, which does not charge for what it writes when nothing
/// stands between the items: a repeated long text would take gigabytes.
fn join(list: Value, between: Option<String>) -> Result<String, Error> {
    let (mut joined, between) = (String::new(), between.unwrap_or_default());
    for (index, item) in list.try_iter()?.enumerate() {
        if index > 0 {
            joined.push_str(&between);
        }
        if !item.is_none() {
            joined.push_str(&item.to_string());
        }
        if joined.len() > RENDERED_MAX_BYTES || index >= JOINED_MAX {
            return Err(Error::from(ErrorKind::OutOfFuel));
        }
    }
    Ok(joined)
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use proptest::{collection::vec, prelude::*, sample::select};
    use serde_json::json;

    use super::*;
    use crate::protocol::properties::{json_value, text};

    fn titled(source: &str) -> HookTemplate {
        HookTemplate { title: source.to_owned(), ..HookTemplate::default() }
    }

    fn title(source: &str, body: &serde_json::Value) -> Result<String, String> {
        let rendered = render_parts(&titled(source), body);
        rendered.map(|rendered| rendered.title).map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_part_is_rendered_of_the_members_of_the_body_and_what_is_missing_is_nothing() {
        let body =
            json!({ "name": "db", "tags": ["a", "b"], "usage": { "disk": 93.5 }, "at": 7, "body": "inner" });
        for (source, expected) in [
            ("{{ name }} is at {{ usage.disk }} %", "db is at 93.5 %"),
            ("{{ name|upper }}: {{ tags|join(', ') }}", "DB: a, b"),
            ("x{{ none }}{{ none.of.these }}{{ tags[7] }}", "x"),
            ("{% for tag in tags %}<{{ tag }}>{% endfor %}", "<a><b>"),
            ("{% if usage.disk > 90 %}full{% else %}fine{% endif %}", "full"),
            ("{{ level|default('info') }} {{ at }}", "info 7"),
            ("{{ body.body }} {{ body.name }}", "inner db"),
        ] {
            assert_eq!(title(source, &body).as_deref(), Ok(expected), "{source}");
        }
        assert_eq!(title("{{ body[0].x }}", &json!([{ "x": 1 }])).as_deref(), Ok("1"));
        assert!(title("{{ none }}", &body).expect_err("nothing").contains("neither"));
    }

    #[test]
    fn a_template_that_loops_or_eats_memory_is_stopped() {
        let many = json!({ "all": vec![0; 2_000], "long": "x".repeat(60_000) });
        let nested =
            "{% for a in all %}{% for b in all %}{% for c in all %}{% endfor %}{% endfor %}{% endfor %}";
        let doubled = format!("{{% set a = long %}}{}{{{{ a }}}}", "{% set a = a ~ a %}".repeat(60));
        let captured = "{% set ns = namespace(a='') %}{% for x in all %}{% set ns.a = ns.a ~ long %}{% endfor %}{{ ns.a }}";
        for source in [
            "{% for i in range(1e9) %}{{ i }}{% endfor %}",
            "{% for i in range(1000000000) %}{{ i }}{% endfor %}",
            "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
            nested,
            "{{ 'x' * 1000000000 }}",
            "{{ 'x' * 1e9 }}",
            "{{ ([long] * 100000)|join('') }}",
            "{{ long|replace('x', long) }}",
            "{{ all|join(long) }}",
            "{{ (long ~ '\n' ~ long)|indent(1000000000) }}",
            "{{ '%1000000000d'|format(1) }}",
            "{{ range(100000)|list|length * range(100000)|list|string }}",
            "{% set a %}{% for x in all %}{{ long }}{% endfor %}{% endset %}{{ a }}",
            "{% for x in all recursive %}{{ loop(all) }}{% endfor %}",
            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
            "{% include 'x' %}",
            "{{ [long] * 90000 }}",
            "{{ ([long] * 90000)|string }}",
            "{% for a in [[long, long]] %}{% for b in [[a, a]] %}{{ b }}{% endfor %}{% endfor %}",
            "{{ all|map('default', long) }}",
            captured,
            &doubled,
            "{{ 9 ** 999999999 }}",
        ] {
            let began = Instant::now();
            let rendered = title(source, &many);
            assert!(
                rendered.is_err(),
                "{source}: {} bytes",
                rendered.map(|title| title.len()).unwrap_or_default()
            );
            assert!(began.elapsed() < Duration::from_secs(5), "{source}: {:?}", began.elapsed());
        }
    }

    #[test]
    fn a_fault_names_the_part_and_the_line() {
        let template = HookTemplate { text: "a\nb {{ c\n".to_owned(), ..HookTemplate::default() };
        let fault = check(&template).expect_err("not closed");
        assert_eq!(fault.part, "text");
        assert!(
            fault.line.is_some_and(|line| line >= 2) && fault.to_string().starts_with("text, line "),
            "{fault}"
        );
        let fault = title("a\n{{ 1 / 0 }}", &json!({})).expect_err("no number");
        assert!(fault.starts_with("title, line 2: "), "{fault}");
        assert!(check(&titled(&"x".repeat(4_001))).expect_err("long").reason.contains("4000"));
        assert!(check(&HookTemplate::default()).expect_err("empty").reason.contains("needs a title"));
        assert!(check(&titled("{{ x|nothing }}")).is_err() || title("{{ x|nothing }}", &json!({})).is_err());
    }

    proptest! {
        #[test]
        fn any_template_and_body_are_rendered_or_rejected(
            source in prop_oneof![
                text(),
                vec(select(vec!["{{", "}}", "{%", "%}", " for x in body ", "endfor", "if ", "endif", "body", "|", "join", "x", " ~ ", "*", "9", "'", "(", ")", "[", "]", ".", "set ", "=", "range", "\n"]), 0..30)
                    .prop_map(|parts| parts.concat()),
            ],
            body in json_value(),
        ) {
            drop(check(&titled(&source)));
            drop(title(&source, &body));
        }
    }
}
