//! A directory as the kubelet mounts a ConfigMap or a Secret.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Files below a directory of their own, reached through two links. A change is a new directory and a new `..data`, put in
/// the old one's place by one rename (kubernetes `pkg/volume/util/atomic_writer.go`):
///
/// ```text
/// policy.yaml -> ..data/policy.yaml
/// ..data      -> ..version-2
/// ..version-2/policy.yaml
/// ```
pub(crate) struct Mount {
    path: PathBuf,
    contents: Mutex<Contents>,
}

#[derive(Default)]
struct Contents {
    files: BTreeMap<String, String>,
    version: u32,
}

impl Mount {
    /// Makes the directory with these files. None at all is what an empty ConfigMap gives.
    pub(crate) fn make<const N: usize>(path: PathBuf, files: [(&str, String); N]) -> io::Result<Self> {
        fs::create_dir_all(&path)?;
        let mount = Self { path, contents: Mutex::default() };
        mount.change(|contents| contents.extend(files.map(|(name, text)| (name.to_owned(), text))))?;
        Ok(mount)
    }

    /// Where the files are.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Adds a file, or puts another text in its place.
    pub(crate) fn put(&self, name: &str, text: &str) {
        self.change(|files| {
            files.insert(name.to_owned(), text.to_owned());
        })
        .unwrap_or_else(|error| panic!("{}: {error}", self.path.display()));
    }

    /// Takes a file away.
    pub(crate) fn remove(&self, name: &str) {
        self.change(|files| {
            files.remove(name);
        })
        .unwrap_or_else(|error| panic!("{}: {error}", self.path.display()));
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, String>)) -> io::Result<()> {
        let mut contents = self.contents.lock().unwrap_or_else(PoisonError::into_inner);
        let before = contents.files.clone();
        change(&mut contents.files);

        let previous = self.path.join(format!("..version-{}", contents.version));
        contents.version += 1;
        let version = format!("..version-{}", contents.version);
        let directory = self.path.join(&version);
        fs::create_dir(&directory)?;
        for (name, text) in &contents.files {
            fs::write(directory.join(name), text)?;
        }
        symlink(&version, self.path.join("..data_tmp"))?;
        fs::rename(self.path.join("..data_tmp"), self.path.join("..data"))?;
        for name in contents.files.keys().filter(|name| !before.contains_key(*name)) {
            symlink(Path::new("..data").join(name), self.path.join(name))?;
        }
        for name in before.keys().filter(|name| !contents.files.contains_key(*name)) {
            fs::remove_file(self.path.join(name))?;
        }
        if previous.exists() { fs::remove_dir_all(previous) } else { Ok(()) }
    }
}
