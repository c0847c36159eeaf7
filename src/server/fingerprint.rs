//! Whether files are still what they were, by content.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// A directory that is named holds files; the ones below it are not read either.
const DEEPEST: usize = 1;

/// A digest of what some files and directories hold. Times and sizes are not part of it: on some file systems a file
/// changes without them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fingerprint(u64);

impl Fingerprint {
    /// Reads everything. What cannot be read has a fingerprint too, so that it is noticed when it can be.
    pub(super) fn of(paths: &[PathBuf]) -> Self {
        let mut hasher = DefaultHasher::new();
        for path in paths {
            digest(path, DEEPEST, &mut hasher);
        }
        Self(hasher.finish())
    }
}

fn digest(path: &Path, depth: usize, hasher: &mut DefaultHasher) {
    path.hash(hasher);
    let result = match fs::metadata(path) {
        Ok(found) if found.is_dir() && depth > 0 => digest_directory(path, depth, hasher),
        Ok(found) if found.is_file() => digest_file(path, hasher),
        // Whatever else it is, reading it could block.
        Ok(_) => Ok(()),
        Err(error) => Err(error),
    };
    if let Err(error) = result {
        error.kind().hash(hasher);
    }
}

fn digest_directory(path: &Path, depth: usize, hasher: &mut DefaultHasher) -> io::Result<()> {
    let mut entries = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    for entry in entries {
        // `..data` and the directory behind it hold the same files that stand beside it as links.
        let hidden = entry.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden {
            digest(&entry, depth - 1, hasher);
        }
    }
    Ok(())
}

fn digest_file(path: &Path, hasher: &mut DefaultHasher) -> io::Result<()> {
    let mut file = File::open(path)?;
    let mut block = vec![0; 64 * 1024];
    loop {
        match file.read(&mut block)? {
            0 => return Ok(()),
            length => hasher.write(&block[..length]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::Fingerprint;

    #[test]
    fn changes_with_the_content_and_with_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let paths = [directory.path().join("tls.crt"), directory.path().to_owned()];
        let missing = Fingerprint::of(&paths);
        fs::write(&paths[0], "one").unwrap();
        let one = Fingerprint::of(&paths);
        fs::write(&paths[0], "two").unwrap();
        let two = Fingerprint::of(&paths);
        fs::write(directory.path().join(".swap"), "an editor's").unwrap();
        fs::write(&paths[0], "one").unwrap();
        assert_ne!(missing, one);
        assert_ne!(one, two);
        assert_eq!(one, Fingerprint::of(&paths));
    }

    #[test]
    fn a_directory_that_links_into_itself_comes_to_an_end() {
        let directory = tempfile::tempdir().unwrap();
        symlink(directory.path(), directory.path().join("again")).unwrap();
        let paths = [directory.path().to_owned()];
        assert_eq!(Fingerprint::of(&paths), Fingerprint::of(&paths));
    }
}
