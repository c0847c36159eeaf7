//! Where the programs of the control plane are.

use std::env;
use std::path::{Path, PathBuf};

/// The path of `etcd`, `kube-apiserver`, `kube-controller-manager` or `kubectl`: from `KUBEBUILDER_ASSETS` if it is there,
/// else where `tests/apiserver/build` puts it.
pub(crate) fn find(name: &str) -> Result<PathBuf, String> {
    let assets = env::var_os("KUBEBUILDER_ASSETS").map(PathBuf::from);
    let built = env::var_os("TOKENWARD_RIG_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("target/apiserver"), PathBuf::from)
        .join("bin");
    assets
        .into_iter()
        .chain([built.clone()])
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
        .ok_or_else(|| {
            format!(
                "{name} is neither in KUBEBUILDER_ASSETS nor in {}: run `make rig`, which builds it",
                built.display()
            )
        })
}
