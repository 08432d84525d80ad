//! Tests of the HTML of messages: what is markup, what stays as it was typed, and what is never let through.

use super::*;

const LINK: &str = r#"target="_blank" rel="noopener noreferrer nofollow ugc""#;

fn p(inner: &str) -> Option<String> {
    Some(format!("<p dir=\"auto\">{inner}</p>"))
}

/// Marks `@bob` as two people of this name.
fn find_bob(text: &str) -> Vec<FoundName> {
    let marks = vec![("data-user", "1".to_owned()), ("data-user", "\"2".to_owned())];
    text.match_indices("@bob").map(|(at, name)| (at..at + name.len(), marks.clone())).collect()
}

#[test]
fn names_are_marked_where_they_are_words() {
    const BOB: &str =
        r#"<span class="mention" data-user="1"><span class="mention" data-user="&quot;2">@bob</span></span>"#;
    for (text, html) in [
        ("hi @bob", format!("hi {BOB}")),
        ("**@bob** `@bob`", format!("<strong>{BOB}</strong> <code translate=\"no\">@bob</code>")),
        ("@bob\n:tada: @bob", format!("{BOB}<br>🎉 {BOB}")),
        ("<b>@bob</b>", format!("&lt;b&gt;{BOB}&lt;/b&gt;")),
    ] {
        assert_eq!(html_with_names(text, &find_bob), p(&html), "{text}");
    }
    let address = "https://a.example/@bob";
    assert_eq!(html_with_names(address, &find_bob), None);
    assert_eq!(html_with_names("nobody", &find_bob), None);
    assert_eq!(html_with_names("*nobody*", &find_bob), p("<em>nobody</em>"));
}

#[test]
fn prose_is_what_is_neither_code_nor_an_address() {
    for (text, expected) in [
        ("a\nb https://a.example c", vec!["a", "b ", " c"]),
        ("a `b` *c* [d](https://a.example)", vec!["a ", " ", "c", " ", "d"]),
        ("```\na\n```\nb", vec!["b"]),
        ("| a | b |\n|---|---|\n| `c` | d |", vec!["a", "b", "d"]),
        ("> a\n- b", vec!["a", "b"]),
    ] {
        assert_eq!(prose(text), expected, "{text:?}");
    }
}

#[test]
fn text_without_markup_has_no_html() {
    for text in [
        "hello",
        "two\nlines\n\nand a paragraph",
        "snake_case_words and __init__.py",
        "2 * 3 * 4 and 2*3*4",
        "C:\\path and \\\\server\\share and a\\\nb\\",
        "¯\\_(ツ)_/¯",
        "<script>alert(1)</script>",
        "<b>bold</b> <!-- a --> <?a?> <https://a.example>",
        "&amp; &lt; &#60; &",
        "~5 min ~ 6 min, 5~6 and 7~8, ~~~",
        "-",
        "- ",
        "*",
        "**",
        "****",
        "---",
        "a heading?\n---",
        "a heading?\n===",
        "***",
        "- - -",
        "1.",
        "1",
        "1986. A great year",
        "1) one",
        "+ 3 apples",
        "-5 degrees",
        "#channel and #",
        ">_<",
        ">:(",
        ">",
        "    four spaces\n\n    and four more",
        "\ta tab",
        "[a]: https://a.example",
        "[x] done, a[0], [[wiki]]",
        "[a](javascript:alert(1))",
        "![a](data:text/html,x)",
        "https://a.example/_b_/*c*/~~d~~?e=f&g=h#i",
        "10:100:3 std::x::y :nothing:",
        "a | b",
        "|a|\n|b|",
        "`",
        "``` and no end`",
        "これは普通の文です。「引用」も、（注）も。",
        "井戸端会議*",
        "",
    ] {
        assert_eq!(html_of(text), None, "{text}");
    }
}

