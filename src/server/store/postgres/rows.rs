//! The rows that a batch inserts and rewrites, worked out in memory while the topic is locked. `append` sends them.

use std::collections::HashMap;

use super::{
    files::Attachable,
    states::{self, States},
    tags::{self, Tags},
};
use crate::{
    protocol::cursor::Offset,
    server::store::{
        Appended, Change, Erase, NewEntry, Record, Reference, StoreError, TopicName, files::not_theirs,
        state::Outcome,
    },
};

/// The meaning of a client id that its author used before.
pub(super) enum Known {
    /// The first entry, which is still stored.
    Entry(Record),
    /// Offset and timestamp of the first entry, which was removed.
    Past(Offset, i64),
}

/// Author and client id.
pub(super) type Key = (String, String);

/// The rows. Those to insert are sent column by column in one statement.
pub(super) struct Rows {
    name: TopicName,
    /// The head before the batch.
    head: Offset,
    timestamp: i64,
    known: HashMap<Key, Known>,
    /// The entries that changes of the batch change, as far as they were stored before it, as they are now.
    stored: HashMap<Offset, Record>,
    /// Those of them that were changed, as they were before the batch.
    before: HashMap<Offset, Record>,
    /// The new rows, in order.
    records: Vec<Record>,
    lasting: Vec<bool>,
    /// The roots of their threads.
    threads: Vec<Option<Offset>>,
    /// The answers for the new rows, in order.
    appended: Vec<Appended>,
    /// The new bodies of stored rows.
    rewritten: HashMap<Offset, String>,
    /// The entries of whose changes and tags nothing may be left.
    erased: Vec<(Offset, Erase)>,
    tags: Tags,
    states: States,
    attachable: Attachable,
    /// The files that become part of new rows.
    attached: Vec<(String, Offset)>,
}

/// A step to take back if a later entry of the same job is rejected.
enum Undo {
    Known(Key),
    /// An entry as it was before a change, and whether it had been rewritten by then.
    Changed(Record, Option<String>),
    Tag(tags::Before),
    State(states::Before),
}

impl Rows {
    pub(super) fn new(
        name: TopicName,
        head: Offset,
        timestamp: i64,
        known: HashMap<Key, Known>,
        stored: HashMap<Offset, Record>,
        tags: Tags,
        states: States,
    ) -> Self {
        Self {
            name,
            head,
            timestamp,
            known,
            stored,
            before: HashMap::new(),
            records: Vec::new(),
            lasting: Vec::new(),
            threads: Vec::new(),
            appended: Vec::new(),
            rewritten: HashMap::new(),
            erased: Vec::new(),
            tags,
            states,
            attachable: Attachable::new(),
            attached: Vec::new(),
        }
    }

    /// The same, with the files that its entries may name.
    pub(super) fn with_files(self, attachable: Attachable) -> Self {
        Self { attachable, ..self }
    }

    /// Takes the entries of a job, or none of them if a change is rejected.
    pub(super) fn take(&mut self, drafts: Vec<NewEntry>) -> Result<Vec<Appended>, StoreError> {
        let (rows, erased, attached) = (self.records.len(), self.erased.len(), self.attached.len());
        let mut undo = Vec::new();
        let taken: Result<Vec<_>, _> =
            drafts.into_iter().map(|draft| self.take_one(draft, &mut undo)).collect();
        taken.inspect_err(|_| {
            undo.into_iter().rev().for_each(|step| self.take_back(step));
            self.records.truncate(rows);
            self.lasting.truncate(rows);
            self.threads.truncate(rows);
            self.appended.truncate(rows);
            self.erased.truncate(erased);
            self.attached.truncate(attached);
        })
    }

    /// The answer for one entry: the first one with its client id, or a new one.
    fn take_one(&mut self, mut draft: NewEntry, undo: &mut Vec<Undo>) -> Result<Appended, StoreError> {
        let key = draft.client_id.clone().map(|client_id| (draft.author.clone(), client_id));
        match key.as_ref().and_then(|key| self.known.get(key)) {
            Some(Known::Entry(record)) => {
                let record = self.current(record.offset).unwrap_or(record).clone();
                return Ok(Appended { record, first: false, folded: None, unchanged: None });
            }
            Some(Known::Past(offset, timestamp)) => {
                let record = draft.into_record(&self.name, *offset, *timestamp);
                return Ok(Appended { record, first: false, folded: None, unchanged: None });
            }
            None => {}
        }
        let offset = self.head + self.records.len() as Offset + 1;
        if let Some(change) = draft.state.take() {
            let (outcome, before) = self.states.fold(&change, offset)?;
            undo.extend(before.map(Undo::State));
            match outcome {
                Outcome::Changed(_, body) => draft.body = body,
                Outcome::Unchanged(unchanged) => {
                    return Ok(Appended::unchanged(&self.name, self.timestamp, draft, unchanged));
                }
            }
        }
        let folded = draft.change.clone().map(|change| self.fold(&change, offset, undo)).transpose()?;
        let folded = folded.map(|(record, change_body)| {
            draft.body = change_body.unwrap_or_else(|| std::mem::take(&mut draft.body));
            record
        });
        let mut thread = None;
        if let Some(Reference { targets, rule }) = draft.reference.take() {
            let referred: Vec<_> = targets.iter().map(|target| self.current(*target).cloned()).collect();
            let resolved = rule.resolve(&referred).map_err(StoreError::Rejected)?;
            (draft.body, thread) = (resolved.body, resolved.thread);
        }
        for id in std::mem::take(&mut draft.files) {
            let is_taken = self.attached.iter().any(|(taken, _)| *taken == id);
            if is_taken || self.attachable.get(&id) != Some(&draft.author) {
                return Err(not_theirs());
            }
            self.attached.push((id, offset));
        }
        self.lasting.push(draft.lasting);
        self.threads.push(thread);
        let record = draft.into_record(&self.name, offset, self.timestamp);
        self.records.push(record.clone());
        if let Some(key) = key {
            self.known.insert(key.clone(), Known::Entry(record.clone()));
            undo.push(Undo::Known(key));
        }
        let appended = Appended { record, first: true, folded, unchanged: None };
        self.appended.push(appended.clone());
        Ok(appended)
    }

