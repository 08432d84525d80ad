//! Finds progress in a program's output: OSC 9;4, as terminals show it, and lines that match an expression. The tees
//! give it what they have written on already, so it delays nothing.

use std::{str::FromStr, sync::LazyLock};

use regex::bytes::{Captures, Regex};

use super::tail::Tail;
use crate::{protocol::feed::ProgressState, server::cli::client::job::Report};

/// The longest line that is looked at; of a longer one its beginning.
const LINE_MAX_BYTES: usize = 4_096;
/// The longest OSC 9;4 sequence that may be cut between two reads.
const OSC_MAX_BYTES: usize = 32;

/// The sequence of `ConEmu` and Windows Terminal, also written by systemd, cargo and others.
static OSC: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?-u)\x1b\]9;4;([0-4])(?:;([0-9]{1,3}))?;?(?:\x07|\x1b\\)").expect("it is well formed")
});

/// An expression whose groups are a percentage, or how much of how much is done.
#[derive(Clone, Debug)]
pub(super) struct Pattern(Regex);

/// The state that has been seen.
pub(super) struct Watcher {
    pattern: Option<Pattern>,
    report: Report,
    /// Standard output and standard error.
    streams: [Stream; 2],
    tail: Tail,
}

/// The part of a stream that is not complete.
#[derive(Default)]
struct Stream {
    line: Vec<u8>,
    /// The beginning of a sequence at the end of what was read.
    cut: Vec<u8>,
}

impl FromStr for Pattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let regex = Regex::new(text).map_err(|error| error.to_string())?;
        match regex.captures_len() {
            1 => Err("it has no group: write for example '(\\d+)%' or '(\\d+)/(\\d+)'".to_owned()),
            _ => Ok(Self(regex)),
        }
    }
}

impl Pattern {
    /// The work that is done, and all of it.
    fn read(&self, line: &[u8]) -> Option<(f64, f64)> {
        let found = self.0.captures(line)?;
        if let Some(percent) = found.name("percent") {
            return Some((number(percent.as_bytes())?, 100.0));
        }
        if let (Some(done), Some(total)) = (found.name("done"), found.name("total")) {
            return Some((number(done.as_bytes())?, number(total.as_bytes())?));
        }
        let group = |index: usize| number(found.get(index)?.as_bytes());
        Some((group(1)?, if found.len() > 2 { group(2)? } else { 100.0 }))
    }
}

impl Watcher {
    pub(super) fn new(pattern: Option<Pattern>, report: Report) -> Self {
        Self { pattern, report, streams: Default::default(), tail: Tail::default() }
    }

    /// Looks at more of standard output (0) or standard error (1). Returns the progress if it has changed.
    pub(super) fn feed(&mut self, stream: usize, bytes: &[u8]) -> Option<Report> {
        let before = self.report.clone();
        self.find_sequences(stream, bytes);
        for part in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            let line = &mut self.streams[stream].line;
            let room = LINE_MAX_BYTES.saturating_sub(line.len());
            line.extend_from_slice(&part[..part.len().min(room)]);
            match part.last() {
                Some(b'\n') => {
                    self.match_line(stream);
                    self.end_line(stream);
                }
                Some(b'\r') => self.match_line(stream),
                _ => {}
            }
        }
        (self.report != before).then(|| self.report.clone())
    }

    /// The last progress and the last lines.
    pub(super) fn end(&mut self) -> (Report, Tail) {
        for stream in 0..self.streams.len() {
            if !self.streams[stream].line.is_empty() {
                self.match_line(stream);
                self.end_line(stream);
            }
        }
        (self.report.clone(), self.tail.clone())
    }

    fn end_line(&mut self, stream: usize) {
        let line = std::mem::take(&mut self.streams[stream].line);
        self.tail.push(line.strip_suffix(b"\n").unwrap_or(&line));
    }

    fn match_line(&mut self, stream: usize) {
        let line = &mut self.streams[stream].line;
        let end = line.len() - usize::from(line.ends_with(b"\r"));
        let begin = line[..end].iter().rposition(|byte| *byte == b'\r').map_or(0, |at| at + 1);
        let found = self.pattern.as_ref().and_then(|pattern| pattern.read(&line[begin..end]));
        if let Some((done, total)) = found.filter(|(_, total)| *total > 0.0) {
            (self.report.done, self.report.total) = (done.clamp(0.0, total), Some(total));
        }
        // Only what is shown is kept of a line that is written over again and again.
        if line.ends_with(b"\r") {
            line.drain(..begin);
        }
    }

    fn find_sequences(&mut self, stream: usize, bytes: &[u8]) {
        if self.streams[stream].cut.is_empty() && !bytes.contains(&b'\x1b') {
            return;
        }
        let all = [std::mem::take(&mut self.streams[stream].cut), bytes.to_owned()].concat();
        let mut end = 0;
        for found in OSC.captures_iter(&all) {
            end = found.get(0).map_or(end, |whole| whole.end());
            self.on_sequence(&found);
        }
        let begin = all.len().saturating_sub(OSC_MAX_BYTES).max(end);
        if let Some(at) = all[begin..].iter().position(|byte| *byte == b'\x1b') {
            self.streams[stream].cut = all[begin + at..].to_owned();
        }
    }

    fn on_sequence(&mut self, found: &Captures<'_>) {
        let percent = found.get(2).and_then(|percent| number(percent.as_bytes())).map(|done| done.min(100.0));
        self.report.state = match &found[1] {
            b"2" => ProgressState::Failed,
            b"4" => ProgressState::Paused,
            _ => ProgressState::Running,
        };
        // 0 takes the progress away and 3 has none: what was known stays.
        if let (b"1" | b"2" | b"4", Some(percent)) = (&found[1], percent) {
            (self.report.done, self.report.total) = (percent, Some(100.0));
        }
    }
}

