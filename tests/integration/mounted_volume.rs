//! A directory as the kubelet mounts a ConfigMap or Secret, and its atomic swap.
//!
//! The files are links into `..data`, itself a link to a directory with a time in its name. An update writes a new directory,
//! renames a new link over `..data`, and removes the old directory: no file is ever written to.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

pub(crate) struct MountedVolume {
    root: TempDir,
    generation: u32,
}

impl MountedVolume {
    pub(crate) fn new(files: &[(&str, &str)]) -> Self {
        let mut volume = Self { root: tempfile::tempdir().unwrap(), generation: 0 };
        volume.swap(files);
        for (name, _) in files {
            symlink(Path::new("..data").join(name), volume.path().join(name)).unwrap();
        }
        volume
    }

    pub(crate) fn path(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn flag(&self, name: &str) -> String {
        format!("{name}={}", self.path().display())
    }

    /// Replaces all files at once.
    pub(crate) fn swap(&mut self, files: &[(&str, &str)]) {
        let previous = self.directory();
        self.generation += 1;
        fs::create_dir(self.directory()).unwrap();
        for (name, content) in files {
            fs::write(self.directory().join(name), content).unwrap();
        }
        let fresh = self.path().join("..data_tmp");
        symlink(self.directory().file_name().unwrap(), &fresh).unwrap();
        fs::rename(&fresh, self.path().join("..data")).unwrap();
        if previous.exists() {
            fs::remove_dir_all(previous).unwrap();
        }
    }

    fn directory(&self) -> PathBuf {
        self.path().join(format!("..2026_11_24_08_00_00.{:09}", self.generation))
    }
}
