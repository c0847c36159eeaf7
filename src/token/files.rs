//! The files that the sources of a projected volume write.

use super::directory::{Relation, written_relation};
use super::meeting::meetings;
use crate::resource::{ItemsSource, ProjectedSource};

/// Up to this many files are compared pair by pair, which allocates nothing.
const FEW: usize = 16;

/// The files that `source` writes, as far as it names them: one without `items` writes every key of its object.
pub(crate) fn files<'s>(source: &'s ProjectedSource<'_>) -> impl Iterator<Item = &'s str> {
    let token = source.service_account_token.iter().map(|token| &token.path);
    let secret = source.secret.iter().flat_map(|secret| &secret.items).map(|item| &item.path);
    let config_map = source.config_map.iter().flat_map(|map| &map.items).map(|item| &item.path);
    let downward = source.downward_api.iter().flat_map(|downward| &downward.items).map(|item| &item.path);
    let bundle = source.cluster_trust_bundle.iter().map(|bundle| &bundle.path);
    let certificate = source.pod_certificate.iter().flat_map(|certificate| {
        [&certificate.credential_bundle_path, &certificate.key_path, &certificate.certificate_chain_path]
    });
    let all = token.chain(secret).chain(config_map).chain(downward).chain(bundle).chain(certificate);
    all.map(|path| &**path).filter(|path| !path.is_empty())
}

/// Whether `source` writes every key of its object, whatever keys it has.
pub(crate) fn writes_all_keys(source: &ProjectedSource<'_>) -> bool {
    let all = |source: &Option<ItemsSource<'_>>| source.as_ref().is_some_and(|source| source.items.is_empty());
    all(&source.secret) || all(&source.config_map)
}

/// Sources of one volume that write the file of a token, or a token's that write another's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Contended<'s> {
    /// The first such file.
    pub(crate) file: &'s str,
    /// The sources, by their places in the volume. Of several that write one file the first is left out, unless it is the
    /// only one that is not a token's.
    pub(crate) sources: Vec<usize>,
}

/// The files of `sources` that two of them write, where one of the two is a token. The kubelet writes the later source over
/// the earlier one (kubernetes `pkg/volume/projected/projected.go`).
pub(crate) fn contended<'s>(sources: &'s [ProjectedSource<'_>]) -> Option<Contended<'s>> {
    let all = || sources.iter().enumerate().flat_map(|(index, source)| files(source).map(move |file| (index, file)));
    let is_token = |index: usize| sources[index].service_account_token.is_some();
    if all().nth(FEW).is_none() {
        let same = |one: &str, other: &str| written_relation(one, other) == Relation::Same;
        let mut pairs = all().enumerate().flat_map(|(at, one)| all().skip(at + 1).map(move |other| (one, other)));
        if !pairs.any(|((one, path), (other, file))| (is_token(one) || is_token(other)) && same(path, file)) {
            return None;
        }
    }
    let files: Vec<(usize, &str)> = all().collect();
    let met =
        meetings(files.len(), |at| files[at].1, |at| is_token(files[at].0), |relation| relation == Relation::Same);
    let file = files[*met.first()?].1;
    let mut sources: Vec<usize> = met.into_iter().map(|at| files[at].0).collect();
    sources.dedup();
    Some(Contended { file, sources })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::contended;
    use crate::resource::ProjectedVolume;

    fn sources_of(paths: &[(&str, bool)]) -> Option<(String, Vec<usize>)> {
        let source = |(path, is_token): &(&str, bool)| match is_token {
            true => json!({"serviceAccountToken": {"path": path}}),
            false => json!({"configMap": {"name": "m", "items": [{"key": "k", "path": path}]}}),
        };
        let text = json!({"sources": paths.iter().map(source).collect::<Vec<Value>>()}).to_string();
        let volume: ProjectedVolume<'_> = serde_json::from_str(&text).unwrap();
        contended(&volume.sources).map(|found| (found.file.to_owned(), found.sources))
    }

    // row 47
    #[test]
    fn finds_the_sources_that_write_the_file_of_a_token() {
        assert_eq!(sources_of(&[("token", true), ("ca.crt", false), ("ca.crt", false)]), None);
        assert_eq!(sources_of(&[("token", true), ("./token", false)]), Some(("./token".to_owned(), vec![1])));
        assert_eq!(sources_of(&[("token", false), ("token", true)]), Some(("token".to_owned(), vec![0])));
        assert_eq!(sources_of(&[("a", true), ("a", true), ("a", true)]), Some(("a".to_owned(), vec![1, 2])));
    }

    proptest! {
        #[test]
        fn many_files_are_judged_as_few_are(files in proptest::collection::vec(("[ab]/?", any::<bool>()), 0..8)) {
            let few: Vec<(&str, bool)> = files.iter().map(|(path, is_token)| (path.as_str(), *is_token)).collect();
            let far: Vec<String> = (0..20).map(|index| format!("far-{index}")).collect();
            let many: Vec<(&str, bool)> = few.iter().copied().chain(far.iter().map(|path| (&**path, true))).collect();
            prop_assert_eq!(sources_of(&few), sources_of(&many));
        }
    }
}
