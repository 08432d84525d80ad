//! Whatever is typed, the HTML is well-formed, of the listed elements and attributes, and soon there.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// The start tags that a message can have; `*` stands for escaped text.
const TAGS: [&str; 32] = [
    "<p>",
    "<p dir=\"auto\">",
    "<p class=\"heading\">",
    "<p class=\"heading\" dir=\"auto\">",
    "<br>",
    "<em>",
    "<strong>",
    "<del>",
    "<code>",
    "<code translate=\"no\">",
    "<code class=\"language-*\">",
    "<div class=\"code\">",
    "<pre dir=\"ltr\" translate=\"no\" tabindex=\"0\" role=\"group\" aria-labelledby=\"name-of-code\">",
    "<blockquote>",
    "<blockquote dir=\"auto\">",
    "<ul>",
    "<ul dir=\"auto\">",
    "<ol>",
    "<ol dir=\"auto\">",
    "<ol start=\"*\">",
    "<ol start=\"*\" dir=\"auto\">",
    "<li>",
    "<div class=\"table\" tabindex=\"0\" role=\"group\" aria-labelledby=\"name-of-table\">",
    "<table>",
    "<table dir=\"auto\">",
    "<thead>",
    "<tbody>",
    "<tr>",
    "<th scope=\"col\">",
    "<th scope=\"col\" class=\"*\">",
    "<td>",
    "<td class=\"*\">",
];
const LINK: &str = "<a href=\"*\" target=\"_blank\" rel=\"noopener noreferrer nofollow ugc\">";

fn is_like(tag: &str, pattern: &str) -> bool {
    match pattern.split_once('*') {
        None => tag == pattern,
        Some((before, after)) => tag
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .is_some_and(|value| !value.contains(['"', '<', '>'])),
    }
}

/// Checks that every tag is a listed one and is closed in its turn, and returns the text.
fn check(html: &str) -> Result<String, TestCaseError> {
    let (mut open, mut text, mut rest) = (Vec::new(), String::new(), html);
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        let end = at + rest[at..].find('>').expect("a tag ends") + 1;
        let tag = &rest[at..end];
        rest = &rest[end..];
        let name =
            |tag: &str| tag.trim_matches(['<', '>', '/']).split(' ').next().unwrap_or_default().to_owned();
        if tag.starts_with("</") {
            prop_assert_eq!(open.pop(), Some(name(tag)), "{}", html);
            continue;
        }
        let is_link = is_like(tag, LINK);
        prop_assert!(is_link || TAGS.iter().any(|listed| is_like(tag, listed)), "{} in {}", tag, html);
        if is_link {
            let href = &tag["<a href=\"".len()..].to_ascii_lowercase();
            prop_assert!(href.starts_with("http://") || href.starts_with("https://"), "{}", tag);
            prop_assert!(!open.contains(&"a".to_owned()), "{}", html);
        }
        if tag == "<br>" {
            text.push('\n');
        } else {
            open.push(name(tag));
        }
        prop_assert!(open.len() < 64);
    }
    text.push_str(rest);
    prop_assert!(open.is_empty(), "{}", html);
    Ok(text)
}

/// Texts of what has a meaning, in every order.
fn typed() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        4 => prop::sample::select(vec![
            "*", "**", "***", "_", "__", "~~", "~", "`", "```", "```rust\n", "[", "](", ")", "](https://a.example)", "![", ">", "> ",
            "- ", "* ", "1. ", "2) ", "# ", "### ", "|", "|---|\n", "\n", "\n\n", "    ", "\t", "\\", "<", "</p>", "<b>", "<script>",
            "<!--", "&", "&amp;", "\"", "'", "javascript:alert(1)", "](javascript:x)", "https://a.example/b_c*d", "http://", ":tada:", ":",
            "「", "」", "です", "強調", "。", "שלום", "e\u{301}\u{301}\u{301}", "\u{2056}", "\u{f003c}", "a", "b c", "0", "=", "---", "\u{3000}",
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,6}",
    ];
    prop::collection::vec(part, 0..60).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn the_html_has_only_what_is_listed(text in typed()) {
        let since = Instant::now();
        let html = html_of(&text);
        prop_assert!(since.elapsed() < Duration::from_millis(500));
        if let Some(html) = html {
            check(&html)?;
        }
        let shown = check(&preview(&text))?;
        // No letter of the author's is lost.
        let letters = |text: &str| text.chars().filter(|c| matches!(c, '強' | '調' | 'ש' | '「')).count();
        prop_assert_eq!(letters(&shown), letters(&text), "{}", shown);
    }

    #[test]
    fn one_sign_over_and_over_is_soon_done(sign in "[-*_~`>#|\\[\\]()!\\\\:0-9. \n]{1,4}", other in "[a-z]{0,2}") {
        let unit = sign + &other;
        let text = unit.repeat(4_000 / unit.len());
        let since = Instant::now();
        let html = html_of(&text);
        prop_assert!(since.elapsed() < Duration::from_millis(500), "{:?}", since.elapsed());
        if let Some(html) = html {
            prop_assert!(html.len() < 70 * 1024);
            check(&html)?;
        }
    }
}
