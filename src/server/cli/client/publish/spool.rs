//! The lines that wait for the server: a file to which one thread appends, and from which one task sends. `lines` uses
//! it. What was appended survives the end of this process by any signal, and is sent by the next one.
//!
//! The file begins with a header of fixed length, then come the entries, one a line. The header says up to where the
//! server has them, and where the batch ends that is being sent: a batch that is sent again, by this process or the
//! next, has the same entries and the same idempotency key, so the server stores it once. The file is emptied when all
//! of it was sent; its keys begin with an id of their own from then on. It is not synchronized to the disk: a power cut
//! may lose what waits.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind},
    os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use parking_lot::{Condvar, Mutex};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use url::{Position, Url};
use uuid::Uuid;

use crate::{
    protocol::publication::PUBLISH_MAX_ENTRIES,
    server::cli::client::{settings::state_folder, tell},
};

/// The longest file: half a million lines of a usual log, some hours of a busy one.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// The length of the header: the JSON of the largest one has 110 bytes.
const HEADER_BYTES: u64 = 128;
/// The bytes of a batch. A request has 64 KiB at most.
const BATCH_MAX_BYTES: usize = 60 * 1024;
/// The files of one channel: so many processes can publish lines to it at the same time.
const FILES_MAX: usize = 64;

/// The spool of a running process.
pub(super) struct Spool {
    path: PathBuf,
    file: File,
    max_bytes: u64,
    state: Mutex<State>,
    /// Something was appended, or nothing will be any more.
    grown: Notify,
    /// All of it was sent.
    emptied: Condvar,
}

struct State {
    header: Header,
    end: u64,
    is_closed: bool,
    /// The next so many batches have one entry each: the server refused one of a batch.
    singly: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Header {
    id: String,
    /// Everything before it was sent.
    sent: u64,
    /// The end of the batch that is being sent; `sent` if there is none.
    batch: u64,
}

/// Entries to send with one request.
#[derive(Debug, PartialEq)]
pub(super) struct Batch {
    pub(super) key: String,
    /// A JSON array.
    pub(super) json: String,
    pub(super) count: usize,
}

impl Header {
    fn new() -> Self {
        Self { id: Uuid::new_v4().simple().to_string(), sent: HEADER_BYTES, batch: HEADER_BYTES }
    }
}

/// Opens the spools of a channel: this process's own, which is the first, and those that ended processes left with
/// something in them.
///
/// # Errors
/// There is neither a folder nor a temporary file to be had.
pub(super) fn open(folder: Option<PathBuf>, url: &Url, channel: &str) -> anyhow::Result<Vec<Spool>> {
    let is_chosen = folder.is_some();
    let folder = folder.or_else(|| Some(state_folder()?.join("spool")));
    let place = url[Position::BeforeHost..Position::AfterPort].replace(':', "_");
    let name = format!("{}-{place}-{channel}", url.scheme());
    let opened = match &folder {
        Some(folder) => open_in(folder, &name).with_context(|| format!("no file in {}", folder.display())),
        None => Err(anyhow::anyhow!("there is no home folder")),
    };
    match opened {
        Err(error) if !is_chosen => {
            tell(&format!("{error:#}: lines that wait for the server are lost if this process is killed"));
            let file = tempfile::tempfile().context("a temporary file cannot be made")?;
            Ok(vec![Spool::new("a temporary file".into(), file, MAX_BYTES)?])
        }
        opened => opened,
    }
}

fn open_in(folder: &Path, name: &str) -> anyhow::Result<Vec<Spool>> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut spools = Vec::<Spool>::new();
    for number in 1..=FILES_MAX {
        let path = folder.join(format!("{name}.{number}"));
        let is_wanted = spools.is_empty() || fs::exists(&path)?;
        // The lock ends with the process that has it.
        if is_wanted && let Some(spool) = Spool::open(path)? {
            let is_own = spools.is_empty();
            spools.extend(Some(spool).filter(|spool| is_own || spool.count_waiting() > 0));
        }
    }
    if spools.is_empty() {
        bail!("{FILES_MAX} processes publish lines to this channel already");
    }
    Ok(spools)
}

