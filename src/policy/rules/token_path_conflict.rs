//! TW206: a token's file is the token's, and is renewed.

use crate::policy::finding::Findings;
use crate::policy::registry::rule;
use crate::policy::review::PodReview;
use crate::policy::text::{and_more_places, shortened};
use crate::resource::{Container, FieldPath, Volume};
use crate::token::Relation;
use crate::token::files::contended;
use crate::token::held::TokenVolumes;
use crate::token::meeting::meetings;
use crate::token::sight::partial;

rule! {
    /// ## What it finds
    ///
    /// - two sources of one projected volume that write the same file, where one of them is a token,
    /// - two mounts of one container at the same path in different spellings, where one holds a token,
    /// - a mount below the directory of a token, and
    /// - a mount of a token with `subPath`, or of a token volume with `subPathExpr`.
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
    /// A source without `items` writes every key of its object, and which keys it has is not known; it is none. Neither is a
    /// `subPath` that shows another file of the token's volume, such as `ca.crt`. `/run` and `/var/run` are different here, since
    /// what the image makes of them is not known either.
    TW206 "token-path-conflict" {
        looks_at: "Pod CREATE, templates",
        finding: "A token whose file is not its own, or is never renewed.",
        baseline: Warn,
        restricted: Deny,
        exceptions: false,
        check: Pod(check),
    }
}

fn check(review: &PodReview<'_>, findings: &mut Findings<'_>) {
    if !review.is_whole() {
        return;
    }
    let token_volumes = TokenVolumes::of(&review.pod.spec, |_| true);
    if token_volumes.is_empty() {
        return;
    }
    for (index, volume) in review.pod.spec.volumes.iter().enumerate() {
        if token_volumes.contains(&volume.name) {
            check_files(volume, || review.spec("volumes").index(index), findings);
        }
    }
    for (place, container) in review.holder().containers() {
        let mounts = || place.path(review.spec_path()).field("volumeMounts");
        check_renewal(container, &token_volumes, mounts, findings);
        check_directories(container, &token_volumes, mounts, findings);
    }
}

/// Sources that write a file which another source writes too, where one of the two is a token.
fn check_files(volume: &Volume<'_>, path: impl Fn() -> FieldPath, findings: &mut Findings<'_>) {
    let Some(found) = volume.projected.as_ref().and_then(|projected| contended(&projected.sources)) else { return };
    let source = |index| path().field("projected.sources").index(index);
    let paths: Vec<FieldPath> = found.sources.into_iter().map(source).collect();
    let (volume, file) = (shortened(&volume.name), shortened(found.file));
    let message =
        format!("volume {volume} writes {file} from two sources, one of them a token{}", and_more_places(&paths));
    findings.report(message, "Give each its own path", paths);
}

/// Mounts of a token that are not renewed.
fn check_renewal(
    container: &Container<'_>,
    token_volumes: &TokenVolumes<'_>,
    path: impl Fn() -> FieldPath,
    findings: &mut Findings<'_>,
) {
    let mounts = container.volume_mounts.iter().enumerate();
    let partial = mounts.filter_map(|(index, mount)| Some((index, partial(mount)?, mount)));
    let of_token = partial.filter(|(_, _, mount)| token_volumes.are_seen_by(mount));
    let paths: Vec<FieldPath> = of_token.map(|(index, field, _)| path().index(index).field(field)).collect();
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
