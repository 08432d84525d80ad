//! Parses the bytes that a reader receives, as far as the bench needs it. Each entry's offset is checked, and anything
//! that breaks the promise is reported.

use super::{
    frames::{self, Frame},
    http,
    reader::{Phase, Reader, Trouble, Way},
    stamp::{self, Entry},
    tally::Tally,
};

impl Reader {
    /// Accepts bytes in arbitrary pieces; a frame may continue in the next one.
    pub(super) fn take(&mut self, bytes: &[u8], tally: &mut Tally) -> Result<(), Trouble> {
        let (now, before) = (stamp::now(), tally.deliveries);
        if self.rest.is_empty() {
            let used = self.digest(bytes, now, tally)?;
            self.rest.extend_from_slice(&bytes[used..]);
        } else {
            let mut all = std::mem::take(&mut self.rest);
            all.extend_from_slice(bytes);
            let used = self.digest(&all, now, tally)?;
            all.drain(..used);
            self.rest = all;
        }
        tally.reads += u64::from(tally.deliveries > before);
        Ok(())
    }

    /// Parses the complete frames, and returns the number of bytes used.
    fn digest(&mut self, bytes: &[u8], now: u64, tally: &mut Tally) -> Result<usize, Trouble> {
        let mut used = 0;
        loop {
            let length = match (self.phase, self.way) {
                (Phase::Opening, _) => self.on_head(&bytes[used..])?,
                (_, Way::Stream) if self.is_chunked => self.on_chunk(&bytes[used..], now, tally)?,
                (_, Way::Stream) => self.on_block(&bytes[used..], now, tally)?,
                _ => self.on_frame(&bytes[used..], now, tally)?,
            };
            match length {
                Some(length) => used += length,
                None => return Ok(used),
            }
        }
    }

    fn on_head(&mut self, bytes: &[u8]) -> Result<Option<usize>, Trouble> {
        let Some((status, length)) = http::head(bytes) else { return Ok(None) };
        self.phase = Phase::Joining;
        match (status, self.way) {
            (101, Way::Socket) => {
                let after = self.epoch.as_ref().map(|epoch| format!(r#","after":"{epoch}:{}""#, self.offset));
                let (room, after) = (&self.room, after.unwrap_or_default());
                let join = format!(r#"{{"type":"join","room":"{room}"{after}}}"#);
                self.write(&frames::masked(frames::TEXT, join.as_bytes()))?;
            }
            (101, Way::Sidebar) => self.write(&frames::masked(frames::TEXT, br#"{"type":"unread"}"#))?,
            (200, Way::Stream) => self.is_chunked = http::is_chunked(&bytes[..length]),
            (503, _) => return Err(Trouble::Lost), // starting or stopping: later
            _ => return Err(Trouble::Broken(format!("a reader was answered {status}"))),
        }
        Ok(Some(length))
    }

    fn on_frame(&mut self, bytes: &[u8], now: u64, tally: &mut Tally) -> Result<Option<usize>, Trouble> {
        let Some(frame) = Frame::find(bytes) else { return Ok(None) };
        match frame.opcode {
            frames::TEXT => self.on_json(frame.payload, now, tally)?,
            frames::PING => self.write(&frames::masked(frames::PONG, frame.payload))?,
            frames::CLOSE => return Err(Trouble::Lost),
            other => return Err(Trouble::Broken(format!("a frame of kind {other} came"))),
        }
        Ok(Some(frame.length))
    }

    /// Parses a chunk. It contains complete events: servers with chunked bodies write them so.
    fn on_chunk(&mut self, bytes: &[u8], now: u64, tally: &mut Tally) -> Result<Option<usize>, Trouble> {
        let Some((data, length)) = http::chunk(bytes) else { return Ok(None) };
        if data.is_empty() {
            return Err(Trouble::Lost); // the end of the stream
        }
        if !data.ends_with(b"\n\n") {
            return Err(Trouble::Broken("a chunk ends within an event".into()));
        }
        self.on_lines(data, now, tally)?;
        Ok(Some(length))
    }

    /// Parses an event, which ends with an empty line.
    fn on_block(&mut self, bytes: &[u8], now: u64, tally: &mut Tally) -> Result<Option<usize>, Trouble> {
        let Some(end) = bytes.windows(2).position(|pair| pair == b"\n\n") else { return Ok(None) };
        self.on_lines(&bytes[..end], now, tally)?;
        Ok(Some(end + 2))
    }

    fn on_lines(&mut self, data: &[u8], now: u64, tally: &mut Tally) -> Result<(), Trouble> {
        let mut lines = data.split(|byte| *byte == b'\n');
        lines.try_for_each(|line| match line.strip_prefix(b"data: ") {
            Some(json) => self.on_json(json, now, tally),
            None => Ok(()),
        })
    }

    fn on_json(&mut self, json: &[u8], now: u64, tally: &mut Tally) -> Result<(), Trouble> {
        if self.way == Way::Sidebar {
            return self.on_count(json, tally);
        }
        if let Some(Entry { offset, posted }) = Entry::find(json) {
            let last = self.offset;
            if self.phase != Phase::Live || offset != last + 1 {
                return Err(Trouble::Broken(format!("entry {offset} came after {last}")));
            }
            self.offset = offset;
            tally.note_delivery(posted, now);
        } else if json.starts_with(br#"{"type":"posted""#) {
            tally.note_stored(json).ok_or_else(|| broken_by(json))?;
        } else if self.phase == Phase::Joining && json.starts_with(br#"{"type":"joined""#) {
            self.on_joined(json).ok_or_else(|| broken_by(json))?;
            self.go_live(tally);
        } else if self.phase == Phase::Joining || json.starts_with(br#"{"type":"re"#) {
            return Err(broken_by(json)); // a reset, a rejection, or whatever comes before its time
        }
        Ok(())
    }

    /// Handles `unread`, of the only room that is marked.
    fn on_count(&mut self, json: &[u8], tally: &mut Tally) -> Result<(), Trouble> {
        let count = stamp::after(json, br#""unread":"#).ok_or_else(|| broken_by(json))?;
        self.offset = stamp::number(count);
        match self.phase {
            Phase::Live => tally.deliveries += 1,
            _ => self.go_live(tally),
        }
        Ok(())
    }

    /// Handles `joined`. `None` if the reader's cursor was rejected.
    fn on_joined(&mut self, json: &[u8]) -> Option<()> {
        let epoch = stamp::after(json, br#""epoch":""#)?.split(|byte| *byte == b'"').next()?;
        let offset = stamp::number(stamp::after(json, br#""offset":"#)?);
        let is_first = self.epoch.is_none();
        stamp::after(json, br#""recovered":true"#)?;
        self.epoch = Some(String::from_utf8_lossy(epoch).into_owned());
        if is_first {
            self.offset = offset;
        }
        (offset == self.offset).then_some(())
    }
}

fn broken_by(json: &[u8]) -> Trouble {
    Trouble::Broken(format!("a reader received {}", String::from_utf8_lossy(json)))
}
