//! Text without markup: for the plainer form of a message, and for the filter `plain`.

use url::Url;

/// The text without tags, stars, and what makes a line a heading or a quote; its links are written out.
pub(crate) fn of_markdown(markdown: &str) -> String {
    let mut out = String::new();
    let mut rest = markdown;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        rest = after.split_once('>').map_or(after, |(_, after)| after);
    }
    out.push_str(rest);
    without_signs(&out)
}

/// A text of either kind: without the tags of HTML, what makes a line a heading or a quote, stars and backticks.
pub(crate) fn of_any(text: &str) -> String {
    without_signs(&of_html(text)).replace(['`', '*'], "")
}

fn without_signs(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(|line| line.trim_start_matches(['#', '>', ' '])).collect();
    with_links_written_out(&lines.join("\n").replace("**", ""))
}

/// The tags of HTML that a chat knows.
const TAGS: [&str; 14] =
    ["a", "b", "i", "u", "s", "em", "strong", "font", "br", "code", "pre", "blockquote", "span", "del"];

/// HTML as text; what is no tag of it stays.
pub(crate) fn of_html(html: &str) -> String {
    let mut out = String::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        let name: String =
            after.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        match after.split_once('>').filter(|_| TAGS.contains(&name.as_str())) {
            Some((_, after)) => {
                out.push_str(if name == "br" { "\n" } else { "" });
                rest = after;
            }
            None => {
                out.push('<');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")]
        .iter()
        .fold(out, |text, (entity, plain)| text.replace(entity, plain))
}

/// `[label](URL)` as `label: URL`.
fn with_links_written_out(markdown: &str) -> String {
    let mut out = String::new();
    let mut rest = markdown;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        let link = after.split_once("](").and_then(|(label, after)| {
            let (url, after) = after.split_once(')')?;
            let is_link = !label.contains(['[', ']', '\n'])
                && Url::parse(url).is_ok()
                && !url.contains(char::is_whitespace);
            is_link.then(|| (format!("{label}: {url}"), after))
        });
        match link {
            Some((link, after)) => {
                out.push_str(&link);
                rest = after;
            }
            None => {
                out.push('[');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::{of_any, of_html, of_markdown};

    #[test]
    fn a_text_of_either_kind_loses_its_markup_and_keeps_what_only_looks_like_it() {
        for (text, plain) in [
            ("# **Done** `x`\n> see [log](https://a.example/l)", "Done x\nsee log: https://a.example/l"),
            ("<b>a</b> &amp; <lora:film:0.8> 5 < 6", "a & <lora:film:0.8> 5 < 6"),
            ("snake_case 5 * 3", "snake_case 5  3"),
        ] {
            assert_eq!(of_any(text), plain);
        }
    }

    #[test]
    fn html_loses_its_tags_and_its_entities() {
        assert_eq!(of_html("<b>it&#39;s</b><br>a &lt; b &amp;amp;"), "it's\na < b &amp;");
        assert_eq!(of_html("<users/all> <5 <b"), "<users/all> <5 <b");
    }

    #[test]
    fn markup_is_taken_out_and_links_are_written_out() {
        for (markdown, text) in [
            ("### <font color=\"info\">Done</font>\n> a: **1**", "Done\na: 1"),
            ("[Open](https://a.example/x) [1] [b](c", "Open: https://a.example/x [1] [b](c"),
            ("[[x](https://a.example)] a < b", "[x: https://a.example] a  b"),
        ] {
            assert_eq!(of_markdown(markdown), text);
        }
    }
}