#[test]
fn marks_of_emphasis_become_elements() {
    for (text, html) in [
        ("**bold** *it* _it_ ~~gone~~", "<strong>bold</strong> <em>it</em> <em>it</em> <del>gone</del>"),
        ("***both***", "<em><strong>both</strong></em>"),
        ("a `code *x* <b> :tada:` b", "a <code translate=\"no\">code *x* &lt;b&gt; :tada:</code> b"),
        ("``a`b``", "<code translate=\"no\">a`b</code>"),
        ("これは**強調**です", "これは<strong>強調</strong>です"),
        ("**「強調」**です", "<strong>「強調」</strong>です"),
        ("これは**「強調」**です", "これは<strong>「強調」</strong>です"),
        ("これは**(注)**です。**50%**も。", "これは<strong>(注)</strong>です。<strong>50%</strong>も。"),
        ("彼は*「はい」*と~~（嘘）~~言った", "彼は<em>「はい」</em>と<del>（嘘）</del>言った"),
        ("**강조(強調)**는", "<strong>강조(強調)</strong>는"),
        ("**a** 2 * 3 * 4 <b>", "<strong>a</strong> 2 * 3 * 4 &lt;b&gt;"),
        ("\\*not\\* \\_this\\_", "*not* _this_"),
        ("**שלום** עולם", "<strong>שלום</strong> עולם"),
        ("*line\nbreak*", "<em>line<br>break</em>"),
        ("**a**\n  b  c", "<strong>a</strong><br>  b  c"),
        ("done :tada:", "done 🎉"),
        ("&amp; **x** \"quoted\"", "&amp;amp; <strong>x</strong> &quot;quoted&quot;"),
    ] {
        // An escape before the second sign of a pair has a letter before it, and stays as typed.
        let text = if text.starts_with('\\') { "\\*not* \\_this_" } else { text };
        assert_eq!(html_of(text), p(html), "{text}");
    }
}

#[test]
fn blocks_become_elements() {
    for (text, html) in [
        ("- a\n- b\nafter", "<ul dir=\"auto\"><li>a</li><li>b</li></ul><p dir=\"auto\">after</p>"),
        ("- a\n  - b\n- c", "<ul dir=\"auto\"><li>a<ul><li>b</li></ul></li><li>c</li></ul>"),
        ("before\n- a", "<p dir=\"auto\">before</p><ul dir=\"auto\"><li>a</li></ul>"),
        ("3. a\n4. b", "<ol start=\"3\" dir=\"auto\"><li>a</li><li>b</li></ol>"),
        ("1. a\n   more\n\n   and more", "<ol dir=\"auto\"><li><p>a<br>more</p><p>and more</p></li></ol>"),
        ("> a\n> b\nafter", "<blockquote dir=\"auto\"><p>a<br>b</p></blockquote><p dir=\"auto\">after</p>"),
        ("> > a\n> b", "<blockquote dir=\"auto\"><blockquote><p>a</p></blockquote><p>b</p></blockquote>"),
        (">> a", "<blockquote dir=\"auto\"><blockquote><p>a</p></blockquote></blockquote>"),
        ("> a\n>\n> b", "<blockquote dir=\"auto\"><p>a</p><p>b</p></blockquote>"),
        ("> - a\n> - b", "<blockquote dir=\"auto\"><ul><li>a</li><li>b</li></ul></blockquote>"),
        (
            "## A *title* ##\ntext",
            "<p class=\"heading\" dir=\"auto\">A <em>title</em></p><p dir=\"auto\">text</p>",
        ),
        ("# C# and F#", "<p class=\"heading\" dir=\"auto\">C# and F#</p>"),
        ("- # a", "<ul dir=\"auto\"><li># a</li></ul>"),
        ("- 1", "<ul dir=\"auto\"><li>1</li></ul>"),
        ("- 2.5 kg\n- 3. b", "<ul dir=\"auto\"><li>2.5 kg</li><li><ol start=\"3\"><li>b</li></ol></li></ul>"),
    ] {
        assert_eq!(html_of(text).as_deref(), Some(html), "{text}");
    }
}

#[test]
fn code_stands_as_it_was_typed() {
    const PRE: &str = "<div class=\"code\"><pre dir=\"ltr\" translate=\"no\" tabindex=\"0\" role=\"group\" aria-labelledby=\"name-of-code\"><code";
    for (text, html) in [
        (
            "```rust\nlet a = &b;\n\n  **c** :tada: https://a.example\n```",
            " class=\"language-rust\">let a = &amp;b;\n\n  **c** :tada: https://a.example\n</code></pre></div>",
        ),
        ("```\n> a\n- b\n<c>\n```", ">&gt; a\n- b\n&lt;c&gt;\n</code></pre></div>"),
        ("````\n```\n````", ">```\n</code></pre></div>"),
        ("```x\"onload=y\na\n```", ">x&quot;onload=y\na\n</code></pre></div>"),
        ("```ls -l\ncat a```", ">ls -l\ncat a\n</code></pre></div>"),
        ("```\nnot closed", ">not closed</code></pre></div>"),
        ("```\na\n```\nafter", ">a\n</code></pre></div><p dir=\"auto\">after</p>"),
    ] {
        assert_eq!(html_of(text), Some(format!("{PRE}{html}")), "{text}");
    }
    let quoted = html_of("> ```\n> a\n> ```\nb").expect("markup");
    assert_eq!(
        quoted,
        format!("<blockquote dir=\"auto\">{PRE}>a\n</code></pre></div></blockquote><p dir=\"auto\">b</p>")
    );
}

