//! The part of `/notifications` with the user's rules for events of the feed: the list, and the form that adds one.
//! `notifications` shows it and takes its forms.

use leptos::prelude::*;
use serde::Deserialize;

use super::{
    fields::{ABOUT, labelled_input},
    texts::Texts,
};
use crate::{
    app::model::room::RejectionReason,
    protocol::{
        feed::Level,
        problem::{Code, Rejection},
        publication::parse_level,
    },
    server::notify::FeedRule,
};

/// The fields of the form that adds a rule, and of the one that removes one.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct RuleForm {
    channel: String,
    #[serde(default)]
    level: String,
}

impl RuleForm {
    /// The rule that was chosen.
    pub(super) fn rule(&self) -> Result<FeedRule, Rejection> {
        let unknown = || Rejection::new(Code::BadRequest, "This level is unknown.");
        FeedRule::parse(&self.channel, self.level().ok_or_else(unknown)?)
    }

    fn level(&self) -> Option<Level> {
        parse_level("level", &self.level)
    }
}

/// The data of the part.
pub(super) struct Rules {
    pub(super) rules: Vec<FeedRule>,
    /// The texts of a rejected form.
    pub(super) typed: RuleForm,
    pub(super) problem: Option<RejectionReason>,
}

/// The list, and the form.
pub(super) fn rules_part(
    texts: &'static Texts,
    Rules { rules, typed, problem }: Rules,
) -> impl IntoView + use<> {
    let text = problem.map(|reason| match reason.code {
        // The common texts for these tell nothing of patterns.
        Code::BadRequest | Code::BadChannel => texts.rule_wrong.to_owned(),
        _ => (texts.rejection)(reason),
    });
    let rows =
        rules.into_iter().enumerate().map(|(index, rule)| row(texts, index, &rule)).collect::<Vec<_>>();
    let chosen = typed.level().unwrap_or_default();
    let option = |level: Level| {
        let (value, name) = (level.as_str(), (texts.level_from)(level));
        view! { <option value=value selected=level == chosen>{name}</option> }
    };
    view! {
        <section class="panel stack" aria-labelledby="rules-heading">
            <h2 id="rules-heading">{texts.feed_rules}</h2>
            <p>{texts.feed_rules_intro}</p>
            <ul class="rows">{rows}</ul>
            <form class="stack" method="post" action="/notifications/rules" aria-labelledby="rules-heading">
                {text.map(|text| view! { <p class="note" role="alert" id=ABOUT>{text}</p> })}
                {labelled_input("channel", texts.rule_channel, typed.channel, Some(texts.rule_channel_hint), problem)}
                <div class="labelled">
                    <label for="level">{texts.rule_level}</label>
                    <select id="level" name="level">{Level::ALL.map(option).into_iter().collect::<Vec<_>>()}</select>
                </div>
                <button type="submit">{texts.add_rule}</button>
            </form>
        </section>
    }
}

fn row(texts: &'static Texts, index: usize, rule: &FeedRule) -> impl IntoView + use<> {
    let (channel, level) = (rule.channel.as_str().to_owned(), rule.level);
    let (row, remove) = (format!("rule-{index}"), format!("remove-rule-{index}"));
    let both = format!("{remove} {row}");
    let name = match &*channel {
        "*" => texts.all_channels.into_any(),
        _ => view! { <code translate="no">{channel.clone()}</code> }.into_any(),
    };
    view! {
        <li class="row">
            <p class="row__head" id=row><b>{name}</b> " " <span class="muted">{(texts.level_from)(level)}</span></p>
            <form method="post" action="/notifications/rules/remove">
                <input type="hidden" name="channel" value=channel />
                <input type="hidden" name="level" value=level.as_str() />
                <button type="submit" id=remove aria-labelledby=both>{texts.remove}</button>
            </form>
        </li>
    }
}
