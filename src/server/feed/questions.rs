//! Questions: notifications with choices, of which somebody takes one. The answer is an entry with the question's key, so it
//! takes the question's place. `http/api/answers.rs` and the form of the feed's pages call it.
//!
//! All answers to a question are published by one author under one idempotency key, so the store decides, whatever node they
//! come to: the first one is stored, and whoever comes later gets that one.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Feed, entry_of};
use crate::{
    protocol::{
        cursor::{Cursor, Offset},
        feed::{Body, Details, Entry},
        problem::{Code, Rejection},
        publication::Publication,
    },
    server::{
        error::Error,
        log::hub::PageQuery,
        store::{Channels, Filter, TopicName},
    },
};

/// The author of all answers.
const AUTHOR: &str = "answers";
/// The word for an end without a choice.
const NO_CHOICE: &str = "–";
/// Most entries that one look for an answer reads.
const ENTRIES_PER_READ: usize = 100;

/// The state of a question.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct QuestionState {
    /// Nobody has answered yet.
    pub open: bool,
    /// The choice; `None`: there is none yet, or it was closed without one.
    pub answer: Option<String>,
    /// The name of the person who took it; `None`: a program.
    pub by: Option<String>,
}

impl QuestionState {
    /// The state of a question whose place this entry has taken. One that was deleted is none any more.
    fn of(answered: &Entry) -> Result<Self, Rejection> {
        match &answered.body {
            body if body.is_deletion() => Err(no_question()),
            Body::Notification { details, .. } => {
                Ok(Self { open: false, answer: details.answer.clone(), by: details.answered_by.clone() })
            }
            _ => Ok(Self::default()),
        }
    }
}

impl Feed {
    /// Takes a choice for a person with this name, or for a program that closes the question. Returns how the question was
    /// answered, which may be what somebody else took before.
    pub async fn answer(
        &self,
        channel: &str,
        question: Offset,
        choice: Option<&str>,
        by: Option<&str>,
    ) -> Result<QuestionState, Error> {
        let (entry, cursor) = self.question(channel, question).await?;
        if let Some(later) = self.later(channel, &entry, &cursor, Duration::ZERO).await? {
            return Ok(QuestionState::of(&later)?);
        }
        let Body::Notification { details, .. } = &entry.body else { return Err(no_question().into()) };
        if let Some(choice) = choice
            && !details.choices.iter().any(|known| known == choice)
        {
            let message = format!("The choices of this question are: {}.", details.choices.join(", "));
            return Err(Rejection::new(Code::BadRequest, message).into());
        }
        let answer = answered(entry.body, choice, by)?;
        let key = format!("answer/{cursor}");
        let (stored, _) = self.publish(channel, AUTHOR, vec![answer], Some(&key)).await?;
        Ok(stored.first().map(QuestionState::of).transpose()?.unwrap_or_default())
    }

    /// The state of a question, as soon as it is not open any more, or after a wait.
    pub async fn question_state(
        &self,
        channel: &str,
        question: Offset,
        wait: Duration,
    ) -> Result<QuestionState, Error> {
        let (entry, cursor) = self.question(channel, question).await?;
        let open = QuestionState { open: true, ..QuestionState::default() };
        let later = self.later(channel, &entry, &cursor, wait).await?;
        Ok(later.map_or(Ok(open), |later| QuestionState::of(&later))?)
    }

    /// The question at an offset, and its cursor.
    async fn question(&self, channel: &str, question: Offset) -> Result<(Entry, Cursor), Error> {
        let found = self.hub.store().read_each(&TopicName::Feed, &[question]).await?;
        let entry = found.iter().map(entry_of).find(|entry| entry.channel == channel && is_question(entry));
        let entry = entry.ok_or_else(no_question)?;
        Ok((entry, Cursor { epoch: self.epoch().await?, offset: question }))
    }

    /// The first entry that has taken the place of a question.
    async fn later(
        &self,
        channel: &str,
        question: &Entry,
        from: &Cursor,
        wait: Duration,
    ) -> Result<Option<Entry>, Error> {
        // A question that is known to be open is not searched again from its beginning: many entries may have come since.
        let known = self.open_until(question).await?;
        let (mut after, since) = (known.unwrap_or_else(|| from.clone()), Instant::now());
        loop {
            let query = PageQuery::After(after.clone(), wait.saturating_sub(since.elapsed()));
            let filter = Filter { channels: Channels::of(Some(channel)), lasting: true, ..Filter::default() };
            let page = self.hub.page(&TopicName::Feed, query, filter, ENTRIES_PER_READ).await?;
            let entries: Vec<Entry> = page.decode()?;
            if let Some(later) = entries.into_iter().find(|entry| entry.replaces(question)) {
                return Ok(Some(later));
            }
            if !page.more && since.elapsed() >= wait {
                return Ok(None);
            }
            after = page.cursor;
        }
    }
}

fn is_question(entry: &Entry) -> bool {
    matches!(&entry.body, Body::Notification { details: Details { choices, .. }, .. } if !choices.is_empty())
}

/// The entry that takes the place of a question.
fn answered(question: Body, choice: Option<&str>, by: Option<&str>) -> Result<Publication, Rejection> {
    let Body::Notification { title, text, level, tags, link, key, details } = question else {
        return Err(no_question());
    };
    let said = choice.unwrap_or(NO_CHOICE);
    let said = by.map_or_else(|| said.to_owned(), |name| format!("{name}: {said}"));
    let details = Details {
        choices: Vec::new(),
        answer: choice.map(str::to_owned),
        answered_by: by.map(str::to_owned),
        // A name is no Markdown, and must not become a link with a text of its own.
        markdown: false,
        html: None,
        ..details
    };
    let text = format!("{text}\n{said}");
    Publication::new(Body::Notification { title, text, level, tags, link, key, details })
}

fn no_question() -> Rejection {
    Rejection::new(Code::NotFound, "There is no such question in this channel, or it was removed.")
}
