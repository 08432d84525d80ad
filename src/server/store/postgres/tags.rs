//! The tags of entries: `append` loads those that its batch gives or takes, works them out in memory while the topic is
//! locked, and writes the rest; the reads list them. It must not decide what a tag means.

use std::collections::{HashMap, HashSet};

use deadpool_postgres::{
    Client,
    tokio_postgres::{Error, Statement},
};

use super::{place, read::record_of, signed};
use crate::{
    protocol::cursor::Offset,
    server::store::{Change, NewEntry, Record, StoreError, TAG_HOLDERS, TagChange, TagState, TopicName},
};

/// The offset of an entry and the name of a tag.
type Tag = (Offset, String);

/// A tag, as far as a batch needs it.
#[derive(Clone, Debug, Default)]
struct Holders {
    /// The first ones, in order: as many as a fold gets, and one more for each change of the batch, which may take one.
    first: Vec<(String, String)>,
    /// All of `first`, and those of the batch that hold it.
    held: HashSet<String>,
}

/// The tags that a batch gives and takes.
#[derive(Debug, Default)]
pub(super) struct Tags {
    tags: HashMap<Tag, Holders>,
    /// The new row of each changed holder, or `None` if the holder is removed.
    written: HashMap<(Tag, String), Option<(String, Offset)>>,
}

/// A tag as it was before a change, to take the change back.
pub(super) struct Before {
    tag: Tag,
    holder: String,
    holders: Holders,
    written: Option<Option<(String, Offset)>>,
}

impl Tags {
    /// Loads what the changes of a batch need to know.
    pub(super) async fn load(
        client: &Client,
        topic: i64,
        drafts: impl Iterator<Item = &NewEntry>,
    ) -> Result<Self, StoreError> {
        let changed = drafts.filter_map(|draft| draft.change.as_ref());
        let changed: Vec<_> =
            changed.filter_map(|change| Some((change.target, change.tag.as_ref()?))).collect();
        let mut tags = Self::default();
        if changed.is_empty() {
            return Ok(tags);
        }
        let targets: Vec<_> = changed.iter().map(|(target, _)| signed(*target)).collect();
        let names: Vec<_> = changed.iter().map(|(_, tag)| tag.name.as_str()).collect();
        let holders: Vec<_> = changed.iter().map(|(_, tag)| tag.holder.as_str()).collect();
        let first = client
            .prepare_cached(
                r#"SELECT d.target, d.name, t.holder, t.holder_name
                   FROM (SELECT DISTINCT target, name FROM unnest($2::bigint[], $3::text[]) AS d (target, name)) AS d
                   CROSS JOIN LATERAL (
                       SELECT holder, holder_name, "offset" FROM tags
                       WHERE topic = $1 AND target = d.target AND name = d.name ORDER BY "offset" LIMIT $4
                   ) AS t ORDER BY d.target, d.name, t."offset""#,
            )
            .await?;
        let limit = signed((TAG_HOLDERS + changed.len()) as u64);
        for row in client.query(&first, &[&topic, &targets, &names, &limit]).await? {
            let (holder, holder_name): (String, String) = (row.get(2), row.get(3));
            let known = tags.tags.entry((place(row.get(0)), row.get(1))).or_default();
            known.held.insert(holder.clone());
            known.first.push((holder, holder_name));
        }
        for (target, name) in held(client, topic, &targets, &names, &holders).await? {
            tags.tags.entry((target, name.0)).or_default().held.insert(name.1);
        }
        Ok(tags)
    }

    /// The tag before the change.
    pub(super) fn state(&self, change: &Change) -> TagState {
        let Some(tag) = &change.tag else { return TagState::default() };
        let Some(holders) = self.tags.get(&(change.target, tag.name.clone())) else {
            return TagState::default();
        };
        let first = holders.first.iter().take(TAG_HOLDERS).cloned().collect();
        TagState { is_held: holders.held.contains(&tag.holder), first }
    }

    /// Gives or takes a tag by the change at `offset`. Returns what takes it back.
    pub(super) fn apply(&mut self, target: Offset, change: &TagChange, offset: Offset) -> Before {
        let TagChange { name, holder, holder_name, is_given } = change.clone();
        let tag = (target, name);
        let key = (tag.clone(), holder.clone());
        let holders = self.tags.entry(tag.clone()).or_default();
        let before =
            Before { tag, holder, holders: holders.clone(), written: self.written.get(&key).cloned() };
        let is_held = holders.held.contains(&before.holder);
        if is_given && !is_held {
            holders.held.insert(before.holder.clone());
            holders.first.push((before.holder.clone(), holder_name.clone()));
            self.written.insert(key, Some((holder_name, offset)));
        } else if !is_given && is_held {
            holders.held.remove(&before.holder);
            holders.first.retain(|(holder, _)| *holder != before.holder);
            self.written.insert(key, None);
        }
        before
    }

    pub(super) fn take_back(&mut self, before: Before) {
        let Before { tag, holder, holders, written } = before;
        let key = (tag.clone(), holder);
        self.tags.insert(tag, holders);
        match written {
            Some(written) => self.written.insert(key, written),
            None => self.written.remove(&key),
        };
    }
}

/// The statements that write tags.
pub(super) struct Prepared {
    remove: Statement,
    insert: Statement,
    remove_all: Statement,
}

