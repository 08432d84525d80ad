//! The dialect of the chat: rewrites a text so that CommonMark takes as markup only what people mean as markup. Only
//! `super` calls it.
//!
//! A character that must stay as it was typed is *hidden*: replaced by one of a private plane of Unicode, which no rule
//! of CommonMark knows. [`reveal`] brings it back. So the parser never sees `<` or `&`, and no HTML or entity either.
//! Each difference to CommonMark is one function or one arm below, with its reason.

use std::borrow::Cow;

use crate::app::model::linked_text::{Span, split_links};

/// The first character of the private plane in which hidden ones stand, by their own code.
const HIDDEN: u32 = 0xf_0000;
/// Punctuation that is put beside emphasis and taken out again; see `Dialect::push_run`.
const MARKER: char = '\u{2056}';
/// The most quotes and lists that begin on one line. Deeper ones are text.
const DEPTH_MAX: usize = 6;
/// The widest indentation that counts within lists.
const INDENT_MAX: usize = 12;
/// The most columns of a table. One row needs no more than a `|` to have all of them, so they are bounded.
const COLUMNS_MAX: usize = 40;

/// The longest name of a language behind a fence.
const LANGUAGE_MAX_BYTES: usize = 20;

/// A text in the dialect, as CommonMark.
pub(super) struct Source {
    /// The CommonMark.
    pub(super) text: String,
    /// A backslash was taken as an escape, so the text reads differently even without an element.
    pub(super) is_escaped: bool,
}

/// Rewrites a text. `None`: it has characters that stand for something else here, so it is shown as typed.
pub(super) fn of(text: &str) -> Option<Source> {
    if text.chars().any(|c| c == MARKER || (HIDDEN..0x10_0000).contains(&u32::from(c))) {
        return None;
    }
    let lines: Vec<&str> = text.split('\n').collect();
    let mut writer = Writer { out: String::with_capacity(text.len() * 5 / 4), ..Writer::default() };
    for (at, line) in lines.iter().enumerate() {
        if at > 0 {
            writer.out.push('\n');
        }
        writer.line(line, lines.get(at + 1).copied().unwrap_or_default());
    }
    Some(Source { text: writer.out, is_escaped: writer.is_escaped })
}

/// Brings hidden characters back, and takes markers out.
pub(super) fn reveal(text: &str) -> Cow<'_, str> {
    // Both begin with one of these bytes in UTF-8.
    if !text.bytes().any(|byte| byte == 0xf3 || byte == 0xe2) {
        return Cow::Borrowed(text);
    }
    let shown = |c: char| match u32::from(c).checked_sub(HIDDEN).and_then(char::from_u32) {
        Some(hidden) if u32::from(c) < 0x10_0000 => Some(hidden),
        _ if c == MARKER => None,
        _ => Some(c),
    };
    Cow::Owned(text.chars().filter_map(shown).collect())
}

