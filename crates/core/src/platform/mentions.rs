//! Whom an endpoint pings, as its configuration names them.

/// The configured mentions, which a platform writes in its own form.
pub(super) struct Mentions<'a>(pub &'a [String]);

impl<'a> Mentions<'a> {
    /// Each name, without the brackets and the at sign around it.
    pub fn names(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.0.iter().map(|mention| {
            mention.trim().trim_start_matches('<').trim_end_matches('>').trim_start_matches('@')
        })
    }

    /// The live forms of those that ping somebody, with `gap` between them, in fewer than `max` bytes.
    pub fn joined(&self, gap: &str, max: usize, live: &dyn Fn(&str) -> Option<String>) -> String {
        let mut out = String::new();
        for mention in self.0 {
            let Some(live) = live(mention.trim().trim_start_matches('@')).filter(|live| !live.is_empty())
            else {
                continue;
            };
            let gap = if out.is_empty() { "" } else { gap };
            if out.len() + gap.len() + live.len() < max {
                out.extend([gap, live.as_str()]);
            }
        }
        out
    }
}
