//! Writes the HTML of a text in the dialect. Only `super` calls it.
//!
//! These are all elements and attributes that a message can have (`properties` holds it to them). Each block outside of
//! another has `dir="auto"`; what stands within takes the direction of its own text by the style. The names of blocks
//! that scroll are elements of the page, so that the HTML is the same in every language.

use pulldown_cmark::{Alignment, CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd};

use super::{
    CodeBlock, FindNames,
    dialect::{Source, is_language, reveal},
};
use crate::{
    app::model::linked_text::{Span, split_links},
    server::emoji,
};

/// The most elements within each other. Browsers build no deeper trees than a few hundred.
const DEPTH_MAX: usize = 40;
/// The most bytes of HTML. A text of links only has a few times as many as it has characters.
const HTML_MAX_BYTES: usize = 64 * 1024;

const OPTIONS: Options = Options::ENABLE_TABLES.union(Options::ENABLE_STRIKETHROUGH);

/// Renders a source. `None`: it has no markup, or too much of it, and is shown as typed.
pub(super) fn render(source: &Source, names: Option<&FindNames<'_>>) -> Option<String> {
    let mut writer = Writer { has_markup: source.is_escaped, names, ..Writer::new(&source.text) };
    writer.run_through(source)?;
    writer.has_markup.then_some(writer.html)
}

/// The texts of a source outside of code and addresses. `None` where [`render`] shows it as typed.
pub(super) fn prose(source: &Source) -> Option<Vec<String>> {
    let mut writer = Writer { prose: Some(Vec::new()), ..Writer::new(&source.text) };
    writer.has_markup = source.is_escaped;
    writer.run_through(source)?;
    writer.has_markup.then_some(writer.prose).flatten()
}

/// The texts outside of addresses of a text without markup.
pub(super) fn plain_prose(text: &str) -> Vec<String> {
    let words = |line| {
        split_links(line).into_iter().filter_map(|span| match span {
            Span::Text(words) => Some(words.to_owned()),
            Span::Link(_) => None,
        })
    };
    text.split('\n').flat_map(words).collect()
}

/// The text of a source, a line for each block.
pub(super) fn plain_text(source: &Source) -> String {
    let mut plain = String::new();
    for event in Parser::new_ext(&source.text, OPTIONS) {
        match event {
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                plain.push_str(&emoji::replace_shortcodes(&reveal(&text)));
            }
            Event::Code(code) => plain.push_str(&reveal(&code)),
            Event::End(TagEnd::TableCell) => plain.push(' '),
            Event::End(
                TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough | TagEnd::Link | TagEnd::Image,
            ) => {}
            Event::SoftBreak | Event::HardBreak | Event::Rule | Event::End(_) => end_line(&mut plain),
            _ => {}
        }
    }
    end_line(&mut plain);
    plain.pop();
    plain
}

/// Ends a line that has something.
fn end_line(text: &mut String) {
    text.truncate(text.trim_end().len());
    if !text.is_empty() {
        text.push('\n');
    }
}

/// The blocks of code of a source, in their order.
pub(super) fn code_blocks(source: &Source) -> Vec<CodeBlock> {
    let mut blocks: Vec<CodeBlock> = Vec::new();
    let mut is_in_code = false;
    for event in Parser::new_ext(&source.text, OPTIONS) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(info))) => {
                is_in_code = true;
                blocks.push(CodeBlock { language: info.to_ascii_lowercase(), code: String::new() });
            }
            Event::End(TagEnd::CodeBlock) => is_in_code = false,
            Event::Text(text) if is_in_code => {
                blocks
                    .iter_mut()
                    .next_back()
                    .into_iter()
                    .for_each(|block| block.code.push_str(&reveal(&text)));
            }
            _ => {}
        }
    }
    blocks
}

/// Renders a text without markup: one paragraph with its lines and its links.
pub(super) fn plain(text: &str) -> String {
    plain_by(Writer::new(text), text).html
}

