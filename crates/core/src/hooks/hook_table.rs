//! The hooks of a configuration, found by the type of an event: a thousand that listen to other types cost it nothing.

use super::hook::Hook;
use crate::name_index::NameIndex;
use std::borrow::Cow;
use std::ops::Deref;

/// Hooks in the order of the configuration.
#[derive(Debug)]
pub struct HookTable {
    hooks: Vec<Hook>,
    by_type: NameIndex,
    /// By the beginning that the types of a family share, such as `render.`; for `*` it is empty.
    by_family: NameIndex,
}

impl From<Vec<Hook>> for HookTable {
    fn from(hooks: Vec<Hook>) -> HookTable {
        let named = || hooks.iter().zip(0..).flat_map(|(hook, at)| hook.on.iter().map(move |on| (&**on, at)));
        HookTable {
            by_type: named().filter(|(on, _)| !on.ends_with('*')).collect(),
            by_family: named().filter_map(|(on, at)| Some((on.strip_suffix('*')?, at))).collect(),
            hooks,
        }
    }
}

impl HookTable {
    /// The hooks whose `on` names events of this type, in their order.
    pub fn hearing(&self, kind: &str) -> impl Iterator<Item = &Hook> {
        let mut places = Cow::Borrowed(self.by_type.places(kind));
        let families = kind.match_indices('.').map(|(at, dot)| &kind[..at + dot.len()]);
        for family in families.chain([""]) {
            let more = self.by_family.places(family);
            if places.is_empty() {
                places = Cow::Borrowed(more);
            } else if !more.is_empty() {
                places.to_mut().extend(more);
            }
        }
        if let Cow::Owned(places) = &mut places {
            places.sort_unstable();
            places.dedup();
        }
        let count = places.len();
        (0..count).filter_map(move |at| self.hooks.get(*places.get(at)?))
    }

    /// Whether `on` of any hook names events of this type.
    pub fn hears(&self, kind: &str) -> bool {
        self.hearing(kind).next().is_some()
    }
}

impl Deref for HookTable {
    type Target = [Hook];

    fn deref(&self) -> &[Hook] {
        &self.hooks
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn the_hooks_of_a_type_are_those_that_hear_it_in_their_order() {
        let on = [
            "'render.saved'",
            "'*'",
            "'render.*'",
            "'render.frame.*', 'render.saved', '*'",
            "'queue.end'",
            "'render.saved', 'queue.end'",
            "'rendering.*'",
            "'render'",
        ];
        let hooks = on.iter().map(|on| format!("[[hooks]]\non = [{on}]\nto = ['a']\n")).collect::<String>();
        let text = format!("[endpoints.a]\nurl = 'https://a.example.com/'\n{hooks}");
        let hooks = Config::load(&text).unwrap().hooks;
        for kind in ["render.saved", "render.frame.saved", "render", "queue.end", "x", "rendering.a", ""] {
            let walked: Vec<&str> =
                hooks.iter().filter(|hook| hook.hears(kind)).map(|hook| &*hook.name).collect();
            let found: Vec<&str> = hooks.hearing(kind).map(|hook| &*hook.name).collect();
            assert_eq!(found, walked, "{kind}");
            assert_eq!(hooks.hears(kind), !walked.is_empty());
        }
    }
}
