//! Slack's markup (`mrkdwn`) as the Markdown of messages. `blocks` and `attachments` call it for every text of a payload.
//!
//! Whatever it does not know stays as it was written: no text is lost.

/// Translates a text.
pub(super) fn markdown_of(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '`' => code(rest, &mut out),
            '<' => reference(rest, &mut out),
            '*' => styled(rest, '*', "**", &mut out),
            '~' => styled(rest, '~', "~~", &mut out),
            '&' => entity(rest).map(|(length, sign)| {
                out.push(sign);
                length
            }),
            _ => None,
        };
        let taken = taken.unwrap_or_else(|| {
            out.push(first);
            first.len_utf8()
        });
        rest = &rest[taken..];
    }
    out
}

/// Decodes the three entities of Slack's texts.
pub(super) fn decoded(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn entity(text: &str) -> Option<(usize, char)> {
    let known = [("&lt;", '<'), ("&gt;", '>'), ("&amp;", '&')];
    known.into_iter().find(|(name, _)| text.starts_with(name)).map(|(name, sign)| (name.len(), sign))
}

/// Code, which is not translated. Slack's blocks may begin and end within a line; those of Markdown may not.
fn code(text: &str, out: &mut String) -> Option<usize> {
    if let Some(inside) = text.strip_prefix("```") {
        let end = inside.find("```")?;
        push_code(&decoded(&inside[..end]), out);
        let after = &inside[end + 3..];
        if !after.is_empty() && !after.starts_with('\n') && out.ends_with('`') {
            out.push('\n');
        }
        return Some(end + 6);
    }
    let end = text[1..].find(['`', '\n']).filter(|end| *end > 0 && text[1 + end..].starts_with('`'))?;
    out.push_str(&decoded(&text[..end + 2]));
    Some(end + 2)
}

/// Writes a block of code.
pub(super) fn push_code(code: &str, out: &mut String) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    out.push_str("```\n");
    out.push_str(code.trim_matches('\n'));
    out.push_str("\n```");
}

/// A text between two equal signs that touch it, and nothing else that is a letter. Doubled signs are Markdown, which senders
/// to Mattermost write, and stay.
fn styled(text: &str, sign: char, markdown: &str, out: &mut String) -> Option<usize> {
    let is_letter = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
    let signs = text.len() - text.trim_start_matches(sign).len();
    if signs > 1 {
        out.push_str(&text[..signs]);
        return Some(signs);
    }
    let line = text[1..].split('\n').next().unwrap_or_default();
    let end = line.find(sign)?;
    let inside = &line[..end];
    let touches = !inside.is_empty() && inside.trim() == inside;
    if !touches || is_letter(out.chars().next_back()) || is_letter(line[end + 1..].chars().next()) {
        return None;
    }
    out.push_str(markdown);
    out.push_str(&markdown_of(inside));
    out.push_str(markdown);
    Some(end + 2)
}

/// A link, a mention or a date: `<https://example.org|label>`, `<!channel>`, `<@U1|name>`, `<!date^1^{date}|fallback>`.
fn reference(text: &str, out: &mut String) -> Option<usize> {
    let end = text.find('>')?;
    let inside = &text[1..end];
    let (target, label) = inside.split_once('|').unwrap_or((inside, ""));
    let name = if label.is_empty() { target.get(1..).unwrap_or_default() } else { label };
    match target.chars().next()? {
        '@' => out.push_str(&format!("@{}", decoded(name).trim_start_matches('@'))),
        '#' => out.push_str(&format!("#{}", decoded(name).trim_start_matches('#'))),
        '!' => out.push_str(&command(target, label)),
        _ if is_link(target) => out.push_str(&link(target, label)),
        _ => return None,
    }
    Some(end + 1)
}

fn command(target: &str, label: &str) -> String {
    match target.split('^').next().unwrap_or_default() {
        "!here" => "@here".to_owned(),
        "!channel" | "!everyone" | "!group" => "@room".to_owned(),
        _ if !label.is_empty() => decoded(label),
        other => format!("@{}", &other[1..]),
    }
}

fn is_link(target: &str) -> bool {
    let scheme = target.split(':').next().unwrap_or_default().to_ascii_lowercase();
    target.len() > scheme.len() + 1
        && ["http", "https", "mailto"].contains(&&*scheme)
        && !target.contains(char::is_whitespace)
}

/// A link in Markdown.
pub(super) fn link(url: &str, label: &str) -> String {
    let (url, label) = (decoded(url), decoded(label).replace(['\n', '\r'], " "));
    let is_plain = label.trim().is_empty() || label == url;
    match url.strip_prefix("mailto:") {
        Some(address) if is_plain || label == address => address.to_owned(),
        _ if is_plain => url,
        _ => {
            let label = label.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]");
            let url = url.replace('(', "%28").replace(')', "%29").replace(' ', "%20").replace('<', "%3C");
            format!("[{label}]({url})")
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn slacks_markup_becomes_markdown() {
        for (slack, markdown) in [
            ("*bold* and _italic_ and ~gone~", "**bold** and _italic_ and ~~gone~~"),
            ("2 * 3 * 4, a*b*c, ** and *", "2 * 3 * 4, a*b*c, ** and *"),
            ("build **7** ~~6~~ *8*", "build **7** ~~6~~ **8**"),
            ("*bold\nover two lines*", "*bold\nover two lines*"),
            ("<https://example.org/a?b=1&amp;c=2|the *page*>", "[the *page*](https://example.org/a?b=1&c=2)"),
            ("see <https://example.org>.", "see https://example.org."),
            ("<mailto:bob@example.org|bob@example.org>", "bob@example.org"),
            ("<https://example.org/a(b)|[x]>", "[\\[x\\]](https://example.org/a%28b%29)"),
            ("<!channel> <!here|here> <!everyone>", "@room @here @room"),
            ("<@U024BE7LH|bob> in <#C024BE7LR|general> <@U1>", "@bob in #general @U1"),
            ("<!date^1392734382^{date}|Feb 18, 2014>", "Feb 18, 2014"),
            ("<!subteam^SAZ94GDB8|@ops>", "@ops"),
            ("a &lt;b&gt; &amp;amp; c", "a <b> &amp; c"),
            ("1 < 2 <nothing> <javascript:alert(1)|x>", "1 < 2 <nothing> <javascript:alert(1)|x>"),
            ("`*code* &lt;x&gt;` *b*", "`*code* <x>` **b**"),
            ("```let a = *b*;\nlet c;```", "```\nlet a = *b*;\nlet c;\n```"),
            ("before ```one``` after", "before \n```\none\n```\n after"),
            ("*bold <https://a.example|link>*", "**bold [link](https://a.example)**"),
            ("an open ` and an open ``` here", "an open ` and an open ``` here"),
            ("会議は*明日*です", "会議は*明日*です"),
            ("会議は *明日* です", "会議は **明日** です"),
        ] {
            assert_eq!(markdown_of(slack), markdown, "{slack}");
        }
    }

    mod properties {
        use super::*;

        proptest! {
            #[test]
            fn any_text_is_translated(text in "[*~_`<>!@#|&;a-z 井\n:/]{0,60}") {
                markdown_of(&text);
            }

            #[test]
            fn a_text_without_signs_stays(text in "[a-zA-Z0-9 .,:/井戸-]{0,60}") {
                prop_assert_eq!(markdown_of(&text), text);
            }
        }
    }
}