/// The same with names. `None`: it has none.
pub(super) fn plain_with_names(text: &str, names: &FindNames<'_>) -> Option<String> {
    let writer = plain_by(Writer { names: Some(names), ..Writer::new(text) }, text);
    writer.has_names.then_some(writer.html)
}

fn plain_by<'a>(mut writer: Writer<'a>, text: &str) -> Writer<'a> {
    writer.html.push_str("<p dir=\"auto\">");
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            writer.html.push_str("<br>");
        }
        writer.run.push_str(line);
        writer.end_run();
    }
    writer.html.push_str("</p>");
    writer
}

struct Writer<'a> {
    html: String,
    /// Text that is not written yet: the parser splits it at every sign, and an address must be whole.
    run: String,
    /// The tags that close what is open.
    open: Vec<Close>,
    /// Links within each other: HTML has none, so only the outer one is a link.
    links: usize,
    columns: Vec<Alignment>,
    column: usize,
    is_in_head: bool,
    has_markup: bool,
    /// The texts outside of code and addresses, if they are asked for.
    prose: Option<Vec<String>>,
    /// Finds names in the texts.
    names: Option<&'a FindNames<'a>>,
    has_names: bool,
}

/// The end of an element.
enum Close {
    Tag(&'static str),
    Link,
    /// Of a link to no address that may be one: the rest of what was typed.
    Typed(String),
    Nothing,
}

impl<'a> Writer<'a> {
    fn new(source: &str) -> Self {
        Self {
            html: String::with_capacity(source.len() * 3 / 2),
            run: String::new(),
            open: Vec::new(),
            links: 0,
            columns: Vec::new(),
            column: 0,
            is_in_head: false,
            has_markup: false,
            prose: None,
            names: None,
            has_names: false,
        }
    }

    /// Writes a source. `None`: it has too much markup.
    fn run_through(&mut self, source: &Source) -> Option<()> {
        for (event, range) in Parser::new_ext(&source.text, OPTIONS).into_offset_iter() {
            self.event(event, &source.text[range]);
            if self.open.len() > DEPTH_MAX || self.html.len() > HTML_MAX_BYTES {
                return None;
            }
        }
        Some(())
    }

    fn event(&mut self, event: Event<'_>, source: &str) {
        match event {
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => self.run.push_str(&text),
            Event::SoftBreak | Event::HardBreak => self.element("<br>"),
            Event::Code(code) => {
                self.has_markup = true;
                self.element("<code translate=\"no\">");
                self.escaped(&reveal(&code));
                self.html.push_str("</code>");
            }
            Event::Start(tag) => self.start(tag, source),
            Event::End(end) => self.end(end),
            // None of these is enabled, or in the dialect.
            Event::Rule
            | Event::TaskListMarker(_)
            | Event::FootnoteReference(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_) => self.run.push_str(source),
        }
    }

    fn start(&mut self, tag: Tag<'_>, source: &str) {
        self.end_run();
        self.has_markup |= !matches!(
            tag,
            Tag::Paragraph
                | Tag::HtmlBlock
                | Tag::CodeBlock(CodeBlockKind::Indented)
                | Tag::Link { .. }
                | Tag::Image { .. }
        );
        let close = match tag {
            Tag::Heading { .. } => self.block("p", " class=\"heading\""),
            Tag::BlockQuote(_) => self.block("blockquote", ""),
            Tag::CodeBlock(CodeBlockKind::Fenced(info)) => self.start_code(&info),
            Tag::List(None) => self.block("ul", ""),
            Tag::List(Some(1)) => self.block("ol", ""),
            Tag::List(Some(start)) => self.block("ol", &format!(" start=\"{start}\"")),
            Tag::Item => self.within("li"),
            Tag::Table(columns) => {
                self.columns = columns;
                self.html.push_str(
                    "<div class=\"table\" tabindex=\"0\" role=\"group\" aria-labelledby=\"name-of-table\">",
                );
                let _ = self.block("table", "");
                Close::Tag("</tbody></table></div>")
            }
            Tag::TableHead => {
                (self.is_in_head, self.column) = (true, 0);
                self.html.push_str("<thead><tr>");
                Close::Tag("</tr></thead><tbody>")
            }
            Tag::TableRow => {
                self.column = 0;
                self.within("tr")
            }
            Tag::TableCell => self.start_cell(),
            Tag::Emphasis => self.within("em"),
            Tag::Strong => self.within("strong"),
            Tag::Strikethrough => self.within("del"),
            Tag::Link { dest_url, .. } => self.start_link(&dest_url, source, false),
            Tag::Image { dest_url, .. } => self.start_link(&dest_url, source, true),
            Tag::Paragraph | Tag::HtmlBlock | Tag::CodeBlock(CodeBlockKind::Indented) => self.block("p", ""),
            _ => Close::Nothing,
        };
        self.open.push(close);
    }