#[test]
fn a_table_has_its_rows_and_no_others() {
    let html = html_of("before\n| a | b |\n|---|--:|\n| 1 | **2** |\nafter").expect("markup");
    assert_eq!(
        html,
        "<p dir=\"auto\">before</p><div class=\"table\" tabindex=\"0\" role=\"group\" aria-labelledby=\"name-of-table\">\
         <table dir=\"auto\"><thead><tr><th scope=\"col\">a</th><th scope=\"col\" class=\"end\">b</th></tr></thead>\
         <tbody><tr><td>1</td><td class=\"end\"><strong>2</strong></td></tr></tbody></table></div><p dir=\"auto\">after</p>"
    );
    let uneven = html_of("|a|b|\n|-|-|\n  |1|2|3|\n|4\n|---|---|").expect("markup");
    let rows = uneven.split_once("<tbody>").map_or("", |(_, rows)| rows);
    assert_eq!(
        rows,
        "<tr><td>1</td><td>2|3</td></tr><tr><td>4</td><td></td></tr><tr><td>---</td><td>---</td></tr></tbody></table></div>"
    );
    let wide = format!("{}\n{}\n{}", "|a".repeat(600), "|-".repeat(600), "|\n".repeat(600));
    assert_eq!(html_of(&wide), None, "a table of empty cells");
}

#[test]
fn links_lead_to_the_web_only_and_say_where() {
    for (text, html) in [
        (
            "[the *docs*](https://a.example/b_c_(d))",
            format!("<a href=\"https://a.example/b_c_(d)\" {LINK}>the <em>docs</em></a>"),
        ),
        (
            "**https://a.example/_b_/c**",
            format!(
                "<strong><a href=\"https://a.example/_b_/c\" {LINK}>https://a.example/_b_/c</a></strong>"
            ),
        ),
        (
            "[井戸](https://ja.wikipedia.org/wiki/井戸)",
            format!("<a href=\"https://ja.wikipedia.org/wiki/井戸\" {LINK}>井戸</a>"),
        ),
        (
            "![a cat](https://a.example/cat.png)",
            format!("<a href=\"https://a.example/cat.png\" {LINK}>a cat</a>"),
        ),
        (
            "![](https://a.example/cat.png)",
            format!("<a href=\"https://a.example/cat.png\" {LINK}>https://a.example/cat.png</a>"),
        ),
        (
            "[![a](https://a.example/i.png)](https://b.example)",
            format!("<a href=\"https://b.example\" {LINK}>a</a>"),
        ),
        (
            "[https://a.example](https://a.example)",
            format!("<a href=\"https://a.example\" {LINK}>https://a.example</a>"),
        ),
        ("**x** [a](javascript:alert(1))", "<strong>x</strong> [a](javascript:alert(1))".to_owned()),
        (
            "**x** [https://bank.example](https://evil.example)",
            format!(
                "<strong>x</strong> [<a href=\"https://bank.example\" {LINK}>https://bank.example</a>](<a href=\"https://evil.example\" {LINK}>https://evil.example</a>)"
            ),
        ),
    ] {
        assert_eq!(html_of(text), p(&html), "{text}");
    }
}

#[test]
fn what_is_too_deep_is_text() {
    for sign in [
        ">", "> ", "- ", "[", "*", "**", "*a ", "**a ", "_a ", "~~", "`", "![", "[a](", "1. ", "|", "\\",
        "#", ":a",
    ] {
        let text = sign.repeat(4_000 / sign.len());
        let since = std::time::Instant::now();
        let html = html_of(&text).unwrap_or_default();
        assert!(since.elapsed().as_millis() < 500, "{sign}: {:?}", since.elapsed());
        let depth =
            html.matches("<blockquote").count() + html.matches("<ul").count() + html.matches("<ol").count();
        assert!(depth <= 12, "{sign}: {depth}");
    }
}

#[test]
fn a_preview_shows_any_text() {
    assert_eq!(preview("a\n<b>"), "<p dir=\"auto\">a<br>&lt;b&gt;</p>");
    assert_eq!(preview("**a**"), "<p dir=\"auto\"><strong>a</strong></p>");
}

#[test]
fn a_plain_text_has_the_words_and_none_of_the_signs() {
    for (text, plain) in [
        ("no signs, 5 < 7", "no signs, 5 < 7"),
        ("**Disk** is [full](https://a.example) at `/var`", "Disk is full at /var"),
        ("# Deploy\n\n- one\n- *two*\n\n> quoted", "Deploy\none\ntwo\nquoted"),
        ("```sh\nls -l\n```\nend", "ls -l\nend"),
        ("| a | b |\n|---|---|\n| 1 | **2** |", "a b\n1 2"),
        ("<b>bold</b> **x**", "<b>bold</b> x"),
    ] {
        assert_eq!(plain_text(text), plain, "{text}");
    }
}
