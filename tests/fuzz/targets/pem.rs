//! Files of a certificate directory: as the certificate, as the key, and as the authority.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;
use tokenward::certs::{AUTHORITY_FILE, Authority, CERTIFICATE_FILE, Inspection, KEY_FILE, Names, Pair};

/// A certificate directory, and what belongs into it.
struct Scene {
    directory: TempDir,
    certificate: String,
    key: String,
}

// One for each thread: two that write the same files would see each other's.
thread_local! {
    static SCENE: Scene = Scene::new();
}

impl Scene {
    fn new() -> Self {
        let authority = Authority::generate(1).unwrap();
        let issued = authority.issue(&Names::loopback()).unwrap();
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(AUTHORITY_FILE), authority.certificate_pem()).unwrap();
        Self { directory, certificate: issued.certificate, key: issued.key }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    fn load(&self, certificate: &[u8], key: &[u8]) -> bool {
        fs::write(self.path(CERTIFICATE_FILE), certificate).unwrap();
        fs::write(self.path(KEY_FILE), key).unwrap();
        let loaded = Pair::load(self.directory.path());
        let inspected = Inspection::of(self.directory.path(), super::now());
        if let Err(error) = &loaded {
            assert!(!error.to_string().is_empty());
        }
        assert!(loaded.is_ok() || inspected.is_err(), "a pair is inspected that cannot be served");
        loaded.is_ok()
    }
}

pub(super) fn read(data: &[u8]) {
    SCENE.with(|scene| {
        // The whole input in both files may be a pair; beside a foreign half it never is.
        scene.load(data, data);
        scene.load(data, scene.key.as_bytes());
        scene.load(scene.certificate.as_bytes(), data);
        assert!(scene.load(scene.certificate.as_bytes(), scene.key.as_bytes()));
    });
}