/// The same character where no rule knows it. Those beyond the first plane have no rules.
fn hide(c: char) -> char {
    char::from_u32(HIDDEN + u32::from(c)).filter(|_| u32::from(c) < 0xfffe).unwrap_or(c)
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Block {
    #[default]
    Blank,
    Text,
    Item,
    Table,
    Other,
}

#[derive(Default)]
struct Writer {
    out: String,
    is_escaped: bool,
    /// The backticks of the open fence, and its depth of quotes.
    fence: Option<(usize, usize)>,
    /// The depth of quotes, and the kind, of the line before.
    quotes: usize,
    previous: Block,
    is_in_list: bool,
    /// The columns of the table above; 0 below its head. `None`: there is none above.
    columns: Option<usize>,
}

impl Writer {
    fn line(&mut self, line: &str, next: &str) {
        let (quotes, rest) = match self.fence {
            Some((_, 0)) => (0, line),
            _ => split_quotes(line, self.quotes > 0),
        };
        if quotes < self.quotes {
            // A quote ends with its lines. CommonMark takes the next one in as well, because mails were wrapped.
            if !rest.trim().is_empty() {
                self.prefix(quotes);
                self.out.push('\n');
            }
            self.previous = Block::Blank;
        }
        if quotes != self.quotes {
            self.is_in_list = false;
            self.fence = self.fence.filter(|(_, depth)| *depth == quotes);
        }
        self.quotes = quotes;
        self.prefix(quotes);
        self.previous = match self.fence {
            Some((length, _)) => self.line_of_code(rest, length),
            None => self.block(rest, next, quotes),
        };
        self.columns = self.columns.filter(|_| self.previous == Block::Table);
    }

    fn prefix(&mut self, quotes: usize) {
        self.out.extend(std::iter::repeat_n("> ", quotes));
    }

    /// A line of a block of code. One that ends with the fence ends the block, as in other chats; to CommonMark a fence has
    /// a line of its own.
    fn line_of_code(&mut self, line: &str, length: usize) -> Block {
        let code = line.trim_end().trim_end_matches('`');
        let signs = line.trim_end().len() - code.len();
        if signs < length || !code.trim().is_empty() && signs > length {
            self.out.push_str(line);
            return Block::Other;
        }
        if !code.trim().is_empty() {
            self.out.push_str(code);
            self.out.push('\n');
            self.prefix(self.quotes);
        }
        self.out.extend(std::iter::repeat_n('`', signs));
        self.fence = None;
        Block::Other
    }

    fn block(&mut self, line: &str, next: &str, quotes: usize) -> Block {
        let body = line.trim_start_matches([' ', '\t']);
        let indent: usize =
            line[..line.len() - body.len()].bytes().map(|byte| if byte == b'\t' { 4 } else { 1 }).sum();
        if body.trim_end().is_empty() {
            return Block::Blank;
        }
        let marker = if is_row_of_one_sign(body) { 0 } else { list_marker(body) };
        if marker == 0 && indent < 2 && self.is_in_list {
            // A list ends with its lines, too.
            self.separate(quotes);
            self.is_in_list = false;
        }
        if let Some(length) = fence_length(body) {
            self.fence = Some((length, quotes));
            self.indent(indent.min(INDENT_MAX));
            let (fence, info) = body.split_at(length);
            self.out.push_str(fence);
            if !is_language(info.trim()) {
                // Code that begins beside the fence.
                self.out.push('\n');
                self.prefix(quotes);
            }
            self.out.push_str(info);
            return Block::Other;
        }
        let is_table = self.columns.is_none()
            && columns_of_delimiter(split_quotes(next, false).1).is_some()
            && body.contains('|');
        if is_table || self.previous == Block::Table && !body.contains('|') {
            self.separate(quotes);
        }
        if marker > 0 {
            self.is_in_list = true;
            self.indent(indent.min(INDENT_MAX));
            self.item(body, marker, 1);
            return Block::Item;
        }
        if let Some(columns) = columns_of_delimiter(body).filter(|_| self.columns == Some(0)) {
            let shown = |c| if columns > COLUMNS_MAX { hide(c) } else { c };
            self.out.extend(body.chars().map(shown));
            self.columns = Some(columns);
            return Block::Table;
        }
        if heading_marker(body) > 0 {
            self.indent(indent.min(INDENT_MAX));
            let (marker, title) = body.split_at(heading_marker(body));
            self.out.push_str(marker);
            self.inline(title);
            return Block::Other;
        }
        if is_table {
            self.columns = Some(0);
            self.paragraph(body, body, 0);
            return Block::Table;
        }
        if let Some(columns) = self.columns.filter(|_| body.contains('|')) {
            let row = row_of(body, columns);
            self.paragraph(&row, &row, 0);
            return Block::Table;
        }
        self.paragraph(line, body, indent);
        Block::Text
    }

    fn paragraph(&mut self, line: &str, body: &str, indent: usize) {
        if self.is_in_list {
            self.indent(indent.min(4)); // more would be code
        } else {
            // The indentation stays as it is. To CommonMark it is nothing, or code.
            self.out.extend(line[..line.len() - body.len()].chars().map(hide));
        }
        if is_row_of_one_sign(body) {
            // A line below a heading, or one across: neither is expected of a row of dashes.
            self.out.extend(body.chars().map(hide));
            return;
        }
        match body.chars().next() {
            // No item, no quote, no heading, so nothing for the parser to take as one.
            Some(c @ ('-' | '+' | '>' | '#')) => {
                self.out.push(hide(c));
                self.inline(&body[1..]);
            }
            Some('*') if body[1..].starts_with([' ', '\t']) => {
                self.out.push(hide('*'));
                self.inline(&body[1..]);
            }
            Some('0'..='9') => {
                let digits = body.len() - body.trim_start_matches(|c: char| c.is_ascii_digit()).len();
                let (number, rest) = body.split_at(digits);
                self.out.push_str(number);
                let sign = rest.chars().next().filter(|c| matches!(c, '.' | ')'));
                self.out.extend(sign.map(hide));
                self.inline(&rest[sign.map_or(0, char::len_utf8)..]);
            }
            _ => self.inline(body),
        }
    }

    /// The first line of an item, whose content may be an item or a quote itself.
    fn item(&mut self, body: &str, marker: usize, depth: usize) {
        let (marker, content) = body.split_at(marker);
        self.out.push_str(marker);
        let content = content.trim_start_matches([' ', '\t']);
        let inner = list_marker(content);
        match content.chars().next() {
            _ if inner > 0 && depth < DEPTH_MAX => self.item(content, inner, depth + 1),
            _ if heading_marker(content) > 0 || fence_length(content).is_some() => {
                self.out.push(hide(content.as_bytes()[0] as char));
                self.inline(&content[1..]);
            }
            Some(c @ ('-' | '+' | '>')) => {
                self.out.push(hide(c));
                self.inline(&content[1..]);
            }
            Some('*') if inner > 0 => {
                self.out.push(hide('*'));
                self.inline(&content[1..]);
            }
            Some('0'..='9') => {
                // Digits that began a list below would lose their sign.
                self.out.extend(content.chars().next().map(hide));
                self.inline(&content[1..]);
            }
            _ => self.inline(content),
        }
    }

    /// Ends the block above, unless it has ended.
    fn separate(&mut self, quotes: usize) {
        if self.previous != Block::Blank {
            // The prefix of this line stands already.
            self.out.push('\n');
            self.prefix(quotes);
        }
    }

    fn indent(&mut self, columns: usize) {
        let columns = if self.is_in_list { columns } else { 0 };
        self.out.extend(std::iter::repeat_n(' ', columns));
    }

    /// Text within a line. Its addresses are no markup, whatever they contain.
    fn inline(&mut self, text: &str) {
        let spans = split_links(text);
        for (index, span) in spans.iter().enumerate() {
            match span {
                Span::Text(words) => self.signs(words, spans.get(index + 1).map(|_| 'h')),
                Span::Link(address) => self.address(address),
            }
        }
    }

    /// An address, which ends where the words of a link do: `[https://a.example](https://b.example)`.
    fn address(&mut self, address: &str) {
        let end = address.find("](").unwrap_or(address.len());
        let within = match split_links(&address[..end]).first() {
            Some(Span::Link(within)) => within.len(),
            _ => end,
        };
        let (address, rest) = address.split_at(within);
        self.out.extend(address.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { hide(c) }));
        if !rest.is_empty() {
            self.inline(rest);
        }
    }

    /// Text without addresses. `follows` is the character after it.
    fn signs(&mut self, text: &str, follows: Option<char>) {
        let chars: Vec<char> = text.chars().collect();
        let at = |index: usize| chars.get(index).copied().or(follows);
        let mut index = 0;
        while index < chars.len() {
            let c = chars[index];
            let before = if index > 0 { Some(chars[index - 1]) } else { None };
            match c {
                // No HTML, no entities.
                '<' | '&' => self.out.push(hide(c)),
                '\\' if is_escape(before, at(index + 1)) => {
                    self.out.push(c);
                    self.out.extend(at(index + 1));
                    self.is_escaped = true;
                    index += 1;
                }
                // C:\path, \\server\share and ¯\_(ツ)_/¯.
                '\\' => self.out.push(hide(c)),
                // Only [text](address) is a link: a definition "[a]: b" would vanish.
                ']' if at(index + 1) != Some('(') => self.out.push(hide(c)),
                '*' | '_' | '~' => {
                    let length = chars[index..].iter().take_while(|other| **other == c).count();
                    self.push_run(c, length, before, at(index + length));
                    index += length - 1;
                }
                _ => self.out.push(c),
            }
            index += 1;
        }
    }

    /// A run of one sign of emphasis, between two characters.
    ///
    /// CommonMark looks for a space or punctuation around emphasis whose edge is punctuation, and Japanese has no spaces:
    /// `**「強調」**です` would be nothing. A [`MARKER`] on the other side stands for the space.
    fn push_run(&mut self, sign: char, length: usize, before: Option<char>, after: Option<char>) {
        let is_ascii_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let is_markup = match sign {
            '_' => length == 1,                                                   // __init__
            '~' => length == 2,                                                   // 5~6
            _ => length <= 3 && !(is_ascii_word(before) && is_ascii_word(after)), // 2*3*4
        };
        if !is_markup {
            return self.out.extend(std::iter::repeat_n(hide(sign), length));
        }
        let is_pair = sign != '_';
        if is_pair && before.is_some_and(is_east_asian) && after.is_some_and(is_sign) {
            self.out.push(MARKER);
        }
        self.out.extend(std::iter::repeat_n(sign, length));
        if is_pair && before.is_some_and(is_sign) && after.is_some_and(is_east_asian) {
            self.out.push(MARKER);
        }
    }
}

