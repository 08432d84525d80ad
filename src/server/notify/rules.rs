//! The rules by which people get pushes of the feed's events, in the document store. The routes and pages change them by
//! [`Notifier`], `events` asks them.
//!
//! A rule holds for what is published after it was made: each has the feed's end at that time.

use serde::{Deserialize, Serialize};

use super::Notifier;
use crate::{
    protocol::{
        cursor::{Cursor, Epoch, Offset},
        feed::Level,
        name::parse_channel,
        problem::{Code, Rejection},
    },
    server::{
        auth::{Identity, Pattern},
        error::Error,
        store::{
            StoreError,
            directory::{Kind, Mutation, Precondition, id_prefix_of},
        },
    },
};

/// Most rules of a person. Each event is compared with those of everybody, and they are shown in one list.
const RULES_MAX: usize = 50;

/// A person's wish to get pushes of some events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedRule {
    /// A channel, the beginning of the names of some and a `*`, or `*` for all.
    pub channel: Pattern,
    /// The lowest level.
    pub level: Level,
}

impl FeedRule {
    /// A rule for a channel or a pattern as a person or a program writes it.
    pub fn parse(channel: &str, level: Level) -> Result<Self, Rejection> {
        let channel = channel.trim();
        if channel != "*" {
            parse_channel(channel.strip_suffix('*').unwrap_or(channel))?;
        }
        Ok(Self { channel: Pattern::parse(channel)?, level })
    }
}

/// A rule as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct StoredRule {
    #[serde(flatten)]
    rule: FeedRule,
    /// The end of the feed when it was made.
    since: Cursor,
}

/// The document with the rules of a person.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct PersonRules {
    pub(super) user_id: String,
    rules: Vec<StoredRule>,
}

