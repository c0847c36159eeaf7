//! Paths that meet the path of a token.

use super::directory::{Relation, reversed_parts, written_relation};

/// Up to this many paths are compared pair by pair, which allocates nothing.
const FEW: usize = 16;

/// Which of `count` paths lie to the path of a token, another of them, in a way that `counts`: at it, or at or below it. Of
/// paths that are the same the first is left out, unless it is the only one that is not a token's.
///
/// Many paths are sorted first, so that no Pod is slow to judge.
pub(crate) fn meetings<'p>(
    count: usize,
    path: impl Fn(usize) -> &'p str,
    is_token: impl Fn(usize) -> bool,
    counts: impl Fn(Relation) -> bool,
) -> Vec<usize> {
    if count <= FEW {
        let meets = |at: &usize| {
            (0..count).any(|token| {
                let relation = if token != *at && is_token(token) {
                    written_relation(path(*at), path(token))
                } else {
                    Relation::Apart
                };
                let is_first = relation == Relation::Same && is_token(*at) && *at < token;
                counts(relation) && !is_first
            })
        };
        return (0..count).filter(meets).collect();
    }
    let parts: Vec<Vec<&str>> = (0..count)
        .map(|at| {
            let mut parts: Vec<&str> = reversed_parts(path(at)).collect();
            parts.reverse();
            parts
        })
        .collect();
    let below = counts(Relation::Below);
    let mut tokens: Vec<usize> = (0..count).filter(|at| is_token(*at)).collect();
    tokens.sort_by_key(|at| (&parts[*at], *at));
    // What lies below a token's path is found by that token, so that one look-up is enough for each path.
    tokens.dedup_by(|later, kept| parts[*later] == parts[*kept] || below && parts[*later].starts_with(&parts[*kept]));
    let meets = |at: &usize| {
        let own = &parts[*at];
        let before = tokens.partition_point(|token| parts[*token] <= *own);
        before.checked_sub(1).map(|nearest| tokens[nearest]).is_some_and(|token| {
            let relation = match &parts[token] {
                other if other == own => Relation::Same,
                other if own.starts_with(other) => Relation::Below,
                _ => Relation::Apart,
            };
            token != *at && counts(relation)
        })
    };
    (0..count).filter(meets).collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use proptest::prelude::*;

    use super::{FEW, meetings};
    use crate::token::Relation;

    #[test]
    fn of_many_paths_each_is_looked_at_once() {
        const MANY: usize = 1000;
        let paths: Vec<String> = (0..MANY).map(|index| format!("/{index}")).collect();
        let looks = Cell::new(0);
        let path = |at: usize| {
            looks.set(looks.get() + 1);
            &*paths[at]
        };
        assert_eq!(meetings(MANY, path, |_| true, |relation| relation == Relation::Same), [0; 0]);
        assert_eq!(looks.get(), MANY);
    }

    proptest! {
        #[test]
        fn many_paths_are_judged_as_few_are(
            paths in proptest::collection::vec(("(/|a|b|\\.|\\.\\.){1,6}", any::<bool>()), 0..FEW), below in any::<bool>()
        ) {
            let counts = |relation| relation == Relation::Same || below && relation == Relation::Below;
            let few = meetings(paths.len(), |at| &paths[at].0, |at| paths[at].1, counts);
            let far: Vec<String> = (0..=FEW).map(|index| format!("/elsewhere/{index}")).collect();
            let path = |at: usize| paths.get(at).map_or_else(|| &*far[at - paths.len()], |(path, _)| path);
            let is_token = |at: usize| paths.get(at).is_some_and(|(_, is_token)| *is_token);
            let many = meetings(paths.len() + far.len(), path, is_token, counts);
            // A token at the root meets the added paths too.
            let many: Vec<usize> = many.into_iter().filter(|at| *at < paths.len()).collect();
            prop_assert_eq!(few, many);
        }
    }
}