/// The depth of quotes of a line, and the text in them. A quote is `> ` with its space: `>_<` is none. Within a quote a
/// `>` alone is an empty line.
fn split_quotes(line: &str, is_quoted: bool) -> (usize, &str) {
    let (mut depth, mut rest) = (0, line);
    loop {
        let Some(inner) = rest.trim_start_matches(' ').strip_prefix('>').filter(|_| depth < DEPTH_MAX) else {
            return (depth, rest);
        };
        let signs = inner.len() - inner.trim_start_matches('>').len();
        let end = &inner[signs..];
        let is_quote =
            end.starts_with([' ', '\t']) || end.is_empty() && (is_quoted || depth > 0) && signs == 0;
        if !is_quote || depth + signs >= DEPTH_MAX {
            return (depth, rest);
        }
        depth += 1 + signs;
        rest = end.strip_prefix(' ').unwrap_or(end);
    }
}

/// The length of `- `, `* ` or `1. ` with something behind it, else 0. `+ 3` and `1) a` are no items, and neither is a
/// year at the start of a sentence.
fn list_marker(body: &str) -> usize {
    let digits = body.len() - body.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let sign = match (digits, body.as_bytes().get(digits)) {
        (0, Some(b'-' | b'*')) | (1..=3, Some(b'.')) => digits + 1,
        _ => return 0,
    };
    let has_content = body[sign..].starts_with([' ', '\t']) && !body[sign..].trim().is_empty();
    if has_content { sign + 1 } else { 0 }
}