    fn end(&mut self, end: TagEnd) {
        self.end_run();
        if let Some(Close::Typed(rest)) = self.open.last() {
            self.run.clone_from(rest);
        }
        self.end_run();
        if end == TagEnd::TableHead {
            self.is_in_head = false;
        }
        match self.open.pop() {
            Some(Close::Tag(tag)) => self.html.push_str(tag),
            Some(Close::Link) => {
                self.links -= 1;
                self.html.push_str("</a>");
            }
            Some(Close::Typed(_) | Close::Nothing) | None => {}
        }
    }

    /// Opens a block, which has a direction of its own unless another block is around it.
    fn block(&mut self, tag: &'static str, attributes: &str) -> Close {
        let dir = if self.open.is_empty() { " dir=\"auto\"" } else { "" };
        self.html.extend(["<", tag, attributes, dir, ">"]);
        Close::Tag(end_of(tag))
    }

    fn within(&mut self, tag: &'static str) -> Close {
        self.html.extend(["<", tag, ">"]);
        Close::Tag(end_of(tag))
    }

    fn start_code(&mut self, info: &str) -> Close {
        self.html.push_str(
            "<div class=\"code\"><pre dir=\"ltr\" translate=\"no\" tabindex=\"0\" role=\"group\" aria-labelledby=\"name-of-code\"><code",
        );
        if !info.is_empty() && is_language(info) {
            self.html.extend([" class=\"language-", &info.to_ascii_lowercase(), "\""]);
        }
        self.html.push('>');
        Close::Tag("</code></pre></div>")
    }

    fn start_cell(&mut self) -> Close {
        let alignment = self.columns.get(self.column).copied().unwrap_or(Alignment::None);
        self.column += 1;
        let class = match alignment {
            Alignment::None | Alignment::Left => "",
            Alignment::Center => " class=\"center\"",
            Alignment::Right => " class=\"end\"",
        };
        let (tag, scope) = if self.is_in_head { ("th", " scope=\"col\"") } else { ("td", "") };
        self.html.extend(["<", tag, scope, class, ">"]);
        Close::Tag(end_of(tag))
    }

    /// Opens a link, or what was typed in the place of one: to an address of another scheme, or with words that are
    /// another address than the one it leads to. An image is a link to it, so that no page loads it from elsewhere.
    fn start_link(&mut self, address: &CowStr<'_>, source: &str, is_image: bool) -> Close {
        let address = reveal(address);
        let source = reveal(source);
        let words = words_of(&source);
        let leads_elsewhere = |span: &Span<'_>| matches!(span, Span::Link(link) if **link != *address);
        if !may_be_followed(&address) || split_links(&words).iter().any(leads_elsewhere) {
            self.run.push_str(if is_image { "![" } else { "[" });
            return Close::Typed(format!("]({address})"));
        }
        self.has_markup = true;
        let close = if self.links > 0 {
            Close::Nothing
        } else {
            self.start_anchor(&address);
            self.links += 1;
            Close::Link
        };
        if words.trim().is_empty() {
            self.escaped(&address);
        }
        close
    }

