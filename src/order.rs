//! Short lists put in order. The standard library's sorts are made for long lists, and each kind of list
//! would add some kilobytes of them to a library that has to be small.

/// Puts a short list in order: `is_before(a, b)` says that `a` stands before `b`. Equals keep their order.
pub(crate) fn arrange<T>(list: &mut Vec<T>, is_before: impl Fn(&T, &T) -> bool) {
    for next in 1..list.len() {
        let item = list.remove(next);
        let at = list[..next].partition_point(|known| !is_before(&item, known));
        list.insert(at, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_the_order_of_the_standard_library(list in prop::collection::vec((0..9_u8, any::<u8>()), 0..60)) {
            let (mut sorted, mut arranged) = (list.clone(), list);
            sorted.sort_by_key(|(key, _)| *key);
            arrange(&mut arranged, |a, b| a.0 < b.0);
            prop_assert_eq!(arranged, sorted);
        }
    }
}