/// The length of `# ` to `###### ` with something behind it, else 0.
fn heading_marker(body: &str) -> usize {
    let signs = body.len() - body.trim_start_matches('#').len();
    let is_heading = (1..=6).contains(&signs)
        && body[signs..].starts_with(' ')
        && !body[signs..].trim_matches([' ', '#']).is_empty();
    if is_heading { signs + 1 } else { 0 }
}

/// The backticks of the line that opens a block of code.
fn fence_length(body: &str) -> Option<usize> {
    let length = body.len() - body.trim_start_matches('`').len();
    (length >= 3 && !body[length..].contains('`')).then_some(length)
}

/// Returns true for the name of a language behind a fence, or nothing.
pub(super) fn is_language(info: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"+#-._".contains(&byte);
    info.len() <= LANGUAGE_MAX_BYTES && info.bytes().all(is_part)
}

/// Returns true for a line of one sign, once or more: `---`, `***`, `===`, a lone `-` or `1`.
fn is_row_of_one_sign(body: &str) -> bool {
    let mut signs = body.chars().filter(|c| !matches!(c, ' ' | '\t'));
    let first = signs.next();
    first.is_some_and(|first| matches!(first, '-' | '*' | '_' | '=' | '+' | '#') && signs.all(|c| c == first))
}

/// The columns of a table, by the line below its head: `|---|:-:|`. `None`: it is no such line.
fn columns_of_delimiter(line: &str) -> Option<usize> {
    let line = line.trim();
    let is_delimiter =
        line.contains('|') && line.contains('-') && line.bytes().all(|byte| b"|-: \t".contains(&byte));
    is_delimiter.then(|| line.trim_matches('|').split('|').count())
}

/// A row of a table with so many columns. What is more belongs to the last cell; CommonMark drops it.
fn row_of(body: &str, columns: usize) -> String {
    let body = body.trim_end();
    let (mut left, mut before) = (columns.saturating_sub(1), (None, None));
    let cell_ends = |(at, c): (usize, char)| {
        let is_edge = at == 0 || at + 1 == body.len();
        let is_escaped = before.1 == Some('\\') && is_escape(before.0, Some(c));
        let is_separator = c == '|' && !is_escaped && !is_edge;
        before = (before.1, Some(c));
        if !is_separator {
            return c;
        }
        let is_kept = left > 0;
        left = left.saturating_sub(1);
        if is_kept { c } else { hide(c) }
    };
    body.char_indices().map(cell_ends).collect()
}

/// Returns true if a backslash between these characters takes the meaning from the second.
fn is_escape(before: Option<char>, after: Option<char>) -> bool {
    let begins = before.is_none_or(|c| c.is_whitespace() || matches!(c, '(' | '[' | '"' | '*' | '_' | '~'));
    begins && after.is_some_and(|c| matches!(c, '*' | '_' | '~' | '`' | '[' | '!' | '#' | '>' | '|'))
}

fn is_sign(c: char) -> bool {
    !c.is_alphanumeric() && !c.is_whitespace()
}

/// A letter of a script that is written without spaces, or joins words to what is emphasised (Hangul).
fn is_east_asian(c: char) -> bool {
    c.is_alphanumeric()
        && matches!(c, '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}