impl Prepared {
    pub(super) async fn new(client: &Client) -> Result<Self, StoreError> {
        let remove = client
            .prepare_cached(
                "DELETE FROM tags USING unnest($2::bigint[], $3::text[], $4::text[]) AS d (target, name, holder)
                 WHERE tags.topic = $1 AND tags.target = d.target AND tags.name = d.name AND tags.holder = d.holder",
            )
            .await?;
        let insert = client
            .prepare_cached(
                r#"INSERT INTO tags (topic, target, name, holder, holder_name, "offset")
                   SELECT $1, * FROM unnest($2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[])"#,
            )
            .await?;
        let remove_all =
            client.prepare_cached("DELETE FROM tags WHERE topic = $1 AND target = ANY ($2)").await?;
        Ok(Self { remove, insert, remove_all })
    }

    /// Writes what becomes of the holders, and removes every tag of the erased entries.
    pub(super) async fn write(
        &self,
        client: &Client,
        topic: i64,
        tags: &Tags,
        erased: &[Offset],
    ) -> Result<(), Error> {
        if !tags.written.is_empty() {
            let rows: Vec<_> = tags.written.iter().collect();
            let targets: Vec<_> = rows.iter().map(|(((target, _), _), _)| signed(*target)).collect();
            let names: Vec<_> = rows.iter().map(|(((_, name), _), _)| name.as_str()).collect();
            let holders: Vec<_> = rows.iter().map(|((_, holder), _)| holder.as_str()).collect();
            // A row that was taken and given again within the batch has another offset: it is removed as well.
            client.execute(&self.remove, &[&topic, &targets, &names, &holders]).await?;
            self.insert(client, topic, tags).await?;
        }
        if !erased.is_empty() {
            let erased: Vec<_> = erased.iter().copied().map(signed).collect();
            client.execute(&self.remove_all, &[&topic, &erased]).await?;
        }
        Ok(())
    }

    async fn insert(&self, client: &Client, topic: i64, tags: &Tags) -> Result<(), Error> {
        let given = tags.written.iter().filter_map(|(key, row)| Some((key, row.as_ref()?)));
        let rows: Vec<_> = given.collect();
        let targets: Vec<_> = rows.iter().map(|(((target, _), _), _)| signed(*target)).collect();
        let names: Vec<_> = rows.iter().map(|(((_, name), _), _)| name.as_str()).collect();
        let holders: Vec<_> = rows.iter().map(|((_, holder), _)| holder.as_str()).collect();
        let holder_names: Vec<_> = rows.iter().map(|(_, (name, _))| name.as_str()).collect();
        let offsets: Vec<_> = rows.iter().map(|(_, (_, offset))| signed(*offset)).collect();
        client.execute(&self.insert, &[&topic, &targets, &names, &holders, &holder_names, &offsets]).await?;
        Ok(())
    }
}

/// Those of the rows that are there: the entry, and the tag's name with the holder.
async fn held(
    client: &Client,
    topic: i64,
    targets: &[i64],
    names: &[&str],
    holders: &[&str],
) -> Result<Vec<(Offset, (String, String))>, StoreError> {
    let select = client
        .prepare_cached(
            "SELECT d.target, d.name, d.holder FROM unnest($2::bigint[], $3::text[], $4::text[]) AS d (target, name, holder)
             WHERE EXISTS (SELECT 1 FROM tags WHERE topic = $1 AND target = d.target AND name = d.name
                           AND holder = d.holder)",
        )
        .await?;
    let rows = client.query(&select, &[&topic, &targets, &names, &holders]).await?;
    Ok(rows.iter().map(|row| (place(row.get(0)), (row.get(1), row.get(2)))).collect())
}

/// Those of the `(entry, tag)` pairs that the holder holds.
pub(super) async fn held_by(
    client: &Client,
    name: &TopicName,
    holder: &str,
    pairs: &[Tag],
) -> Result<Vec<Tag>, StoreError> {
    let select = client.prepare_cached("SELECT id FROM topics WHERE name = $1").await?;
    let Some(row) = client.query_opt(&select, &[&name.to_string()]).await? else { return Ok(Vec::new()) };
    let targets: Vec<_> = pairs.iter().map(|(target, _)| signed(*target)).collect();
    let names: Vec<_> = pairs.iter().map(|(_, name)| name.as_str()).collect();
    let found = held(client, row.get(0), &targets, &names, &vec![holder; pairs.len()]).await?;
    Ok(found.into_iter().map(|(target, (name, _))| (target, name)).collect())
}

/// The entries that hold this tag themselves, those first that got it last.
pub(super) async fn tagged(
    client: &Client,
    name: &TopicName,
    tag: &str,
    limit: usize,
) -> Result<Vec<Record>, StoreError> {
    let select = client
        .prepare_cached(
            r#"SELECT e."offset", e.timestamp, e.author, e.client_id, e.channel, e.body, e.target
               FROM tags JOIN entries AS e ON e.topic = tags.topic AND e."offset" = tags.target
               WHERE tags.topic = (SELECT id FROM topics WHERE name = $1) AND tags.name = $2 AND tags.holder = ''
               ORDER BY tags."offset" DESC LIMIT $3"#,
        )
        .await?;
    let rows = client.query(&select, &[&name.to_string(), &tag, &signed(limit as u64)]).await?;
    Ok(rows.iter().filter_map(|row| record_of(name, row, 0)).collect())
}