impl Spool {
    /// Opens a file, or creates it. `None`: another process has it.
    fn open(path: PathBuf) -> io::Result<Option<Self>> {
        let options = OpenOptions::new().read(true).write(true).create(true).mode(0o600).clone();
        let file = options.open(&path)?;
        match file.try_lock() {
            Ok(()) => Self::new(path, file, MAX_BYTES).map(Some),
            Err(fs::TryLockError::WouldBlock) => Ok(None),
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }

    fn new(path: PathBuf, file: File, max_bytes: u64) -> io::Result<Self> {
        let header = read_header(&file)?;
        let end = whole_lines(&file)?;
        let header =
            header.filter(|header| (HEADER_BYTES..=end).contains(&header.sent) && header.batch <= end);
        let (header, end) = match header {
            Some(header) => (header, end),
            None => (Header::new(), HEADER_BYTES),
        };
        // The end of a line that was cut off by a kill.
        file.set_len(end)?;
        let state = Mutex::new(State { header, end, is_closed: false, singly: 0 });
        let spool = Self { path, file, max_bytes, state, grown: Notify::new(), emptied: Condvar::new() };
        spool.write_header(&spool.state.lock().header)?;
        Ok(spool)
    }

    /// The file's path, for messages.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Appends entries, each with a line feed behind it. Waits while the file is full; on a full disk as well, where they are
    /// appended one by one if they do not fit together.
    ///
    /// # Errors
    /// The file cannot be written, although nothing waits in it.
    pub(super) fn append(&self, entries: &[u8]) -> io::Result<()> {
        match (self.append_together(entries), middle(entries)) {
            (Err(error), Some(middle)) if is_full(&error) => {
                let (first, second) = entries.split_at(middle);
                self.append(first)?;
                self.append(second)
            }
            (appended, _) => appended,
        }
    }

    fn append_together(&self, entries: &[u8]) -> io::Result<()> {
        let mut state = self.state.lock();
        let length = u64::try_from(entries.len()).expect("memory is no larger");
        while state.end > HEADER_BYTES && state.end + length > self.max_bytes {
            self.emptied.wait(&mut state);
        }
        while let Err(error) = self.file.write_all_at(entries, state.end) {
            // The part that was written must not be sent by the next process.
            self.file.set_len(state.end)?;
            if !is_full(&error) || state.end == HEADER_BYTES {
                return Err(error);
            }
            self.emptied.wait(&mut state);
        }
        state.end += length;
        drop(state);
        self.grown.notify_one();
        Ok(())
    }

    /// Says that nothing more comes.
    pub(super) fn close(&self) {
        self.state.lock().is_closed = true;
        self.grown.notify_one();
    }

    /// The next batch, as soon as there is one; the same one until it was acknowledged. `None`: all was sent, and
    /// nothing more comes.
    pub(super) async fn next_batch(&self) -> io::Result<Option<Batch>> {
        loop {
            if let Some(batch) = self.batch()? {
                return Ok(Some(batch));
            }
            if self.state.lock().is_closed {
                return Ok(None);
            }
            self.grown.notified().await;
        }
    }

    /// Notes that the server has the batch.
    pub(super) fn acknowledge(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        state.header.sent = state.header.batch;
        state.singly = state.singly.saturating_sub(1);
        if state.header.sent == state.end {
            // A kill between the two leaves a header that leads beyond the end, which counts as empty.
            self.file.set_len(HEADER_BYTES)?;
            (state.header, state.end) = (Header::new(), HEADER_BYTES);
            self.emptied.notify_all();
        }
        self.write_header(&state.header)
    }

    /// The batch was refused, and nothing of it was stored: its `count` entries are to be sent one by one.
    pub(super) fn send_singly(&self, count: usize) {
        let mut state = self.state.lock();
        (state.singly, state.header.batch) = (count, state.header.sent);
    }

    /// The number of entries that the server does not have yet.
    pub(super) fn count_waiting(&self) -> usize {
        let state = self.state.lock();
        let (mut count, mut at, mut bytes) = (0, state.header.sent, vec![0; BATCH_MAX_BYTES]);
        while at < state.end {
            let Ok(read @ 1..) = self.file.read_at(&mut bytes, at) else { break };
            count += bytes[..read].iter().filter(|byte| **byte == b'\n').count();
            at += u64::try_from(read).expect("it is bounded");
        }
        count
    }

    fn batch(&self) -> io::Result<Option<Batch>> {
        let mut state = self.state.lock();
        let begun = usize::try_from(state.header.batch - state.header.sent).expect("it is bounded");
        let waiting = usize::try_from(state.end - state.header.sent).expect("a file fits into memory");
        let mut bytes = vec![0; if begun > 0 { begun } else { waiting.min(BATCH_MAX_BYTES) }];
        self.file.read_exact_at(&mut bytes, state.header.sent)?;
        let most = if state.singly > 0 { 1 } else { PUBLISH_MAX_ENTRIES };
        let ends = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        let Some(end) = ends.take(if begun > 0 { usize::MAX } else { most }).last() else { return Ok(None) };
        if begun == 0 {
            state.header.batch = state.header.sent + u64::try_from(end).expect("it is bounded");
            self.write_header(&state.header)?;
        }
        let text = String::from_utf8_lossy(&bytes[..end - 1]);
        let key = format!("{}/{}", state.header.id, state.header.sent);
        Ok(Some(Batch {
            key,
            count: text.split('\n').count(),
            json: format!("[{}]", text.replace('\n', ",")),
        }))
    }

    fn write_header(&self, header: &Header) -> io::Result<()> {
        let json = serde_json::to_string(header).expect("plain data");
        let width = usize::try_from(HEADER_BYTES).expect("it is small") - 1;
        self.file.write_all_at(format!("{json:width$}\n").as_bytes(), 0)
    }
}

/// The header, unless there is none that can be read.
fn read_header(file: &File) -> io::Result<Option<Header>> {
    let mut bytes = [0; 128];
    match file.read_exact_at(&mut bytes, 0) {
        Ok(()) => Ok(serde_json::from_slice(&bytes).ok()),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// The length of the file up to its last line feed.
fn whole_lines(file: &File) -> io::Result<u64> {
    let mut end = file.metadata()?.len();
    let mut bytes = [0; 4096];
    while end > 0 {
        let start = end.saturating_sub(4096);
        let part = &mut bytes[..usize::try_from(end - start).expect("it is small")];
        file.read_exact_at(part, start)?;
        if let Some(at) = part.iter().rposition(|byte| *byte == b'\n') {
            return Ok(start + u64::try_from(at).expect("it is small") + 1);
        }
        end = start;
    }
    Ok(0)
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

/// The end of the entry in the middle of several.
fn middle(entries: &[u8]) -> Option<usize> {
    let ends = || entries.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
    let count = ends().count();
    ends().nth((count / 2).checked_sub(1)?).filter(|_| count > 1)
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, thread};

    use super::*;

    fn spool_of(folder: &Path, max_bytes: u64) -> Spool {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(folder.join("spool"));
        Spool::new(folder.join("spool"), file.expect("opened"), max_bytes).expect("read")
    }

    fn append(spool: &Spool, numbers: std::ops::Range<usize>) {
        let entries: String = numbers.map(|number| format!("{number}\n")).collect();
        spool.append(entries.as_bytes()).expect("appended");
    }

    #[test]
    fn a_batch_is_the_same_until_it_is_acknowledged_also_for_the_next_process() {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = spool_of(folder.path(), MAX_BYTES);
        assert_eq!(spool.batch().expect("read"), None);
        append(&spool, 0..2);
        let first = spool.batch().expect("read").expect("a batch");
        assert_eq!((first.json.as_str(), first.count), ("[0,1]", 2));
        append(&spool, 2..300);
        assert_eq!(spool.batch().expect("read"), Some(Batch { json: first.json.clone(), ..first }));
        let next = spool_of(folder.path(), MAX_BYTES);
        let again = next.batch().expect("read").expect("a batch");
        assert_eq!(Some(again), spool.batch().expect("read"));
        let mut seen = 0;
        while let Some(batch) = next.batch().expect("read") {
            assert!(batch.count <= PUBLISH_MAX_ENTRIES);
            seen += batch.count;
            next.acknowledge().expect("written");
        }
        assert_eq!((seen, next.count_waiting()), (300, 0));
    }

    #[test]
    fn the_keys_of_a_file_that_was_emptied_are_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = spool_of(folder.path(), MAX_BYTES);
        let mut keys = Vec::new();
        for _ in 0..3 {
            append(&spool, 0..1);
            keys.push(spool.batch().expect("read").expect("a batch").key);
            spool.acknowledge().expect("written");
        }
        keys.dedup();
        assert_eq!(keys.len(), 3);
    }

    #[test]
    fn what_a_kill_cut_off_is_left_out_and_a_header_that_cannot_be_meant_empties_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = spool_of(folder.path(), MAX_BYTES);
        spool.append(b"1\n2\n{\"cut").expect("appended");
        assert_eq!(spool_of(folder.path(), MAX_BYTES).count_waiting(), 2);
        for text in ["", "x", "no header\n1\n"] {
            fs::write(folder.path().join("spool"), text).expect("written");
            assert_eq!(spool_of(folder.path(), MAX_BYTES).batch().expect("read"), None, "{text:?}");
        }
    }

    #[test]
    fn a_refused_batch_is_sent_one_by_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = spool_of(folder.path(), MAX_BYTES);
        append(&spool, 0..4);
        assert_eq!(spool.batch().expect("read").expect("a batch").count, 4);
        spool.send_singly(2);
        let mut counts = Vec::new();
        while let Some(batch) = spool.batch().expect("read") {
            counts.push(batch.count);
            spool.acknowledge().expect("written");
        }
        assert_eq!(counts, [1, 1, 2]);
    }

