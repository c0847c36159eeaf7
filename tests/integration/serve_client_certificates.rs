//! Callers that must show a certificate: who is let in, and that the others are refused before they can say anything.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use http::StatusCode;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use tempfile::TempDir;
use tokenward::certs::{Authority, Issued, Names};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::runtime::Runtime;
use tokio::time::timeout;

use super::mounted_volume::MountedVolume;
use super::review_bodies::token_secret;
use super::tls_client::Caller;
use super::webhook::{Webhook, command, metric};

/// Far longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Who signs the certificates of callers.
struct Signer(CertifiedIssuer<'static, KeyPair>);

impl Signer {
    fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, name);
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        Self(CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap())
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    fn issue(&self, common_name: &str) -> Issued {
        self.issue_with(common_name, |_| {})
    }

    fn issue_with(&self, common_name: &str, change: impl FnOnce(&mut CertificateParams)) -> Issued {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name.push(DnType::CommonName, common_name);
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut parameters);
        let key = KeyPair::generate().unwrap();
        Issued { certificate: parameters.signed_by(&key, &self.0).unwrap().pem(), key: key.serialize_pem() }
    }
}

/// A server that asks for certificates, and what its callers trust.
struct Setup {
    authority: Authority,
    tls: MountedVolume,
    clients: TempDir,
    runtime: Runtime,
}

impl Setup {
    fn new(client_authority: &str) -> Self {
        let authority = Authority::generate(1).unwrap();
        let issued = authority.issue(&Names::loopback()).unwrap();
        let tls = MountedVolume::new(&[("tls.crt", &issued.certificate), ("tls.key", &issued.key)]);
        let clients = tempfile::tempdir().unwrap();
        let setup = Self { authority, tls, clients, runtime: Runtime::new().unwrap() };
        setup.trust(client_authority);
        setup
    }

    fn trust(&self, client_authority: &str) {
        fs::write(self.client_authority(), client_authority).unwrap();
    }

    fn client_authority(&self) -> impl AsRef<Path> {
        self.clients.path().join("client-ca.crt")
    }

    fn arguments(&self, more: &[&str]) -> Vec<String> {
        let clients = format!("--client-ca={}", self.client_authority().as_ref().display());
        let more = more.iter().map(|&argument| argument.to_owned());
        [self.tls.flag("--tls-dir"), clients, "--reload-poll=1s".to_owned()].into_iter().chain(more).collect()
    }

    fn start(&self, more: &[&str]) -> Webhook {
        let arguments = self.arguments(more);
        Webhook::start(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn run(&self, more: &[&str]) -> Output {
        let arguments = self.arguments(more);
        command(&arguments.iter().map(String::as_str).collect::<Vec<_>>()).output().unwrap()
    }

    fn caller(&self, shown: &Issued) -> Caller {
        Caller::with_certificate(self.authority.certificate_der(), "localhost", shown)
    }

    fn is_let_in(&self, address: SocketAddr, caller: &Caller) -> bool {
        self.runtime.block_on(async {
            let Ok(mut connection) = caller.connect(address).await else { return false };
            connection
                .post("/validate/baseline", token_secret())
                .await
                .is_ok_and(|reply| reply.status == StatusCode::OK)
        })
    }

    /// Sends a whole request by hand, and gives all that comes back. With TLS 1.3 a client is done with its handshake, and may
    /// send, before the server has looked at its certificate.
    fn all_that_comes_back(&self, address: SocketAddr, caller: &Caller) -> Vec<u8> {
        let body = token_secret();
        let request = format!(
            "POST /validate/baseline HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.runtime.block_on(async {
            let mut answer = Vec::new();
            let Ok(mut stream) = caller.connect_raw(address).await else { return answer };
            let _ = stream.write_all(request.as_bytes()).await;
            let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the connection is left open");
            answer
        })
    }
}

fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn without_a_good_certificate_a_caller_is_refused_before_a_byte_of_its_request_is_read() {
    let signer = Signer::new("API servers");
    let setup = Setup::new(&signer.pem());
    let webhook = setup.start(&["--client-name=kube-apiserver", "--client-name=other.example.com"]);
    let of_a_stranger = Signer::new("API servers").issue("kube-apiserver");
    let ended = signer.issue_with("kube-apiserver", |parameters| {
        parameters.not_before = rcgen::date_time_ymd(2020, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(2020, 1, 31);
    });
    let of_a_server = signer.issue_with("kube-apiserver", |parameters| {
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    });
    let bad = [
        ("a stranger's authority", setup.caller(&of_a_stranger)),
        ("another name", setup.caller(&signer.issue("kube-scheduler"))),
        ("ended", setup.caller(&ended)),
        ("not for clients", setup.caller(&of_a_server)),
        ("none", Caller::new(setup.authority.certificate_der(), "localhost")),
    ];
    for (what, caller) in &bad {
        assert_eq!(String::from_utf8_lossy(&setup.all_that_comes_back(webhook.address, caller)), "", "{what}");
    }
    // The first of them was told of; one line a minute is enough.
    webhook.wait_for_log(&["\"WARN\"", "another authority signed it", "--client-ca"]);
    assert!(!webhook.log().contains("\"no review\""), "a request was read: {}", webhook.log());

    let by_alternative_name = signer.issue_with("whoever", |parameters| {
        parameters.subject_alt_names = vec![rcgen::SanType::DnsName("other.example.com".try_into().unwrap())];
    });
    for good in [signer.issue("kube-apiserver"), by_alternative_name] {
        assert!(setup.is_let_in(webhook.address, &setup.caller(&good)), "{}", webhook.log());
    }
}

#[test]
fn without_names_every_certificate_of_the_authority_is_good() {
    let signer = Signer::new("API servers");
    let setup = Setup::new(&signer.pem());
    let webhook = setup.start(&[]);
    assert!(setup.is_let_in(webhook.address, &setup.caller(&signer.issue("whoever"))));
    assert!(!setup.is_let_in(webhook.address, &Caller::new(setup.authority.certificate_der(), "localhost")));
}

#[test]
fn the_authority_is_replaced_without_a_restart_and_a_broken_file_changes_nothing() {
    let (old, new) = (Signer::new("old"), Signer::new("new"));
    let setup = Setup::new(&old.pem());
    let webhook = setup.start(&[]);
    let callers = [&old, &new].map(|signer| setup.caller(&signer.issue("kube-apiserver")));
    let let_in = || callers.each_ref().map(|caller| setup.is_let_in(webhook.address, caller));
    assert_eq!(let_in(), [true, false]);

    setup.trust(&(old.pem() + &new.pem()));
    eventually("both are trusted", || let_in() == [true, true]);
    setup.trust(&new.pem());
    eventually("only the new one is trusted", || let_in() == [false, true]);

    let failures = || metric(webhook.admin_address, r#"tokenward_reload_total{what="client-ca",result="error"}"#);
    for broken in ["", "-----BEGIN CERTIFICATE-----\nAAAA", "a key was meant to go elsewhere"] {
        let before = failures();
        setup.trust(broken);
        eventually("the failure is counted", || failures() > before);
        assert_eq!(let_in(), [false, true], "what was good last goes on");
    }
}

#[test]
fn an_authority_that_cannot_be_used_ends_the_start_with_exit_code_2() {
    let setup = Setup::new("nothing of use");
    let output = setup.run(&[]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("error: no usable authority for client certificates: "), "{said}");
    assert!(said.contains("client-ca.crt holds no certificate"), "{said}");

    let output = command(&[&setup.tls.flag("--tls-dir"), "--client-name=kube-apiserver"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("--client-ca"), "a name alone would promise what is not done: {said}");
}
