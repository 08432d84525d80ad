//! Reports of messages: who reported which, with an optional sentence. Chat writes and reads them; those who moderate the
//! room see them until the message is deleted or the reports are dismissed.
//!
//! A report is a document, which no node has in memory. It must never have the message's text: that could not be erased.

use serde::{Deserialize, Serialize};

use super::Rights;
use crate::{
    protocol::{
        cursor::Offset,
        name::RoomId,
        problem::{Code, Rejection},
        session::User,
    },
    server::{
        error::Error,
        store::{
            StoreError,
            directory::{Kind, Mutation, Precondition},
        },
    },
};

/// Most reports of a room that wait: a page of them is read whole.
const REPORTS_MAX: usize = 1_000;

/// The stored document of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The user who reported the message.
    pub by: User,
    /// When, in milliseconds since the Unix epoch.
    pub at: i64,
    /// Their sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// A message and its reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedMessage {
    /// The room.
    pub room: RoomId,
    /// The message.
    pub offset: Offset,
    /// The reports, in the order of the ids of those who made them.
    pub reports: Vec<Report>,
}

/// The beginning of the ids of the reports of a message.
fn prefix_of(room: &RoomId, offset: Offset) -> String {
    format!("{room}/{offset}/")
}

impl Rights {
    /// Stores a report, once for each user and message.
    pub async fn report(&self, room: &RoomId, offset: Offset, report: &Report) -> Result<(), Error> {
        let _held = self.changes.lock().await;
        // Other nodes may add some at the same time: then there are a few more.
        if self.documents.list(Kind::Report, &format!("{room}/")).await?.len() >= REPORTS_MAX {
            let message = "As many reports of this room wait as are taken. Tell a moderator.";
            return Err(Rejection::new(Code::TooManyRequests, message).into());
        }
        let id = format!("{}{}", prefix_of(room, offset), report.by.id);
        // There already: the first one stays.
        self.documents.grant(vec![Mutation::put(Kind::Report, id, Precondition::Absent, report)]).await?;
        Ok(())
    }

    /// The reported messages of a room, those first that were reported last.
    pub async fn reports(&self, room: &RoomId) -> Result<Vec<ReportedMessage>, StoreError> {
        let found = self.documents.read_all::<Report>(Kind::Report, &format!("{room}/")).await?;
        let mut messages: Vec<ReportedMessage> = Vec::new();
        for (id, report) in found {
            let offset = id.split('/').nth(1).and_then(|offset| offset.parse().ok()).unwrap_or_default();
            match messages.iter_mut().find(|message| message.offset == offset) {
                Some(message) => message.reports.push(report),
                None => messages.push(ReportedMessage { room: room.clone(), offset, reports: vec![report] }),
            }
        }
        let newest = |message: &ReportedMessage| message.reports.iter().map(|report| report.at).max();
        messages.sort_by_key(|message| std::cmp::Reverse(newest(message)));
        Ok(messages)
    }

    /// The rooms with reports that wait.
    pub async fn reported_rooms(&self) -> Result<Vec<RoomId>, StoreError> {
        let found = self.documents.list(Kind::Report, "").await?;
        let mut rooms: Vec<RoomId> = found
            .iter()
            .filter_map(|(id, _)| RoomId::parse(id.split('/').next().unwrap_or_default()).ok())
            .collect();
        rooms.dedup();
        Ok(rooms)
    }

    /// Removes the reports of a message.
    pub async fn dismiss_reports(
        &self,
        room: &RoomId,
        offset: Offset,
        beside: Mutation,
    ) -> Result<(), Error> {
        let remove = Mutation::remove_under(Kind::Report, prefix_of(room, offset), None);
        self.documents.grant(vec![remove, beside]).await?;
        Ok(())
    }

    /// Removes the reports of a message that was deleted.
    pub async fn drop_reports(&self, room: &RoomId, offset: Offset) -> Result<(), StoreError> {
        let prefix = prefix_of(room, offset);
        if !self.documents.list(Kind::Report, &prefix).await?.is_empty() {
            self.documents.grant(vec![Mutation::remove_under(Kind::Report, prefix, None)]).await?;
        }
        Ok(())
    }
}
