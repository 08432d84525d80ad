//! The last lines of a program's output, for the event of its end. `watcher` fills it. It holds a bounded part of each.

use std::{collections::VecDeque, sync::LazyLock};

use regex::bytes::Regex;

/// The lines: enough for an error with its place.
const LINES_MAX: usize = 20;
/// The bytes of a line that are held; with as many as there are of them a text has 4,000 characters at most.
const LINE_MAX_BYTES: usize = 400;
/// The characters of all lines together: the text also has the command and its outcome.
const TEXT_MAX_CHARACTERS: usize = 3_500;

/// Escape sequences of terminals (ECMA-48): colours, movements, titles.
static ESCAPES: LazyLock<Regex> = LazyLock::new(|| {
    let sequences = r"(?-u)\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]";
    Regex::new(sequences).expect("it is well formed")
});

/// The last lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Tail {
    lines: VecDeque<Vec<u8>>,
}

impl Tail {
    /// Adds a line.
    pub(super) fn push(&mut self, line: &[u8]) {
        // A line that was written over shows what was written last.
        let shown = line.rsplit(|byte| *byte == b'\r').find(|part| !part.is_empty()).unwrap_or_default();
        if self.lines.len() == LINES_MAX {
            self.lines.pop_front();
        }
        self.lines.push_back(shown[..shown.len().min(4 * LINE_MAX_BYTES)].to_vec());
    }

    /// The lines as a text without escape sequences: of too much the end.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            let plain = ESCAPES.replace_all(line, &b""[..]);
            let plain = String::from_utf8_lossy(&plain[..plain.len().min(LINE_MAX_BYTES)]).into_owned();
            text += plain.trim_end();
            text.push('\n');
        }
        let skipped = text.chars().count().saturating_sub(TEXT_MAX_CHARACTERS);
        text.chars().skip(skipped).collect::<String>().trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_shown_without_colours() {
        let mut tail = Tail::default();
        for number in 0..30 {
            tail.push(format!("line {number}").as_bytes());
        }
        tail.push(b"10 %\r50 %\r\x1b[1;31m100 %\x1b[0m\r");
        tail.push(b"\x1b]0;title\x07end\x1b(B");
        let text = tail.text();
        assert!(text.starts_with("line 12\n") && text.ends_with("line 29\n100 %\nend"), "{text}");
    }
}
