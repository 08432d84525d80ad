//! Server-sent events (WHATWG HTML, section 9.2) as a program reads them. `follow` uses it. It knows no event, and
//! never holds more of one than [`EVENT_MAX_BYTES`].

use std::time::Duration;

/// The longest event: several times what an entry can have.
const EVENT_MAX_BYTES: usize = 1024 * 1024;

/// One block of a stream. A comment has neither name nor data, and may have an id.
#[derive(Debug, Default, PartialEq)]
pub(super) struct StreamEvent {
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) data: String,
    pub(super) retry: Option<Duration>,
}

/// The part of a stream that has arrived and was not taken yet.
#[derive(Default)]
pub(super) struct EventStream {
    bytes: Vec<u8>,
    taken: usize,
}

impl EventStream {
    /// Adds what has arrived. Returns false if it is no stream of ours: an event has no end.
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
        self.bytes.drain(..std::mem::take(&mut self.taken));
        self.bytes.extend_from_slice(bytes);
        self.bytes.len() <= EVENT_MAX_BYTES + bytes.len()
    }

    /// The next event, if all of it is there.
    pub(super) fn next(&mut self) -> Option<StreamEvent> {
        let (mut event, mut at) = (StreamEvent::default(), self.taken);
        loop {
            let end = at + self.bytes[at..].iter().position(|byte| *byte == b'\n')?;
            let line = String::from_utf8_lossy(&self.bytes[at..end]);
            at = end + 1;
            match line.trim_end_matches('\r') {
                "" => break,
                line => event.add(line),
            }
        }
        self.taken = at;
        Some(event)
    }
}

impl StreamEvent {
    fn add(&mut self, line: &str) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.id = Some(value.to_owned()),
            "event" => self.name = Some(value.to_owned()),
            "retry" => self.retry = value.parse().ok().map(Duration::from_millis),
            "data" if self.data.is_empty() => value.clone_into(&mut self.data),
            "data" => self.data += &format!("\n{value}"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_out_whole_however_they_arrive() {
        let text = "retry: 2000\nid: e:1\ndata: {\"a\":\"\u{1f3ee}\"}\n\n: keep-alive\nid: e:2\n\n\
            event: rejected\ndata: x\r\ndata: y\r\n\r\nid: e:3\ndata: cut";
        let expected = [
            StreamEvent {
                id: Some("e:1".into()),
                data: "{\"a\":\"\u{1f3ee}\"}".into(),
                retry: Some(Duration::from_secs(2)),
                name: None,
            },
            StreamEvent { id: Some("e:2".into()), ..StreamEvent::default() },
            StreamEvent { name: Some("rejected".into()), data: "x\ny".into(), ..StreamEvent::default() },
        ];
        for portion in [1, 2, 5, text.len()] {
            let (mut stream, mut events) = (EventStream::default(), Vec::new());
            for bytes in text.as_bytes().chunks(portion) {
                assert!(stream.push(bytes));
                events.extend(std::iter::from_fn(|| stream.next()));
            }
            assert_eq!(events, expected, "{portion}");
        }
    }

    #[test]
    fn an_event_without_an_end_is_given_up() {
        let mut stream = EventStream::default();
        let taken =
            (0..100).take_while(|_| stream.push(&[b'x'; 64 * 1024]) && stream.next().is_none()).count();
        assert!(taken < 20, "{taken}");
    }
}