    /// Folds the change at `offset` into its entry. Returns the entry as it is then, and the new body of the change.
    fn fold(
        &mut self,
        change: &Change,
        offset: Offset,
        undo: &mut Vec<Undo>,
    ) -> Result<(Record, Option<String>), StoreError> {
        let before = self.current(change.target).cloned();
        let state = self.tags.state(change);
        let folded = change.fold.fold(before.as_ref(), &state, offset).map_err(StoreError::Rejected)?;
        let before = before.ok_or_else(|| {
            StoreError::Damaged(format!("an entry that is not in {} was changed", self.name))
        })?;
        let after = Record { body: folded.body, ..before.clone() };
        undo.push(Undo::Changed(before, self.rewritten.get(&change.target).cloned()));
        self.put(after.clone());
        if let Some(erase) = folded.erase {
            self.erased.push((change.target, erase));
        }
        if let Some(tag) = &change.tag {
            undo.push(Undo::Tag(self.tags.apply(change.target, tag, offset)));
        }
        Ok((after, folded.change_body))
    }

    /// The entry at `offset` as the batch has left it so far.
    fn current(&self, offset: Offset) -> Option<&Record> {
        match self.index(offset) {
            Some(index) => self.records.get(index),
            None => self.stored.get(&offset),
        }
    }

    fn put(&mut self, record: Record) {
        match self.index(record.offset) {
            Some(index) => self.records[index] = record,
            None => {
                self.rewritten.insert(record.offset, record.body.clone());
                if let Some(before) = self.stored.insert(record.offset, record) {
                    self.before.entry(before.offset).or_insert(before);
                }
            }
        }
    }

    /// The index of a row that is new in this batch.
    fn index(&self, offset: Offset) -> Option<usize> {
        usize::try_from(offset.checked_sub(self.head + 1)?).ok()
    }

    fn take_back(&mut self, step: Undo) {
        match step {
            Undo::Known(key) => _ = self.known.remove(&key),
            Undo::Tag(before) => self.tags.take_back(before),
            Undo::State(before) => self.states.take_back(before),
            Undo::Changed(before, rewritten) => {
                let offset = before.offset;
                self.put(before);
                match rewritten {
                    Some(body) => self.rewritten.insert(offset, body),
                    None => self.rewritten.remove(&offset),
                };
            }
        }
    }

    /// The entries of whose changes nothing may be left, with what rewrites those.
    pub(super) fn erased(&self) -> &[(Offset, Erase)] {
        &self.erased
    }

    pub(super) fn tags(&self) -> &Tags {
        &self.tags
    }

    /// The files that become part of new rows, and the offsets of those.
    pub(super) fn attached(&self) -> &[(String, Offset)] {
        &self.attached
    }

    pub(super) fn states(&self) -> &States {
        &self.states
    }

    /// Adds new bodies of stored rows, and erases the changes of erased entries among the new rows.
    pub(super) fn rewrite(&mut self, bodies: Vec<(Offset, String)>) {
        self.rewritten.extend(bodies);
        for (target, erase) in &self.erased {
            for record in self.records.iter_mut().filter(|record| record.target == Some(*target)) {
                record.body = erase(&record.body);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// A column of the new rows.
    pub(super) fn column<'a, T>(&'a self, of: impl Fn(&'a Record) -> T) -> Vec<T> {
        self.records.iter().map(of).collect()
    }

    pub(super) fn lasting(&self) -> &Vec<bool> {
        &self.lasting
    }

    /// The roots of the threads of the new rows; an erased row is in none.
    pub(super) fn threads(&self) -> Vec<Option<Offset>> {
        let rows = self.erased_rows().into_iter().zip(&self.threads);
        rows.map(|(is_erased, thread)| thread.filter(|_| !is_erased)).collect()
    }

    /// Of the new rows, those that a change of the same batch erased.
    pub(super) fn erased_rows(&self) -> Vec<bool> {
        let is_erased = |record: &Record| self.erased.iter().any(|(target, _)| *target == record.offset);
        self.records.iter().map(is_erased).collect()
    }

    /// Offsets and new bodies of the stored rows that change.
    pub(super) fn rewritten(&self) -> impl Iterator<Item = (Offset, &str)> {
        self.rewritten.iter().map(|(offset, body)| (*offset, body.as_str()))
    }

    /// The new rows, and whether each is kept.
    pub(super) fn new_records(&self) -> impl Iterator<Item = (&Record, bool)> {
        self.records.iter().zip(self.lasting.iter().copied())
    }

    /// The stored entries that changes of the batch changed, before and after it.
    pub(super) fn changed_records(&self) -> impl Iterator<Item = (&Record, &Record)> {
        self.rewritten.keys().filter_map(|offset| Some((self.before.get(offset)?, self.stored.get(offset)?)))
    }

    /// The answers for the new rows, in order.
    pub(super) fn into_appended(self) -> Vec<Appended> {
        self.appended
    }
}
