//! What `tokenward manifests` renders: as files that are checked in, as Kustomize overlays, and on a real API server.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tokenward::certs::{Authority, Names};
use tokenward::config;
use tokenward::install::{Settings, kustomize};
use tokenward::policy::PolicySet;

use crate::rig;
use crate::rig::eventually::eventually;
use crate::rig::host::free_ports;

/// The checked-in tree.
fn checked_in() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests")
}

fn tokenward(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tokenward")).env_clear().arg("manifests").args(arguments).output().unwrap()
}

pub(crate) fn rendered(arguments: &[&str]) -> String {
    let output = tokenward(arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What a refused command said; its exit code is 2.
fn refused(arguments: &[&str]) -> String {
    let output = tokenward(arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

/// The objects of a YAML stream by kind, namespace and name.
pub(crate) fn objects(yaml: &str) -> BTreeMap<String, Value> {
    let documents = yaml.split("---\n").map(|text| serde_saphyr::from_str::<Value>(text).unwrap());
    let named = documents.map(|object| {
        let part = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or("-").to_owned();
        (format!("{} {}/{}", part("/kind"), part("/metadata/namespace"), part("/metadata/name")), object)
    });
    named.collect()
}

fn files_below(directory: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(next) = directories.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                let name = path.strip_prefix(directory).unwrap().to_string_lossy().into_owned();
                files.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}

#[test]
fn the_checked_in_files_are_what_is_rendered() {
    const REPAIR: &str = "run `make manifests`";
    let rendered = kustomize::tree(&Settings::default(), &PolicySet::builtin()).unwrap();
    let mut checked_in = files_below(&checked_in());
    checked_in.remove("README.md");
    for (file, text) in &rendered {
        let found = checked_in.remove(file);
        assert!(found.as_ref() == Some(text), "manifests/{file} is not what is rendered: {REPAIR}");
    }
    assert!(checked_in.is_empty(), "manifests/ has files that are not rendered: {:?}; remove them", checked_in.keys());
}

#[test]
fn the_command_writes_the_same_tree() {
    let directory = tempfile::tempdir().unwrap();
    rendered(&["--out-dir", directory.path().to_str().unwrap()]);
    assert_eq!(files_below(directory.path()), kustomize::tree(&Settings::default(), &PolicySet::builtin()).unwrap());
}

#[test]
fn each_overlay_builds_to_what_the_command_line_renders() {
    for (overlay, arguments) in [
        ("opt-in", ["--mode", "opt-in"].as_slice()),
        ("cluster-wide", &["--mode", "cluster-wide"]),
        ("cert-manager", &["--cert-manager"]),
    ] {
        let directory = checked_in().join("overlays").join(overlay);
        let built = rig::shared().kubectl(["kustomize", directory.to_str().unwrap()]).ok();
        assert_eq!(objects(&built.stdout), objects(&rendered(arguments)), "{overlay}");
    }
}

#[test]
fn the_webhook_is_given_no_permission_and_no_token() {
    let objects = objects(&rendered(&["--cert-manager", "--mode", "cluster-wide"]));
    assert!(objects.keys().all(|name| !name.contains("Role")), "{:?}", objects.keys());
    let pod = &objects["Deployment tokenward/tokenward"]["spec"]["template"]["spec"];
    assert_eq!(pod["automountServiceAccountToken"], false);
    assert_eq!(objects["ServiceAccount tokenward/tokenward"]["automountServiceAccountToken"], false);
    for volume in pod["volumes"].as_array().unwrap() {
        assert!(volume.get("secret").or(volume.get("configMap")).is_some(), "{volume}");
    }
    for mount in pod["containers"][0]["volumeMounts"].as_array().unwrap() {
        assert_eq!((&mount["readOnly"], mount.get("subPath")), (&Value::Bool(true), None), "{mount}");
    }
}

/// What `tokenward certs` makes.
pub(crate) struct Certificates {
    directory: tempfile::TempDir,
}

impl Certificates {
    pub(crate) fn make() -> Self {
        let authority = Authority::generate(1).unwrap();
        let names = Names { dns: vec![Settings::default().service_name()], addresses: Vec::new() };
        let issued = authority.issue(&names).unwrap();
        let certificates = Self { directory: tempfile::tempdir().unwrap() };
        certificates.put("ca.crt", &authority.certificate_pem());
        certificates.put("tls.crt", &issued.certificate);
        certificates.put("tls.key", &issued.key);
        certificates
    }

    /// Puts a file beside them and gives its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        self.put(name, text);
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.directory.path().join(name), text).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.directory.path().join(name)).unwrap()
    }

    pub(crate) fn path(&self) -> &str {
        self.directory.path().to_str().unwrap()
    }
}

#[test]
fn a_certificate_directory_becomes_the_secret_and_the_ca_bundle() {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    let certificates = Certificates::make();
    let encoded = |name| Value::String(BASE64_STANDARD.encode(certificates.read(name)));
    let in_cluster = objects(&rendered(&["--tls-dir", certificates.path()]));
    let secret = &in_cluster["Secret tokenward/tokenward-tls"];
    assert_eq!(secret["type"], "kubernetes.io/tls");
    for name in ["ca.crt", "tls.crt", "tls.key"] {
        assert_eq!(secret["data"][name], encoded(name));
    }
    let arguments = ["--tls-dir", certificates.path(), "--url", "https://192.0.2.7:8443/"];
    let outside = rendered(&arguments);
    for (name, object) in in_cluster.into_iter().chain(objects(&outside)) {
        for webhook in object["webhooks"].as_array().into_iter().flatten() {
            assert_eq!(webhook["clientConfig"]["caBundle"], encoded("ca.crt"), "{name}");
        }
    }
    assert!(!outside.contains(encoded("tls.key").as_str().unwrap()), "the key stays at home");
}

#[test]
fn a_private_key_never_gets_into_the_ca_bundle() {
    let certificates = Certificates::make();
    certificates.put("ca.crt", &(certificates.read("ca.crt") + &certificates.read("tls.key")));
    let said = refused(&["--tls-dir", certificates.path(), "--url", "https://192.0.2.7:8443"]);
    assert!(said.contains("ca.crt holds a private key"), "{said}");
    assert!(!said.contains("PRIVATE KEY-----"), "{said}");
}

#[test]
fn refuses_certificates_that_cannot_be_used() {
    let certificates = Certificates::make();
    let said = |certificates: &Certificates| refused(&["--tls-dir", certificates.path()]);
    certificates.put("tls.key", &Certificates::make().read("tls.key"));
    assert!(said(&certificates).contains("does not belong to"));
    certificates.put("tls.key", "");
    assert!(said(&certificates).contains("tls.key"));
    certificates.put("tls.crt", "no certificate");
    assert!(said(&certificates).contains("tls.crt"));
    fs::remove_file(certificates.directory.path().join("ca.crt")).unwrap();
    assert!(said(&certificates).contains("ca.crt"));
    assert!(refused(&["--ca-file", "nowhere.pem"]).contains("nowhere.pem"));
}

#[test]
fn refuses_a_namespace_that_is_not_tokenward_s_to_delete() {
    for namespace in ["default", "kube-system", "kube-node-lease"] {
        let said = refused(&["--cert-manager", "--namespace", namespace]);
        assert!(said.contains("it is the cluster's own"), "{said}");
    }
}

#[test]
fn refuses_a_certificate_that_the_api_server_would_refuse() {
    let certificates = Certificates::make();
    let said = refused(&["--tls-dir", certificates.path(), "--namespace", "security"]);
    assert!(said.contains("is good for tokenward.tokenward.svc"), "{said}");
    assert!(said.contains("asks for tokenward.security.svc"), "{said}");
    certificates.put("ca.crt", &Certificates::make().read("ca.crt"));
    let said = refused(&["--tls-dir", certificates.path()]);
    assert!(said.contains("ca.crt refuses"), "{said}");
}

#[test]
fn refuses_a_url_that_the_api_server_would_refuse() {
    for url in ["http://192.0.2.7", "192.0.2.7:8443", "https://", "https://me@192.0.2.7", "https://192.0.2.7/?a=b"] {
        assert!(refused(&["--url", url]).contains("--url"), "{url}");
    }
}

#[test]
fn refuses_options_that_contradict_each_other() {
    for arguments in [
        ["--cert-manager", "--tls-dir=certs"].as_slice(),
        &["--cert-manager", "--url=https://192.0.2.7"],
        &["--ca-file=ca.crt", "--tls-dir=certs"],
        &["--out-dir=manifests", "--mode=cluster-wide"],
        &["--namespace=Tokenward"],
        &["--replicas=0"],
    ] {
        refused(arguments);
    }
}

#[test]
fn policy_files_go_into_the_config_map_and_their_policies_into_the_configurations() {
    const POLICY: &str = "# Ours.\napiVersion: tokenward.dev/v1alpha1\nkind: TokenPolicy\nmetadata: {name: payments}\n";
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("payments.yaml");
    fs::write(&file, POLICY).unwrap();
    for path in [file.as_path(), directory.path()] {
        let yaml = rendered(&["--policy", path.to_str().unwrap()]);
        let objects = objects(&yaml);
        assert_eq!(objects["ConfigMap tokenward/tokenward-policy"]["data"]["payments.yaml"], POLICY);
        assert!(yaml.contains("name: payments.validate.tokenward.dev"));
    }
    fs::write(&file, POLICY.replace("TokenPolicy", "TokenPolice")).unwrap();
    assert!(refused(&["--policy", file.to_str().unwrap()]).contains("payments.yaml:3"));
}

#[test]
fn what_others_put_into_the_config_maps_is_not_ours_to_overwrite() {
    let objects = objects(&rendered(&[]));
    assert!(objects["ConfigMap tokenward/tokenward-inventory"].get("data").is_none());
    let policy = objects["ConfigMap tokenward/tokenward-policy"]["data"].as_object().unwrap();
    assert_eq!(policy.keys().collect::<Vec<_>>(), ["README"]);
}

#[test]
fn the_mount_of_an_empty_config_map_holds_no_policy_and_no_inventory() {
    let mount = tempfile::tempdir().unwrap();
    assert!(config::load_policies(&[mount.path().to_owned()]).is_err(), "an empty directory is a mistake");
    fs::create_dir(mount.path().join("..version-1")).unwrap();
    std::os::unix::fs::symlink("..version-1", mount.path().join("..data")).unwrap();
    let policies = config::load_policies(&[mount.path().to_owned()]).unwrap();
    assert_eq!(policies.iter().count(), PolicySet::builtin().iter().count());
    config::load_inventory(&[mount.path().to_owned()]).unwrap();
}

#[test]
fn the_same_settings_give_the_same_text() {
    let texts: BTreeSet<String> = (0..3).map(|_| rendered(&["--mode", "cluster-wide"])).collect();
    assert_eq!(texts.len(), 1);
}

/// Ends with the test.
struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_server_starts_with_the_rendered_arguments_and_empty_config_maps() {
    let deployment = &objects(&rendered(&[]))["Deployment tokenward/tokenward"];
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    let root = tempfile::tempdir().unwrap();
    for mount in container["volumeMounts"].as_array().unwrap() {
        let directory = root.path().join(mount["mountPath"].as_str().unwrap().trim_start_matches('/'));
        fs::create_dir_all(directory.join("..version-1")).unwrap();
        std::os::unix::fs::symlink("..version-1", directory.join("..data")).unwrap();
    }
    let certificates = Certificates::make();
    for name in ["tls.crt", "tls.key"] {
        fs::write(root.path().join("etc/tokenward/tls").join(name), certificates.read(name)).unwrap();
    }
    let [webhook_port, admin_port] = free_ports().unwrap();
    let here = |argument: &Value| {
        let argument = argument.as_str().unwrap().replace("=/etc/", &format!("={}/etc/", root.path().display()));
        argument.replace("=:8443", &format!("=:{webhook_port}")).replace("=:8080", &format!("=:{admin_port}"))
    };
    let arguments: Vec<String> = container["args"].as_array().unwrap().iter().map(here).collect();
    assert!(arguments.iter().filter(|it| it.ends_with(&format!(":{webhook_port}"))).count() == 1, "{arguments:?}");
    let mut command = Command::new(env!("CARGO_BIN_EXE_tokenward"));
    command.env_clear().args(&arguments).stdout(Stdio::null()).stderr(Stdio::null());
    let mut server = Running(command.spawn().unwrap());
    eventually(Duration::from_secs(20), || {
        if let Some(status) = server.0.try_wait().unwrap() {
            return Err(format!("ended: {status}"));
        }
        TcpStream::connect((Ipv4Addr::LOCALHOST, webhook_port)).map_err(|error| error.to_string())?;
        let mut probe = TcpStream::connect((Ipv4Addr::LOCALHOST, admin_port)).map_err(|error| error.to_string())?;
        let path = container["readinessProbe"]["httpGet"]["path"].as_str().unwrap();
        write!(probe, "GET {path} HTTP/1.0\r\n\r\n").map_err(|error| error.to_string())?;
        let mut answer = String::new();
        probe.read_to_string(&mut answer).map_err(|error| error.to_string())?;
        if answer.contains(" 200 ") { Ok(()) } else { Err(answer) }
    });
}

/// The Kustomize example of the page, beside what it names.
fn example_of_the_page(root: &Path) -> PathBuf {
    let page = fs::read_to_string(checked_in().join("README.md")).unwrap();
    let (_, example) = page.split_once("```yaml\n# kustomization.yaml\n").expect("the example");
    let (example, _) = example.split_once("```").expect("its end");
    for (file, text) in files_below(&checked_in()) {
        let path = root.join("manifests").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let directory = root.join("ours");
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("kustomization.yaml"), example).unwrap();
    fs::write(directory.join("exceptions.yaml"), "# None yet.\n").unwrap();
    directory
}

#[test]
fn the_kustomize_example_of_the_page_is_the_same_installation() {
    let root = tempfile::tempdir().unwrap();
    let directory = example_of_the_page(root.path());
    let certificates = Certificates::make();
    for name in ["ca.crt", "tls.crt", "tls.key"] {
        fs::write(directory.join(name), certificates.read(name)).unwrap();
    }
    let built = rig::shared().kubectl(["kustomize", directory.to_str().unwrap()]).ok();
    let image = "registry.example.com/tokenward:0.1.0";
    let mut expected = objects(&rendered(&["--tls-dir", certificates.path(), "--image", image]));
    let policy = &mut expected.get_mut("ConfigMap tokenward/tokenward-policy").unwrap()["data"];
    policy["exceptions.yaml"] = "# None yet.\n".into();
    // A generator's Secret has no labels.
    expected.get_mut("Secret tokenward/tokenward-tls").unwrap()["metadata"].as_object_mut().unwrap().remove("labels");
    let mut built = objects(&built.stdout);
    built.values_mut().for_each(without_line_breaks);
    assert_eq!(built, expected);
}

/// Kustomize breaks base64 into lines, which Kubernetes passes over.
fn without_line_breaks(value: &mut Value) {
    match value {
        Value::String(text) if text.starts_with("LS0tLS1CRUdJTi") => text.retain(|letter| letter != '\n'),
        Value::Array(values) => values.iter_mut().for_each(without_line_breaks),
        Value::Object(fields) => fields.values_mut().for_each(without_line_breaks),
        _ => {}
    }
}
