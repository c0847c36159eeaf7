//! Files and directories, read with bounds.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::error::{Error, Problem, Problems};

/// The largest policy file, in bytes: far above what a ConfigMap holds.
const LARGEST_POLICY: u64 = 8 << 20;

/// The largest inventory file as it is stored, in bytes.
const LARGEST_INVENTORY: u64 = 64 << 20;

/// A file that was read: its name, as problems are reported with, and its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    name: String,
    bytes: Vec<u8>,
}

impl Source {
    /// A policy or inventory file. Every document in it must be one of ours.
    #[must_use]
    pub fn new(name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self { name: name.into(), bytes: bytes.into() }
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// The bytes stay out: a file that was given by mistake may hold a secret.
impl fmt::Debug for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Source({}, {} bytes)", self.name, self.bytes.len())
    }
}

/// Reads policy files: each path a file, or a directory of `*.yaml`, `*.yml` and `*.json` files.
///
/// In a directory, names that begin with a dot are passed over, so that a mounted ConfigMap is read once, through the
/// links that the kubelet lays out, and not again through `..data`.
///
/// # Errors
/// Where a path is missing, unreadable, or larger than 8 MiB, or a directory holds no such file; but a mounted ConfigMap may
/// be empty.
pub fn read_policies(paths: &[PathBuf]) -> Result<Vec<Source>, Error> {
    read(paths, LARGEST_POLICY, &["yaml", "yml", "json"])
}

/// Reads a policy file that comes through a pipe.
///
/// # Errors
/// Where it cannot be read, or is larger than 8 MiB.
pub fn read_policy(name: &str, from: impl Read) -> Result<Source, Error> {
    Ok(read_bounded(name, from, LARGEST_POLICY)?)
}

/// Reads inventory files: like [`read_policies`], and each may be compressed with gzip, then named `*.gz` in a directory.
///
/// # Errors
/// Where a path is missing, unreadable, or larger than 64 MiB, or a directory holds no such file.
pub fn read_inventory(paths: &[PathBuf]) -> Result<Vec<Source>, Error> {
    read(paths, LARGEST_INVENTORY, &["yaml", "yml", "json", "yaml.gz", "yml.gz", "json.gz"])
}

fn read(paths: &[PathBuf], largest: u64, suffixes: &[&str]) -> Result<Vec<Source>, Error> {
    let mut sources = Vec::new();
    let mut problems = Problems::default();
    for path in paths {
        match files(path, suffixes) {
            Ok(files) => {
                for file in files {
                    match read_file(&file, largest) {
                        Ok(source) => sources.push(source),
                        Err(problem) => problems.add(problem),
                    }
                }
            }
            Err(problem) => problems.add(problem),
        }
    }
    problems.unless_any(sources)
}

/// The files that a path stands for, in the order of their names.
fn files(path: &Path, suffixes: &[&str]) -> Result<Vec<PathBuf>, Problem> {
    let metadata = path.metadata().map_err(|error| unreadable(path, &error))?;
    if !metadata.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in path.read_dir().map_err(|error| unreadable(path, &error))? {
        let entry = entry.map_err(|error| unreadable(path, &error))?;
        let file = entry.path();
        if is_named_for(&entry.file_name(), suffixes) && !file.is_dir() {
            files.push(file);
        }
    }
    if files.is_empty() && !is_mounted_volume(path) {
        let wanted: Vec<String> = suffixes.iter().map(|suffix| format!("*.{suffix}")).collect();
        let what = format!("the directory holds no file named {}", wanted.join(", "));
        return Err(Problem::of_file(&path.to_string_lossy(), what, "put one there, or leave the path out"));
    }
    files.sort();
    Ok(files)
}

/// Whether the kubelet laid out this directory. An empty ConfigMap says on purpose that there is nothing; when the last file
/// was taken out of it, what that file said must end.
fn is_mounted_volume(directory: &Path) -> bool {
    directory.join("..data").is_dir()
}

fn is_named_for(name: &OsStr, suffixes: &[&str]) -> bool {
    let name = name.to_string_lossy();
    !name.starts_with('.')
        && suffixes.iter().any(|suffix| name.strip_suffix(suffix).is_some_and(|stem| stem.ends_with('.')))
}

fn read_file(path: &Path, largest: u64) -> Result<Source, Problem> {
    let file = File::open(path).map_err(|error| unreadable(path, &error))?;
    read_bounded(&path.to_string_lossy(), file, largest)
}

fn read_bounded(name: &str, from: impl Read, largest: u64) -> Result<Source, Problem> {
    let mut bytes = Vec::new();
    from.take(largest + 1).read_to_end(&mut bytes).map_err(|error| unreadable(Path::new(name), &error))?;
    if bytes.len() as u64 > largest {
        let what = format!("the file is larger than {} MiB", largest >> 20);
        return Err(Problem::of_file(name, what, "split it into several files"));
    }
    Ok(Source::new(name, bytes))
}

fn unreadable(path: &Path, error: &io::Error) -> Problem {
    let (what, advice) = match error.kind() {
        io::ErrorKind::NotFound => ("there is no such file or directory".to_owned(), "check the path"),
        io::ErrorKind::PermissionDenied => {
            ("it may not be read by this user".to_owned(), "change its permissions, or those of its directory")
        }
        _ => (format!("it cannot be read: {error}"), ""),
    };
    Problem::of_file(&path.to_string_lossy(), what, advice)
}
