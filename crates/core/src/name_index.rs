//! Finds the places of a name in a list without walking the list: a configuration may have a thousand endpoints and hooks.

/// The places of each name, in the order of the list.
#[derive(Debug, Default)]
pub struct NameIndex {
    /// By name.
    places: Vec<(Box<str>, Vec<usize>)>,
}

impl NameIndex {
    /// The places that each name has, which may be several.
    pub fn places(&self, name: &str) -> &[usize] {
        let found = self.places.binary_search_by(|(known, _)| (**known).cmp(name));
        found.ok().and_then(|at| self.places.get(at)).map_or(&[], |(_, places)| places)
    }
}

impl<'a> FromIterator<(&'a str, usize)> for NameIndex {
    fn from_iter<T: IntoIterator<Item = (&'a str, usize)>>(names: T) -> NameIndex {
        let mut names: Vec<(&str, usize)> = names.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        let mut places: Vec<(Box<str>, Vec<usize>)> = Vec::new();
        for (name, place) in names {
            match places.last_mut() {
                Some((last, of_last)) if **last == *name => of_last.push(place),
                _ => places.push((name.into(), vec![place])),
            }
        }
        NameIndex { places }
    }
}
