//! TW206: a token's file is the token's, and is renewed.

use crate::policy::finding::Findings;
use crate::policy::registry::rule;
use crate::policy::review::{PodReview, PodScope};
use crate::policy::text::{and_more_places, shortened};
use crate::resource::{Container, FieldPath, List, ProjectedSource, VolumeMount};
use crate::token::Relation;
use crate::token::held::{TokenVolumes, containers};
use crate::token::meeting::meetings;

rule! {
    /// ## What it finds
    ///
    /// - two sources of one projected volume that write the same file, where one of them is a token,
    /// - two mounts of one container at the same path in different spellings, where one holds a token,
    /// - a mount below the directory of a token, and
    /// - a mount of a token volume with `subPath` or `subPathExpr`.
    ///
    /// ## Why it matters
    ///
    /// The API server compares paths as they are written, and leaves a token's path out of its check for duplicates
    /// (kubernetes `pkg/apis/core/validation/validation.go`, v1.37); the kubelet then writes the later source over the earlier
    /// one (`pkg/volume/projected/projected.go`). For a mount below a token's directory the kubelet makes a directory in the
    /// volume that may stand where the token should be. A mount with `subPath` shows the file as it was when the container
    /// started: the token in it is never renewed, and the container fails when it ends.
    ///
    /// ## Refused
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: team-a
    /// spec:
    ///   automountServiceAccountToken: false
    ///   containers:
    ///   - name: app
    ///     image: registry.example/web:1
    ///     volumeMounts:
    ///     - {name: token, mountPath: /etc/token, subPath: token}
    ///   volumes:
    ///   - name: token
    ///     projected:
    ///       sources:
    ///       - serviceAccountToken: {path: token, audience: "https://vault.example.com", expirationSeconds: 3600}
    /// ```
    ///
    /// ## Instead
    ///
    /// ```yaml
    /// apiVersion: v1
    /// kind: Pod
    /// metadata:
    ///   name: web
    ///   namespace: team-a
    /// spec:
    ///   automountServiceAccountToken: false
    ///   containers:
    ///   - name: app
    ///     image: registry.example/web:1
    ///     volumeMounts:
    ///     - {name: token, mountPath: /etc/tokens, readOnly: true}
    ///   volumes:
    ///   - name: token
    ///     projected:
    ///       sources:
    ///       - serviceAccountToken: {path: token, audience: "https://vault.example.com", expirationSeconds: 3600}
    /// ```
    ///
    /// ## Exceptions
    ///
    /// None; set the rule to `off` in a policy of your own.
    ///
    /// ## Limits
    ///
    /// A source without `items` writes every key of its object, and which keys it has is not known; it is none. `/run` and
    /// `/var/run` are different here, since what the image makes of them is not known either.
    TW206 "token-path-conflict" {
        looks_at: "Pod CREATE, templates",
        finding: "A token whose file is not its own, or is never renewed.",
        baseline: Warn,
        restricted: Deny,
        check: Pod(check),
    }
}

fn check(review: &PodReview<'_>, findings: &mut Findings<'_>) {
    if matches!(review.scope, PodScope::EphemeralContainers { .. }) {
        return;
    }
    let spec = &review.pod.spec;
    let token_volumes = TokenVolumes::of(spec, |_| true);
    for (index, volume) in spec.volumes.iter().enumerate().filter(|(_, volume)| token_volumes.contains(&volume.name)) {
        if let Some(projected) = &volume.projected {
            let sources = || review.spec("volumes").index(index).field("projected.sources");
            check_files(&volume.name, &projected.sources, sources, findings);
        }
    }
    for (list, index, container) in containers(spec) {
        let mounts = || review.spec(list.field()).index(index).field("volumeMounts");
        check_renewal(container, &token_volumes, mounts, findings);
        check_directories(container, &token_volumes, mounts, findings);
    }
}

/// Sources that write a file which another source writes too, where one of the two is a token.
fn check_files(
    volume: &str,
    sources: &List<ProjectedSource<'_>>,
    path: impl Fn() -> FieldPath,
    findings: &mut Findings<'_>,
) {
    let files: Vec<(usize, &str)> =
        sources.iter().enumerate().flat_map(|(index, source)| files(source).map(move |file| (index, file))).collect();
    let is_token = |index: usize| sources[index].service_account_token.is_some();
    let met =
        meetings(files.len(), |at| files[at].1, |at| is_token(files[at].0), |relation| relation == Relation::Same);
    let Some((_, first)) = met.first().map(|at| files[*at]) else { return };
    let mut indices: Vec<usize> = met.into_iter().map(|at| files[at].0).collect();
    indices.dedup();
    let paths: Vec<FieldPath> = indices.into_iter().map(|index| path().index(index)).collect();
    let (volume, file) = (shortened(volume), shortened(first));
    let message =
        format!("volume {volume} writes {file} from two sources, one of them a token{}", and_more_places(&paths));
    findings.report(message, "Give each its own path", paths);
}

fn files<'s>(source: &'s ProjectedSource<'_>) -> impl Iterator<Item = &'s str> {
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

/// Mounts of a token that are not renewed.
fn check_renewal(
    container: &Container<'_>,
    token_volumes: &TokenVolumes<'_>,
    path: impl Fn() -> FieldPath,
    findings: &mut Findings<'_>,
) {
    let field = |mount: &VolumeMount<'_>| match (mount.sub_path.is_empty(), mount.sub_path_expr.is_empty()) {
        (false, _) => Some("subPath"),
        (true, false) => Some("subPathExpr"),
        (true, true) => None,
    };
    let mounts = container.volume_mounts.iter().enumerate().filter(|(_, mount)| token_volumes.contains(&mount.name));
    let paths: Vec<FieldPath> =
        mounts.filter_map(|(index, mount)| Some(path().index(index).field(field(mount)?))).collect();
    if !paths.is_empty() {
        let name = shortened(&container.name);
        let message = format!(
            "container {name} mounts a token by subPath, so that it is never renewed{}",
            and_more_places(&paths)
        );
        findings.report(message, "Mount the volume as a directory", paths);
    }
}

/// Mounts at or below the directory of a token.
fn check_directories(
    container: &Container<'_>,
    token_volumes: &TokenVolumes<'_>,
    path: impl Fn() -> FieldPath,
    findings: &mut Findings<'_>,
) {
    let mounts = &container.volume_mounts;
    let met = meetings(
        mounts.len(),
        |at| &mounts[at].mount_path,
        |at| token_volumes.contains(&mounts[at].name),
        |relation| matches!(relation, Relation::Same | Relation::Below),
    );
    if met.is_empty() {
        return;
    }
    let paths: Vec<FieldPath> = met.into_iter().map(|at| path().index(at).field("mountPath")).collect();
    let name = shortened(&container.name);
    let message =
        format!("container {name} mounts something at or below the directory of a token{}", and_more_places(&paths));
    findings.report(message, "Mount it elsewhere", paths);
}
