//! `tokenward manifests`: what installs the webhook.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail, ensure};
use jiff::Timestamp;

use super::{Exit, Failure};
use crate::certs::AUTHORITY_FILE;
use crate::config::{self, Source};
use crate::install::{self, Certificates, CertificatesError, Mode, Place, Settings};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Directory with ca.crt, tls.crt and tls.key: they become the Secret and the CA bundle.
    #[arg(long, value_name = "DIR", group = "certificates")]
    tls_dir: Option<PathBuf>,
    /// File with the CA bundle alone; the Secret tokenward-tls is made by somebody else.
    #[arg(long, value_name = "FILE", group = "certificates")]
    ca_file: Option<PathBuf>,
    /// Let cert-manager make and renew the certificate.
    #[arg(long, group = "certificates", conflicts_with = "url")]
    cert_manager: bool,
    /// Where API servers call a webhook outside of the cluster, by https; renders the webhook configurations alone.
    #[arg(long, value_name = "URL", value_parser = webhook_url)]
    url: Option<String>,
    /// Which namespaces are reviewed.
    #[arg(long, value_enum, default_value_t = ModeArgument::OptIn)]
    mode: ModeArgument,
    /// Write a Kustomize base and its overlays into this directory, instead of YAML to standard output.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["certificates", "url", "mode"])]
    out_dir: Option<PathBuf>,
    /// Namespace of the webhook.
    #[arg(long, default_value = install::NAME, value_parser = namespace_name)]
    namespace: String,
    /// Container image.
    #[arg(long, default_value_t = Settings::default().image)]
    image: String,
    /// Policy file or directory, as tokenward serve takes it: its policies get entries, its files go into the ConfigMap. May
    /// be given more than once.
    #[arg(long, value_name = "PATH")]
    policy: Vec<PathBuf>,
    /// Number of Pods.
    #[arg(long, default_value_t = Settings::default().replicas, value_parser = clap::value_parser!(i32).range(1..=100))]
    replicas: i32,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum ModeArgument {
    /// Namespaces that carry the label tokenward.dev/policy.
    OptIn,
    /// All but the system's; those without the label get the policy baseline.
    ClusterWide,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let sources = config::read_policies(&arguments.policy)?;
    let policies = config::parse_policies(&sources)?;
    let settings = settings(arguments, &sources)?;
    if let Some(directory) = &arguments.out_dir {
        for (file, text) in install::kustomize::tree(&settings, &policies)? {
            write(&directory.join(file), &text)?;
        }
        return Ok(Exit::Clean);
    }
    if matches!(settings.certificates, Certificates::Elsewhere) {
        // Standard error may be closed; the result is whole without the remark.
        let _ = writeln!(
            anstream::stderr(),
            "note: no CA bundle is rendered, and until somebody adds one the API server does not trust the webhook; \
             see --tls-dir, --ca-file and --cert-manager"
        );
    }
    let objects = install::objects(&settings, &policies);
    anstream::stdout().write_all(install::yaml::stream(&objects)?.as_bytes())?;
    Ok(Exit::Clean)
}

fn settings(arguments: &Arguments, policy_files: &[Source]) -> anyhow::Result<Settings> {
    let mut settings = Settings {
        namespace: arguments.namespace.clone(),
        image: arguments.image.clone(),
        replicas: arguments.replicas,
        mode: match arguments.mode {
            ModeArgument::OptIn => Mode::OptIn,
            ModeArgument::ClusterWide => Mode::ClusterWide,
        },
        place: arguments.url.clone().map_or(Place::Cluster, Place::Url),
        certificates: Certificates::Elsewhere,
        policy_files: config_map_files(policy_files)?,
    };
    settings.certificates = certificates(arguments, &settings)?;
    Ok(settings)
}

/// The files by the names that they get in one ConfigMap. The server reads there what ends in `.yaml`, `.yml` or `.json`.
fn config_map_files(sources: &[Source]) -> anyhow::Result<BTreeMap<String, String>> {
    const LARGEST_CONFIG_MAP: usize = 1 << 20;
    let mut files = BTreeMap::new();
    for source in sources {
        let path = Path::new(source.name());
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        ensure!(
            !stem.starts_with('.') && stem.chars().all(is_allowed),
            "{}: rename the file; in a ConfigMap a name has letters, digits, -, _ and .",
            path.display()
        );
        let suffix = path.extension().and_then(|it| it.to_str()).filter(|it| ["yaml", "yml", "json"].contains(it));
        let name = format!("{stem}.{}", suffix.unwrap_or("yaml"));
        let text = std::str::from_utf8(source.bytes()).with_context(|| format!("{}: no UTF-8", path.display()))?;
        ensure!(
            files.insert(name, text.to_owned()).is_none(),
            "{}: rename the file; another one of that name goes into the same ConfigMap",
            path.display()
        );
    }
    let size: usize = files.iter().map(|(name, text)| name.len() + text.len()).sum();
    ensure!(
        size <= LARGEST_CONFIG_MAP,
        "the policy files have {size} bytes, and a ConfigMap holds {LARGEST_CONFIG_MAP}"
    );
    Ok(files)
}

fn certificates(arguments: &Arguments, settings: &Settings) -> Result<Certificates, CertificatesError> {
    let now = Timestamp::now();
    match (&arguments.tls_dir, &arguments.ca_file) {
        (Some(directory), _) if arguments.url.is_some() => {
            Certificates::authority(&directory.join(AUTHORITY_FILE), now)
        }
        (Some(directory), _) => Certificates::load(directory, &settings.service_name(), now),
        (None, Some(file)) => Certificates::authority(file, now),
        (None, None) if arguments.cert_manager => Ok(Certificates::CertManager),
        (None, None) => Ok(Certificates::Elsewhere),
    }
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    path.parent()
        .map_or(Ok(()), fs::create_dir_all)
        .and_then(|()| fs::write(path, text))
        .with_context(|| format!("{} cannot be written", path.display()))
}

/// What the API server accepts as the URL of a webhook, without the slash at its end.
fn webhook_url(text: &str) -> anyhow::Result<String> {
    let url: http::Uri = text.parse()?;
    ensure!(url.scheme_str() == Some("https"), "a webhook is called by https only");
    let authority = url.authority().ok_or_else(|| anyhow!("a host is missing"))?;
    ensure!(!authority.as_str().contains('@'), "a webhook's URL cannot name a user");
    ensure!(url.query().is_none() && !text.contains('#'), "a webhook's URL ends with its path");
    Ok(text.trim_end_matches('/').to_owned())
}

fn namespace_name(text: &str) -> anyhow::Result<String> {
    let edge = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    let [Some(&first), Some(&last)] = [bytes.first(), bytes.last()] else { bail!("it is empty") };
    let all = bytes.iter().all(|&byte| edge(byte) || byte == b'-');
    ensure!(
        edge(first) && edge(last) && all && text.len() <= 63,
        "a namespace's name has at most 63 lower case letters, digits and inner hyphens"
    );
    ensure!(
        text != "default" && !text.starts_with("kube-"),
        "it is the cluster's own; tokenward gets a namespace to itself, which goes with it when it is removed"
    );
    Ok(text.to_owned())
}