    fn start_anchor(&mut self, address: &str) {
        self.html.push_str("<a href=\"");
        self.escaped(address);
        self.html.push_str("\" target=\"_blank\" rel=\"noopener noreferrer nofollow ugc\">");
    }

    fn element(&mut self, tag: &str) {
        self.end_run();
        self.html.push_str(tag);
    }

    /// Writes the text that was collected, with its addresses as links and its emoji, except in code.
    fn end_run(&mut self) {
        if self.run.is_empty() {
            return;
        }
        let run = std::mem::take(&mut self.run);
        let text = reveal(&run);
        if matches!(self.open.last(), Some(Close::Tag("</code></pre></div>"))) {
            return self.escaped(&text);
        }
        for span in split_links(&text) {
            match span {
                Span::Link(link) if self.links == 0 => {
                    self.start_anchor(link);
                    self.escaped(link);
                    self.html.push_str("</a>");
                }
                Span::Text(text) | Span::Link(text) => {
                    self.prose.iter_mut().for_each(|prose| prose.push(text.to_owned()));
                    self.words(text);
                }
            }
        }
    }

    /// Writes a text with its names marked: an element for each of those whom a name means, within each other.
    fn words(&mut self, text: &str) {
        let mut end = 0;
        for (place, marks) in self.names.map(|names| names(text)).unwrap_or_default() {
            self.with_emoji(&text[end..place.start]);
            for (attribute, value) in &marks {
                self.html.extend(["<span class=\"mention\" ", *attribute, "=\""]);
                self.escaped(value);
                self.html.push_str("\">");
            }
            self.escaped(&text[place.clone()]);
            self.html.extend(marks.iter().map(|_| "</span>"));
            (end, self.has_markup, self.has_names) = (place.end, true, true);
        }
        self.with_emoji(&text[end..]);
    }

    fn with_emoji(&mut self, text: &str) {
        let shown = emoji::replace_shortcodes(text);
        self.has_markup |= *shown != *text;
        self.escaped(&shown);
    }

    /// Writes a text for an element or a quoted attribute.
    fn escaped(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '&' => self.html.push_str("&amp;"),
                '<' => self.html.push_str("&lt;"),
                '>' => self.html.push_str("&gt;"),
                '"' => self.html.push_str("&quot;"),
                other => self.html.push(other),
            }
        }
    }
}

fn end_of(tag: &'static str) -> &'static str {
    match tag {
        "p" => "</p>",
        "blockquote" => "</blockquote>",
        "ul" => "</ul>",
        "ol" => "</ol>",
        "li" => "</li>",
        "tr" => "</tr>",
        "th" => "</th>",
        "td" => "</td>",
        "em" => "</em>",
        "strong" => "</strong>",
        "del" => "</del>",
        _ => "",
    }
}

/// The words of a link, by its source: without the addresses of images within it.
fn words_of(source: &str) -> String {
    let mut parts = source.trim_start_matches(['!', '[']).split("](").collect::<Vec<_>>();
    parts.pop();
    let (first, rest) = parts.split_first().unwrap_or((&"", &[]));
    let behind = rest.iter().map(|part| part.split_once(')').map_or("", |(_, behind)| behind));
    std::iter::once(*first).chain(behind).collect()
}

/// Returns true for an `http` or `https` address with a host. Unlike one that is found in a text it may have letters of
/// any script.
fn may_be_followed(address: &str) -> bool {
    let Some((scheme, rest)) = address.split_once("://") else { return false };
    let is_web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    let has_host = rest.starts_with(|c: char| c.is_alphanumeric() || c == '[');
    let is_part = |c: char| !c.is_whitespace() && !c.is_control() && !"\"<>\\^`{|}".contains(c);
    is_web && has_host && rest.chars().all(is_part)
}
