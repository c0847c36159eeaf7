//! `tokenward certs`: a certificate authority and a serving certificate for development, and what is in a directory.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Subcommand;
use jiff::Timestamp;

use super::{Exit, Failure};
use crate::certs::{
    AUTHORITY_FILE, AUTHORITY_KEY_FILE, Authority, CERTIFICATE_FILE, Inspection, KEY_FILE, Leaf, Names, Pair, Signature,
};
use crate::install;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make an authority (ca.crt, ca.key) and a serving certificate that it signs (tls.crt, tls.key), ECDSA P-256.
    Make(Make),
    /// Show a certificate, and whether the key and the authority beside it belong to it.
    Inspect(Inspect),
}

#[derive(Debug, clap::Args)]
struct Make {
    /// Directory to write to; made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// DNS name of the server; may be given more than once [default: the Service of the rendered manifests].
    #[arg(long, value_name = "NAME")]
    dns: Vec<String>,
    /// Address of the server; may be given more than once.
    #[arg(long, value_name = "ADDR")]
    ip: Vec<IpAddr>,
    /// How long both certificates hold.
    #[arg(long, default_value_t = 365, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    days: u32,
    /// Replace files that are there.
    #[arg(long)]
    force: bool,
}

#[derive(Debug, clap::Args)]
struct Inspect {
    /// Directory with tls.crt and, where there are, tls.key and ca.crt; or a file with a certificate.
    #[arg(value_name = "DIR|FILE")]
    path: PathBuf,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    match &arguments.command {
        Command::Make(make) => make.run(),
        Command::Inspect(inspect) => inspect.run(),
    }
}

impl Make {
    fn run(&self) -> Result<Exit, Failure> {
        let authority = Authority::generate(self.days)?;
        let names = self.names();
        let issued = authority.issue(&names)?;
        let files = [
            (AUTHORITY_FILE, authority.certificate_pem(), 0o644),
            (AUTHORITY_KEY_FILE, authority.key_pem(), 0o600),
            (CERTIFICATE_FILE, issued.certificate, 0o644),
            (KEY_FILE, issued.key, 0o600),
        ];
        if !self.force {
            self.refuse_to_overwrite(files.iter().map(|(name, ..)| *name))?;
        }
        fs::create_dir_all(&self.out).with_context(|| format!("cannot make {}", self.out.display()))?;
        for (name, text, mode) in &files {
            let path = self.out.join(name);
            write(&path, text, *mode).with_context(|| format!("cannot write {}", path.display()))?;
        }
        self.report(&Pair::load(&self.out)?)?;
        Ok(Exit::Clean)
    }

    fn names(&self) -> Names {
        if self.dns.is_empty() && self.ip.is_empty() {
            let service = format!("{0}.{0}.svc", install::NAME);
            return Names { dns: vec![service.clone(), format!("{service}.cluster.local")], addresses: Vec::new() };
        }
        Names { dns: self.dns.clone(), addresses: self.ip.clone() }
    }

    fn refuse_to_overwrite<'n>(&self, names: impl Iterator<Item = &'n str>) -> anyhow::Result<()> {
        for path in names.map(|name| self.out.join(name)) {
            if path.symlink_metadata().is_ok() {
                bail!("{} is there already; --force replaces it, and all that trusts it must be told", path.display());
            }
        }
        Ok(())
    }

    fn report(&self, pair: &Pair) -> io::Result<()> {
        let mut out = anstream::stdout();
        let show = |name: &str| self.out.join(name).display().to_string();
        writeln!(out, "{}  the authority, for caBundle", show(AUTHORITY_FILE))?;
        writeln!(out, "{}  its key; the webhook does not need it", show(AUTHORITY_KEY_FILE))?;
        writeln!(out, "{}  for {}, until {}", show(CERTIFICATE_FILE), pair.leaf().names.join(", "), day(pair.leaf()))?;
        writeln!(out, "{}  its key", show(KEY_FILE))
    }
}

/// Replaces a file as a whole: whoever reads it meanwhile, such as a running server, sees the old one or the new one.
fn write(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let fresh = PathBuf::from(name);
    // One that an interrupted run left behind may have another mode.
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&fresh)?;
    file.write_all(text.as_bytes())?;
    fs::rename(&fresh, path)
}

fn day(leaf: &Leaf) -> String {
    leaf.not_after.strftime("%Y-%m-%d").to_string()
}

impl Inspect {
    /// A certificate that clients refuse is a finding; one that cannot be read, or another's key, is bad input.
    fn run(&self) -> Result<Exit, Failure> {
        let now = Timestamp::now();
        let found = Inspection::of(&self.path, now)?;
        let leaf = &found.leaf;
        let refused = matches!(found.signature, Signature::Refused(_)) || leaf.has_ended(now) || leaf.names.is_empty();
        let exit = if refused { Exit::Findings } else { Exit::Clean };
        exit.once_told(self.describe(&found, now))
    }

    fn describe(&self, found: &Inspection, now: Timestamp) -> io::Result<()> {
        let leaf = &found.leaf;
        let mut out = anstream::stdout();
        let mut line = |label: &str, text: &str| writeln!(out, "{label:<10} {text}");
        line("subject", &leaf.subject)?;
        line("issuer", &leaf.issuer)?;
        line(
            "names",
            &if leaf.names.is_empty() { "none: every client refuses it".into() } else { leaf.names.join(", ") },
        )?;
        line("validity", &validity(leaf, now))?;
        if self.path.is_dir() {
            line("key", if found.key_matches { "matches the certificate" } else { "no tls.key is here" })?;
            line(
                "authority",
                &match &found.signature {
                    Signature::NoAuthority => "no ca.crt is here".to_owned(),
                    Signature::Trusted => "whoever trusts ca.crt accepts the certificate".to_owned(),
                    Signature::Refused(reason) => format!("whoever trusts ca.crt refuses the certificate: {reason}"),
                },
            )?;
        }
        Ok(())
    }
}

fn validity(leaf: &Leaf, now: Timestamp) -> String {
    let span = format!("{} to {}", leaf.not_before, leaf.not_after);
    let days = leaf.seconds_left(now) / 86_400;
    if leaf.has_ended(now) {
        format!("{span}: it has ended")
    } else if leaf.not_before > now {
        format!("{span}: it has not begun")
    } else {
        format!("{span}, {days} days left")
    }
}
