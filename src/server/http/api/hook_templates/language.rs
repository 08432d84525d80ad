//! The part of minijinja's language that the template of a webhook may use. `engine` asks it before anything is rendered.
//!
//! Fuel bounds what a template does, but lists cost nothing until they are written out, and then all at once: one that is
//! repeated, added to itself or put twice into another one takes gigabytes. So nothing may make a value that is larger than
//! those of the body: no `*`, `+` and `~`, no lists and tuples of several items, no variables of one's own, and only filters
//! that make little. Texts are put together by writing them one after another.

/// The statements.
const STATEMENTS: [&str; 6] = ["if", "elif", "else", "endif", "for", "endfor"];
/// The filters, none of which makes more than it reads, or is charged for it.
const FILTERS: [&str; 22] = [
    "abs",
    "bool",
    "capitalize",
    "count",
    "d",
    "default",
    "first",
    "float",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "lower",
    "replace",
    "round",
    "split",
    "string",
    "title",
    "trim",
    "upper",
];

/// Finds what a template may not use: the line, from 1, and the reason.
pub(super) fn find_forbidden(source: &str) -> Option<(usize, String)> {
    let mut rest = source;
    while let Some(start) = rest.find('{') {
        let block = rest.get(start..).unwrap_or_default();
        let line = source.len() - block.len();
        let line = source.get(..line).unwrap_or_default().matches('\n').count() + 1;
        let (length, reason) = match block.as_bytes().get(1) {
            Some(b'#') => (block.find("#}").map_or(block.len(), |end| end + 2), None),
            Some(b'{') => code(block, "}}"),
            Some(b'%') => code(block, "%}"),
            _ => (1, None),
        };
        if let Some(reason) = reason {
            return Some((line, reason));
        }
        rest = block.get(length..).unwrap_or_default();
    }
    None
}

/// Reads a block up to its end: its length in bytes, and what is wrong with it.
fn code(block: &str, end: &str) -> (usize, Option<String>) {
    let bad = |reason: String| (block.len(), Some(reason));
    let is_statement = end == "%}";
    let (mut at, mut open, mut word, mut after_bar, mut is_first) =
        (2, Vec::new(), String::new(), false, is_statement);
    while let Some(c) = block.get(at..).and_then(|rest| rest.chars().next()) {
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
            at += c.len_utf8();
            continue;
        }
        if !word.is_empty() && after_bar && !FILTERS.contains(&word.as_str()) {
            return bad(format!("the filter {word} is not known here; use one of {}", FILTERS.join(", ")));
        }
        if !word.is_empty() && is_first && !STATEMENTS.contains(&word.as_str()) {
            return bad(format!(
                "the statement {word} is not known here; use one of {}",
                STATEMENTS.join(", ")
            ));
        }
        if !word.is_empty() {
            (after_bar, is_first) = (false, false);
        }
        if block.get(at..).is_some_and(|rest| rest.starts_with(end)) {
            return (at + 2, None);
        }
        // A sign that trims blanks stands only at the beginning and the end.
        let is_trim = at == 2 || block.get(at + 1..).is_some_and(|rest| rest.starts_with(end));
        match c {
            '\'' | '"' => match length_of_text(block.get(at..).unwrap_or_default(), c) {
                Some(length) => at += length - 1,
                None => return (block.len(), None),
            },
            '+' if is_trim => {}
            '*' | '+' | '~' => {
                return bad(format!("{c} is not known here; write one text after another"));
            }
            '{' => return bad("no { stands in {{ … }} or {% … %}".to_owned()),
            '(' => open.push(!word.is_empty()),
            '[' => open.push(false),
            ')' | ']' => drop(open.pop()),
            ',' if open.last() != Some(&true) => {
                return bad("a comma stands only between the arguments of a filter".to_owned());
            }
            '|' => after_bar = true,
            _ => {}
        }
        if !c.is_whitespace() {
            is_first &= is_trim;
        }
        word.clear();
        at += c.len_utf8();
    }
    // The parser reports a block that does not end.
    (block.len(), None)
}

/// The length of a literal text with its quotes; `None`: it does not end.
fn length_of_text(text: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_reads_may_be_used_and_what_makes_larger_values_not() {
        for source in [
            "**{{ a }}** + {b} ~ {# * + [a, a] #}",
            "{{ a.b[0]|default('x * y, {z}')|replace('a', 'b') }}",
            "{%- if a == 'x' and b > 9 -%}x{% elif not c is defined %}y{% else %}{% endif %}",
            "{% for x in items|items %}{{ x[0] }}: {{ x[1]|upper }}\n{% endfor +%}",
            "{{ tags | join(\", \") }} {{ a / 2 - 1 }} {{ 'it\\'s' }} {{ 1 if a else 2 }}",
        ] {
            assert_eq!(find_forbidden(source), None, "{source}");
        }
        for (source, line) in [
            ("a\n{{ a * 2 }}", 2),
            ("{{ a + a }}", 1),
            ("{{ a ~ a }}", 1),
            ("{{ [a, a] }}", 1),
            ("{{ (a, a) }}", 1),
            ("{{ a, a }}", 1),
            ("{% for x in a, a %}{% endfor %}", 1),
            ("{{ {'a': b} }}", 1),
            ("{{ a|default([a, a]) }}", 1),
            ("{{ a|map('upper') }}", 1),
            ("{{ a | sum }}", 1),
            ("{% set a = b %}", 1),
            ("{%- set a = b %}", 1),
            ("{%\n set a = b %}", 1),
            ("{% with a = b %}", 1),
            ("{% raw %}{{ x }}{% endraw %}", 1),
            ("{% filter upper %}", 1),
            ("{% macro f() %}", 1),
        ] {
            assert_eq!(find_forbidden(source).map(|(line, _)| line), Some(line), "{source}");
        }
    }
}