    #[test]
    fn a_full_spool_makes_the_writer_wait_and_loses_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let spool = Arc::new(spool_of(folder.path(), HEADER_BYTES + 20));
        let writer = thread::spawn({
            let spool = spool.clone();
            move || {
                (0..100).for_each(|number| append(&spool, number..number + 1));
                spool.close();
            }
        });
        let mut all = Vec::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        while let Some(batch) = runtime.block_on(spool.next_batch()).expect("read") {
            assert!(fs::metadata(spool.path()).expect("there").len() <= HEADER_BYTES + 20);
            all.extend(serde_json::from_str::<Vec<usize>>(&batch.json).expect("numbers"));
            spool.acknowledge().expect("written");
        }
        writer.join().expect("it ended");
        assert_eq!(all, (0..100).collect::<Vec<_>>());
    }

    #[test]
    fn processes_beside_each_other_have_files_of_their_own_and_what_one_left_is_found() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = open_in(folder.path(), "a").expect("opened");
        let mut second = open_in(folder.path(), "a").expect("opened");
        append(&second[0], 0..3);
        assert_ne!(first[0].path(), second.remove(0).path());
        drop(first);
        let third = open_in(folder.path(), "a").expect("opened");
        assert_eq!(third.iter().map(Spool::count_waiting).collect::<Vec<_>>(), [0, 3]);
    }
}
