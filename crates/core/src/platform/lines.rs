//! A card that is one text: what must be there first and last, and between them as many lines as fit.

use super::limits::Unit;

pub(super) struct Lines<'a> {
    /// Between two lines.
    pub gap: &'a str,
    /// What it may have in all.
    pub max: usize,
    pub unit: Unit,
}

impl Lines<'_> {
    /// Head and tail, whatever happens, and in their order the lines for which there is room. `head` and
    /// `tail` together are shorter than `max` by the limits of the platform's own parts.
    pub fn join(&self, head: String, lines: impl IntoIterator<Item = String>, tail: &[String]) -> String {
        self.join_all(head, &mut lines.into_iter(), tail)
    }

    fn join_all(&self, head: String, lines: &mut dyn Iterator<Item = String>, tail: &[String]) -> String {
        let tail: String = tail
            .iter()
            .filter(|line| !line.trim().is_empty())
            .flat_map(|line| [self.gap, line.as_str()])
            .collect();
        let gap = self.unit.length(self.gap);
        let mut out = head;
        let mut used = self.unit.length(&out) + self.unit.length(&tail);
        for line in lines.filter(|line| !line.trim().is_empty()) {
            let length = self.unit.length(&line) + gap;
            if used + length <= self.max {
                used += length;
                out.push_str(self.gap);
                out.push_str(&line);
            }
        }
        out + &tail
    }
}
