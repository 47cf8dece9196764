//! Markdown as plain text, for the plainer form of a message.

use super::links;

/// The text without tags, stars, and what makes a line a heading or a quote; its links are written out.
pub(super) fn of_markdown(markdown: &str) -> String {
    let mut out = String::new();
    let mut rest = markdown;
    while let Some((before, after)) = rest.split_once('<') {
        out.push_str(before);
        rest = after.split_once('>').map_or(after, |(_, after)| after);
    }
    out.push_str(rest);
    let lines: Vec<_> = out.split('\n').map(|line| line.trim_start_matches(['#', '>', ' '])).collect();
    with_links_written_out(&lines.join("\n").replace("**", ""))
}

/// `[label](URL)` as `label: URL`.
fn with_links_written_out(markdown: &str) -> String {
    let mut out = String::new();
    let mut rest = markdown;
    while let Some((before, after)) = rest.split_once('[') {
        out.push_str(before);
        let link = after.split_once("](").and_then(|(label, after)| {
            let (url, after) = after.split_once(')')?;
            let is_link = !label.contains(['[', ']', '\n']) && links::has_scheme(url);
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
    use super::of_markdown;

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
