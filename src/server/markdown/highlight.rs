//! Colours of code: its HTML with a class for each kind of word, made by syntect with the languages of bat. The route of a
//! message's code calls it when a page shows some; never the encoding of a message, because it takes milliseconds.

use std::sync::LazyLock;

use syntect::{
    html::{ClassStyle, ClassedHTMLGenerator},
    parsing::SyntaxSet,
    util::LinesWithEndings,
};
use tokio::sync::Semaphore;

use super::CodeBlock;

/// The languages. Loading them takes some 20 ms, so it waits for the first code.
static LANGUAGES: LazyLock<SyntaxSet> = LazyLock::new(two_face::syntax::extra_newlines);

/// Blocks at work at the same time: colours must not keep the cores from delivering messages.
static TURNS: Semaphore = Semaphore::const_new(1);

/// The HTML of each block; `None` for those in no known language.
pub async fn highlight(blocks: Vec<CodeBlock>) -> Vec<Option<String>> {
    let _turn = TURNS.acquire().await.expect("nobody closes it");
    let work = move || blocks.iter().map(html_of).collect();
    // A grammar with a fault costs its colours only.
    tokio::task::spawn_blocking(work).await.unwrap_or_default()
}

/// The classes have the prefix `c-`, and no text becomes a tag.
fn html_of(CodeBlock { language, code }: &CodeBlock) -> Option<String> {
    let syntax = LANGUAGES.find_syntax_by_token(language).filter(|syntax| syntax.name != "Plain Text")?;
    let style = ClassStyle::SpacedPrefixed { prefix: "c-" };
    let mut generator = ClassedHTMLGenerator::new_with_class_style(syntax, &LANGUAGES, style);
    for line in LinesWithEndings::from(code) {
        generator.parse_html_for_line_which_includes_newline(line).ok()?;
    }
    Some(generator.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(language: &str, code: &str) -> CodeBlock {
        CodeBlock { language: language.into(), code: code.into() }
    }

    /// The text that a browser shows of it.
    fn text_of(html: &str) -> String {
        let mut text = String::new();
        for part in html.split('<') {
            text.push_str(part.split_once('>').map_or(part, |(_, text)| text));
        }
        let signs = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
        signs.iter().fold(text, |text, (entity, sign)| text.replace(entity, sign))
    }

    #[test]
    fn words_of_a_language_get_their_kinds() {
        let html = html_of(&block("rust", "let a = 1; // one\n")).expect("a language");
        assert!(html.contains("c-comment") && html.contains("c-numeric"), "{html}");
        for language in [
            "rs",
            "python",
            "ts",
            "typescript",
            "js",
            "json",
            "toml",
            "yaml",
            "sh",
            "bash",
            "go",
            "sql",
            "html",
            "css",
            "c",
            "cpp",
            "java",
            "kotlin",
            "swift",
            "ruby",
            "php",
            "diff",
            "dockerfile",
        ] {
            assert!(html_of(&block(language, "a\n")).is_some(), "{language}");
        }
        for unknown in ["", "nothing-of-the-kind", "text", "plain text"] {
            assert_eq!(html_of(&block(unknown, "let a = 1;")), None, "{unknown}");
        }
    }

    #[test]
    fn the_text_stays_as_it_is_and_no_text_becomes_a_tag() {
        for code in [
            "<script>alert(1)</script>\n\n  a && b < \"c\" // 'd' &lt;\n",
            "\"unclosed\n<b>",
            "/* \u{202e}x */ 日本\tx",
            "",
        ] {
            for language in ["rust", "html", "js", "sh", "markdown"] {
                let html = html_of(&block(language, code)).expect("a language");
                assert_eq!(text_of(&html), code, "{language}: {html}");
                assert!(!html.contains("<script") && !html.contains("<b>"), "{html}");
            }
        }
    }
}