fn number(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text)
        .ok()?
        .trim()
        .replace(',', "")
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(pattern: Option<&str>, output: &[u8], portion: usize) -> Vec<(f64, f64, ProgressState)> {
        let first = Report { done: 0.0, total: None, text: None, state: ProgressState::Running };
        let mut watcher = Watcher::new(pattern.map(|pattern| pattern.parse().expect("a pattern")), first);
        let reports = output.chunks(portion).filter_map(|bytes| watcher.feed(0, bytes)).collect::<Vec<_>>();
        reports
            .into_iter()
            .map(|Report { done, total, state, .. }| (done, total.unwrap_or_default(), state))
            .collect()
    }

    #[test]
    fn sequences_of_terminals_are_found_however_they_are_cut() {
        let output = b"x\x1b[1mbold\x1b]9;4;1;30\x07y\x1b]9;4;4;40\x1b\\z\x1b]9;4;3\x07\x1b]9;4;2;55\x07\n";
        let expected = [
            (30.0, 100.0, ProgressState::Running),
            (40.0, 100.0, ProgressState::Paused),
            (40.0, 100.0, ProgressState::Running),
            (55.0, 100.0, ProgressState::Failed),
        ];
        for portion in [1, 2, 3, 5] {
            assert_eq!(watch(None, output, portion), expected, "{portion}");
        }
        assert_eq!(watch(None, output, output.len()), expected[3..]);
    }

    #[test]
    fn lines_that_match_are_progress() {
        for (pattern, output, expected) in [
            (r"(\d+)%", "start\n 10% \r 20% \r\nend 5%\n", vec![(10.0, 100.0), (20.0, 100.0), (5.0, 100.0)]),
            (r"\[(\d+)/(\d+)\]", "[1/3] a\n[3/3] b", vec![(1.0, 3.0)]),
            (r"of (?<total>[\d,]+): (?<done>\d+)", "of 1,000: 20\n", vec![(20.0, 1_000.0)]),
            (r"(\d+)/(\d+)", "5/0\n7/3\n", vec![(3.0, 3.0)]),
        ] {
            let found = watch(Some(pattern), output.as_bytes(), 1);
            let found: Vec<_> = found.into_iter().map(|(done, total, _)| (done, total)).collect();
            assert_eq!(found, expected, "{pattern}");
        }
        assert!(r"\d+".parse::<Pattern>().is_err() && "(".parse::<Pattern>().is_err());
    }

    #[test]
    fn a_line_that_is_written_over_for_ever_takes_no_memory() {
        let first = Report { done: 0.0, total: None, text: None, state: ProgressState::Running };
        let mut watcher = Watcher::new(Some("(\\d+)%".parse().expect("a pattern")), first);
        for percent in 0..=100_u8 {
            watcher.feed(0, format!("{} {percent}%\r", "#".repeat(200)).as_bytes());
        }
        assert!(watcher.streams[0].line.len() < 1_000);
        let (report, tail) = watcher.end();
        assert_eq!(report.done, 100.0);
        assert!(tail.text().ends_with("100%"));
    }

    #[test]
    fn a_line_of_one_stream_has_nothing_of_the_other() {
        let first = Report { done: 0.0, total: None, text: None, state: ProgressState::Running };
        let mut watcher = Watcher::new(None, first);
        for (stream, bytes) in [(1, "err"), (0, "in\nou"), (1, "or"), (0, "t\n")] {
            watcher.feed(stream, bytes.as_bytes());
        }
        assert_eq!(watcher.end().1.text(), "in\nout\nerror");
    }
}
