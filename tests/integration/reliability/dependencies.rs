//! What is not in the program cannot be attacked.

use std::process::Command;

/// The packages of the default build, with their features, each on a line. Not those that only tests need.
fn default_build() -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--offline", "--edges=normal,build", "--prefix=none", "--format={p} [{f}]"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn the_default_build_has_one_tls_provider_and_no_http_2() {
    let packages = default_build();
    let named = |name: &str| packages.iter().filter(|line| line.split(' ').next() == Some(name)).collect::<Vec<_>>();
    for wanted in ["rustls", "aws-lc-rs", "hyper", "tokio-rustls"] {
        assert!(
            !named(wanted).is_empty(),
            "{wanted} is not in the tree, so this looks at the wrong one:\n{packages:#?}"
        );
    }
    for unwanted in ["h2", "h3", "quinn", "ring", "openssl", "openssl-sys", "native-tls", "boring", "rustls-openssl"] {
        assert_eq!(named(unwanted), Vec::<&String>::new());
    }
    for line in ["hyper", "hyper-util", "axum", "rustls"].into_iter().flat_map(named) {
        let features = line.rsplit_once('[').unwrap().1.trim_end_matches("] (*)").trim_end_matches(']');
        for feature in features.split(',') {
            assert!(!["http2", "ring", "http3"].contains(&feature), "{line}");
        }
    }
}
