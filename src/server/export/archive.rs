//! A ZIP file while it is made: what is written to it goes to its reader in chunks, and it waits while the reader does. Its
//! memory is that of a few chunks, and of the list of its files, which stands at its end.

use std::{
    io::{self, Write},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use jiff::{Timestamp, tz::TimeZone};
use parking_lot::Mutex;
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    sync::mpsc,
};
use zip::{
    CompressionMethod, DateTime, ZipWriter,
    write::{SimpleFileOptions, StreamWriter},
};

use super::Fault;

/// Bytes that are sent at once.
const CHUNK_BYTES: usize = 64 * 1024;
/// Chunks that wait for the reader.
pub(super) const CHUNKS_WAITING: usize = 4;
/// Longest time in which a reader takes nothing: a place among the few archives is not held for one that has gone.
pub(super) const STALLED_AFTER: Duration = Duration::from_secs(60);
/// Sizes from which an entry needs the long form of its header (ZIP64), which some programs do not read.
const LONG_FORM_FROM: u64 = 0xf000_0000;

/// A ZIP file that is being made.
pub(super) struct Archive {
    zip: ZipWriter<StreamWriter<Buffer>>,
    buffer: Buffer,
    reader: mpsc::Sender<io::Result<Bytes>>,
    options: SimpleFileOptions,
}

/// The bytes that the reader has not got yet.
#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Archive {
    /// An archive for this reader, whose entries have this time.
    pub(super) fn new(reader: mpsc::Sender<io::Result<Bytes>>, now_ms: i64) -> Self {
        let buffer = Buffer::default();
        let options = SimpleFileOptions::default().unix_permissions(0o644).last_modified_time(moment(now_ms));
        Self { zip: ZipWriter::new_stream(buffer.clone()), buffer, reader, options }
    }

    /// Begins a text, of which the size is not known; `is_long` if it may have some gigabytes.
    pub(super) async fn begin_text(&mut self, name: &str, is_long: bool) -> Result<(), Fault> {
        let options = self.options.compression_method(CompressionMethod::Deflated).large_file(is_long);
        self.zip.start_file(name, options)?;
        self.pass_on().await
    }

    /// Goes on with what was begun.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.zip.write_all(bytes)?;
        self.pass_on().await
    }

    /// Writes a whole text.
    pub(super) async fn text(&mut self, name: &str, text: &[u8]) -> Result<(), Fault> {
        self.begin_text(name, false).await?;
        self.write(text).await
    }

    /// Copies a content as it is: most are compressed already.
    pub(super) async fn copy(
        &mut self,
        name: &str,
        size: u64,
        mut content: impl AsyncRead + Unpin,
    ) -> Result<(), Fault> {
        let is_long = size >= LONG_FORM_FROM;
        let options = self.options.compression_method(CompressionMethod::Stored).large_file(is_long);
        self.zip.start_file(name, options)?;
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            match content.read(&mut buffer).await? {
                0 => return Ok(()),
                read => self.write(&buffer[..read]).await?,
            }
        }
    }

    /// Ends the archive with the list of its entries.
    pub(super) async fn finish(self) -> Result<(), Fault> {
        let Self { zip, buffer, reader, .. } = self;
        zip.finish()?;
        send(&buffer, &reader).await
    }

    /// Sends what has come together, if it is enough.
    async fn pass_on(&self) -> Result<(), Fault> {
        let waiting = self.buffer.0.lock().len();
        match waiting < CHUNK_BYTES {
            true => Ok(()),
            false => send(&self.buffer, &self.reader).await,
        }
    }
}

async fn send(buffer: &Buffer, reader: &mpsc::Sender<io::Result<Bytes>>) -> Result<(), Fault> {
    let bytes = std::mem::take(&mut *buffer.0.lock());
    reader.send_timeout(Ok(bytes.into()), STALLED_AFTER).await.map_err(|_| Fault::Gone)
}

/// A time as a ZIP file has it, in UTC. It knows none before 1980.
fn moment(ms: i64) -> DateTime {
    let time = Timestamp::from_millisecond(ms).unwrap_or_default().to_zoned(TimeZone::UTC);
    let part = |part: i8| u8::try_from(part).unwrap_or_default();
    let year = u16::try_from(time.year()).unwrap_or_default();
    DateTime::from_date_and_time(
        year,
        part(time.month()),
        part(time.day()),
        part(time.hour()),
        part(time.minute()),
        part(time.second()),
    )
    .unwrap_or_default()
}
