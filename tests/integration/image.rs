//! What is in the container image, and what must not be: read from the files that it is built from.

use std::fs;
use std::path::Path;

use globset::GlobBuilder;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The instructions of the Dockerfile, continued lines joined.
fn instructions() -> Vec<String> {
    let text = read("Dockerfile").replace("\\\n", " ");
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect()
}

/// The instructions of the last stage, from its `FROM`.
fn final_stage() -> Vec<String> {
    let instructions = instructions();
    let start = instructions.iter().rposition(|line| line.starts_with("FROM ")).unwrap();
    instructions[start..].to_vec()
}

/// Whether a file is sent to the build: the last pattern that matches it, or a directory above it, decides.
fn is_sent(path: &str) -> bool {
    let mut sent = true;
    for line in read(".dockerignore").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (pattern, verdict) = line.strip_prefix('!').map_or((line, false), |pattern| (pattern, true));
        let glob = GlobBuilder::new(pattern).literal_separator(true).build().unwrap().compile_matcher();
        if Path::new(path).ancestors().any(|above| !above.as_os_str().is_empty() && glob.is_match(above)) {
            sent = verdict;
        }
    }
    sent
}

#[test]
fn the_image_is_the_binary_and_nothing_else() {
    let stage = final_stage();
    assert_eq!(stage[0], "FROM scratch");
    let copied: Vec<&String> =
        stage.iter().filter(|line| line.starts_with("COPY") || line.starts_with("ADD")).collect();
    assert_eq!(copied, ["COPY --from=build /tokenward /tokenward"]);
    assert!(!stage.iter().any(|line| line.starts_with("RUN") || line.starts_with("SHELL")));
    // The exec form: there is no shell to interpret another.
    assert!(stage.contains(&r#"ENTRYPOINT ["/tokenward"]"#.to_owned()));
}

#[test]
fn it_runs_as_a_numeric_user_that_is_not_root() {
    let stage = final_stage();
    let user = stage.iter().find_map(|line| line.strip_prefix("USER ")).unwrap();
    for id in user.split(':') {
        assert!(id.parse::<u32>().unwrap() > 0, "{user}");
    }
}

#[test]
fn its_bases_are_pinned() {
    for base in instructions().iter().filter_map(|line| line.strip_prefix("FROM ")) {
        let image = base.split_whitespace().next().unwrap();
        let is_pinned = image == "scratch"
            || image.contains("@sha256:")
            || image.split_once(':').is_some_and(|(_, tag)| tag.split('.').count() >= 3);
        assert!(is_pinned, "{image}");
    }
}

#[test]
fn it_is_built_with_the_rust_that_cargo_toml_names() {
    let cargo = read("Cargo.toml");
    let version = cargo.lines().find_map(|line| line.strip_prefix("rust-version = ")).unwrap().trim_matches('"');
    assert!(instructions()[0].starts_with(&format!("FROM rust:{version}.")), "{version}");
}

#[test]
fn no_key_and_no_history_is_sent_to_the_build() {
    for path in [
        "certs/tls.key",
        "certs/ca.key",
        "certs/tls.crt",
        "certs/README.md",
        "src/forgotten.key",
        "src/deep/er/key.pem",
        "src/admin.kubeconfig",
        "src/.env",
        ".git/config",
        "target/release/tokenward",
        "target/apiserver/bin/kubectl",
        "tests/fixtures/x.yaml",
        "kubeconfig",
    ] {
        assert!(!is_sent(path), "{path}");
    }
}

#[test]
fn all_that_the_build_needs_is_sent() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec!["Cargo.toml".to_owned(), "Cargo.lock".to_owned()];
    let mut directories = vec![root.join("src")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                files.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    assert!(files.len() > 50, "{files:?}");
    for path in files {
        assert!(is_sent(&path), "{path}");
    }
}