impl PersonRules {
    /// Returns true if one of the rules is for an event with this level, at this position.
    pub(super) fn want(&self, channel: &str, level: Level, (epoch, offset): (&Epoch, Offset)) -> bool {
        self.rules.iter().any(|StoredRule { rule, since }| {
            // The offsets of another epoch are older than all of this one.
            let is_later = since.epoch != *epoch || since.offset < offset;
            is_later && rule.level <= level && rule.channel.matches(channel)
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The positions from which the rules hold.
    pub(super) fn beginnings(&self) -> impl Iterator<Item = &Cursor> {
        self.rules.iter().map(|stored| &stored.since)
    }

    fn plain(&self) -> Vec<FeedRule> {
        self.rules.iter().map(|stored| stored.rule.clone()).collect()
    }

    /// These rules instead. One that was there holds from the time at which it was made, and new ones from `now` on.
    fn replaced(&self, user_id: &str, rules: Vec<FeedRule>, now: &Cursor) -> Self {
        let since = |rule: &FeedRule| {
            let known = self.rules.iter().find(|stored| stored.rule == *rule);
            known.map_or(now, |stored| &stored.since).clone()
        };
        let rules = rules.into_iter().map(|rule| StoredRule { since: since(&rule), rule }).collect();
        Self { user_id: user_id.to_owned(), rules }
    }
}

impl Notifier {
    /// The rules of a user.
    pub async fn rules_of(&self, user_id: &str) -> Result<Vec<FeedRule>, StoreError> {
        Ok(self.person_rules(user_id).await?.plain())
    }

    /// Replaces the rules of the user.
    pub async fn set_rules(&self, who: &Identity, rules: Vec<FeedRule>) -> Result<(), Error> {
        self.change_rules(who, |_| rules.clone()).await
    }

    /// Adds a rule of the user, if they do not have it.
    pub async fn add_rule(&self, who: &Identity, rule: FeedRule) -> Result<(), Error> {
        let add = |mut rules: Vec<FeedRule>| {
            if !rules.contains(&rule) {
                rules.push(rule.clone());
            }
            rules
        };
        self.change_rules(who, add).await
    }

    /// Removes a rule of the user. One that is gone already is no error.
    pub async fn remove_rule(&self, who: &Identity, rule: FeedRule) -> Result<(), Error> {
        let remove = |mut rules: Vec<FeedRule>| {
            rules.retain(|one| *one != rule);
            rules
        };
        self.change_rules(who, remove).await
    }

    /// Applies a change to the rules as they are, also if two are made at the same time.
    async fn change_rules(
        &self,
        who: &Identity,
        change: impl Fn(Vec<FeedRule>) -> Vec<FeedRule>,
    ) -> Result<(), Error> {
        let (user_id, id) = (&who.user.id, id_prefix_of(&who.user.id));
        loop {
            let found = self.documents.read_to_change::<PersonRules>(Kind::PushRules, &id).await?;
            let (known, unchanged) = found.unwrap_or((PersonRules::default(), Precondition::Absent));
            let rules = change(known.plain());
            if rules.len() > RULES_MAX {
                let message = format!("A person has at most {RULES_MAX} rules; remove one first.");
                return Err(Rejection::new(Code::BadRequest, message).into());
            }
            let now = self.feed.end().await?;
            let mutation = match rules.is_empty() {
                true => Mutation::remove(Kind::PushRules, &id, unchanged),
                false => {
                    let rules = known.replaced(user_id, rules, &now);
                    Mutation::put(Kind::PushRules, &id, unchanged, &rules)
                }
            };
            if self.documents.grant(vec![mutation]).await?.is_committed() {
                return Ok(());
            }
        }
    }

    pub(super) async fn person_rules(&self, user_id: &str) -> Result<PersonRules, StoreError> {
        let found = self.documents.read(Kind::PushRules, &id_prefix_of(user_id)).await?;
        Ok(found.unwrap_or_default())
    }

    /// The rules of everybody who has some.
    pub(super) async fn all_rules(&self) -> Result<Vec<PersonRules>, StoreError> {
        let found = self.documents.read_all::<PersonRules>(Kind::PushRules, "").await?;
        Ok(found.into_iter().map(|(_, rules)| rules).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(text: &str) -> Cursor {
        text.parse().expect("a cursor")
    }

    fn rule(channel: &str, level: Level) -> FeedRule {
        FeedRule::parse(channel, level).expect("a rule")
    }

    #[test]
    fn a_rule_is_for_its_channels_from_its_level_on_and_not_for_what_was_before_it() {
        let none = PersonRules::default();
        let rules =
            none.replaced("a", vec![rule("ops", Level::Warning), rule("db-*", Level::Info)], &cursor("e:7"));
        let epoch = |text| Epoch::parse(text).expect("an epoch");
        let want = |channel, level, of, offset| rules.want(channel, level, (&epoch(of), offset));
        assert!(want("ops", Level::Warning, "e", 8) && want("ops", Level::Error, "e", 8));
        assert!(!want("ops", Level::Success, "e", 8) && want("db-1", Level::Info, "e", 8));
        assert!(!want("ops", Level::Error, "e", 7) && !want("web", Level::Error, "e", 8));
        assert!(want("ops", Level::Error, "f", 1), "the log is a later one");
        assert!(!none.want("ops", Level::Error, (&epoch("e"), 8)));
        // A rule that stays holds from its own time on.
        let rules =
            rules.replaced("a", vec![rule("ops", Level::Warning), rule("*", Level::Error)], &cursor("e:20"));
        assert!(rules.want("ops", Level::Warning, (&epoch("e"), 8)));
        assert!(!rules.want("web", Level::Error, (&epoch("e"), 20)));
        assert!(rules.want("web", Level::Error, (&epoch("e"), 21)));
        assert_eq!(rules.beginnings().cloned().collect::<Vec<_>>(), [cursor("e:7"), cursor("e:20")]);
    }

    #[test]
    fn a_channel_that_cannot_be_is_rejected() {
        for channel in ["", " ", "**", "a*b", "*a", "a b", "井戸", "井*", &"a".repeat(65)] {
            FeedRule::parse(channel, Level::Info).expect_err(channel);
        }
        for channel in ["ops", " ops ", "ops-*", "*", &"a".repeat(64)] {
            assert_eq!(rule(channel, Level::Info).channel.as_str(), channel.trim());
        }
    }
}
