//! `tokenward review`: decides on manifests and recorded reviews without a cluster.

use std::io::Write;
use std::path::PathBuf;

use anyhow::anyhow;
use jiff::Timestamp;

use super::{Exit, Failure};
use crate::config;
use crate::policy::{Action, Builtin, Phase, PolicySet};
use crate::report::{Format, InputError, Report};
use crate::review::{self, Input, Phases, Review};

const EXAMPLES: &str = "\
Examples:
  tokenward review deploy/
  helm template chart/ | tokenward review - --namespace team-a --policy-name restricted
  tokenward scan -o inventory > inventory.yaml; tokenward review pod.yaml --inventory inventory.yaml
  tokenward review pod.yaml --tokens
  tokenward review review.json --phase validate -o json";

/// Decide on manifests or recorded reviews exactly as the webhook would, without a cluster.
///
/// A manifest is judged as the creation that it asks for, after it was completed as the API server and its ServiceAccount
/// plugin would complete it. What the input holds of service accounts, Secrets, namespaces, policies, exceptions and
/// inventories tells what the cluster is like; what they do not tell is said to be unknown. A file with an AdmissionReview is
/// judged by its very bytes.
///
/// The exit code is 0 when nothing reaches --fail-on, 1 when a finding does, and 2 when some input cannot be read; the rest is
/// reported all the same.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Files, directories with all their .yaml, .yml and .json files, or - for standard input.
    #[arg(required = true, value_name = "PATH|-")]
    paths: Vec<PathBuf>,

    /// The policy of objects whose namespace names none: no Namespace with the label tokenward.dev/policy is in the input.
    #[arg(long, value_name = "NAME", default_value = Builtin::Baseline.as_str())]
    policy_name: String,

    /// Policies and exceptions: a file or a directory; may be given more than once. Those in the input count too.
    #[arg(long, value_name = "FILE")]
    policy: Vec<PathBuf>,

    /// The legacy Secrets of the cluster, from tokenward scan -o inventory; may be given more than once.
    #[arg(long, value_name = "FILE")]
    inventory: Vec<PathBuf>,

    /// The namespace of objects that name none.
    #[arg(long, short, value_name = "NAMESPACE", default_value = "default")]
    namespace: String,

    /// The instant to judge at, such as 2027-01-01T00:00:00Z; without it, the present. Exceptions end by it.
    #[arg(long, value_name = "TIMESTAMP")]
    now: Option<Timestamp>,

    /// Ask recorded reviews this question alone.
    #[arg(long, value_enum, value_name = "PHASE")]
    phase: Option<PhaseChoice>,

    /// End with exit code 1 from this action on.
    #[arg(long, value_enum, value_name = "ACTION", default_value_t = FailOn::Deny)]
    fail_on: FailOn,

    /// Show the tokens that each Pod would hold, with the change that the policy makes: whom each is for, how long it lasts, and
    /// where each container sees it. For people in place of the change itself.
    #[arg(long)]
    tokens: bool,

    /// How to write the results.
    #[arg(long, short, value_enum, value_name = "FORMAT", default_value_t = Format::Human)]
    output: Format,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum PhaseChoice {
    /// What would be changed?
    Mutate,
    /// Is it allowed?
    Validate,
}

impl PhaseChoice {
    const fn phases(self) -> Phases {
        Phases::One(match self {
            Self::Mutate => Phase::Mutate,
            Self::Validate => Phase::Validate,
        })
    }
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum FailOn {
    /// A finding that refuses the object.
    Deny,
    /// A warning, or worse.
    Warn,
    /// A finding for the audit log, or worse.
    Audit,
    /// Only input that cannot be read.
    Never,
}

impl FailOn {
    fn is_reached(self, severity: Action) -> bool {
        match self {
            Self::Deny => severity >= Action::Deny,
            Self::Warn => severity >= Action::Warn,
            Self::Audit => severity >= Action::Audit,
            Self::Never => false,
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let (sources, unavailable) = review::read(&arguments.paths, std::io::stdin().lock());
    let input = Input::parse(&sources);
    let policies = [config::read_policies(&arguments.policy)?, input.policies()].concat();
    let policies = config::parse_policies(&policies)?;
    let inventory = [config::read_inventory(&arguments.inventory)?, input.inventories()].concat();
    let inventory = config::parse_inventory(&inventory)?;
    known_policy(&policies, &arguments.policy_name)?;
    let review = Review {
        policies: &policies,
        inventory: &inventory,
        policy_name: &arguments.policy_name,
        namespace: &arguments.namespace,
        phases: arguments.phase.map_or(Phases::Both, PhaseChoice::phases),
        now: arguments.now.unwrap_or_else(Timestamp::now),
    };
    let mut report = review.of(&input);
    report.shows_tokens = arguments.tokens;
    report.errors.splice(0..0, unavailable);
    if input.is_empty() && report.errors.is_empty() {
        let file = arguments.paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
        let message = "nothing to review: there is no document in it".to_owned();
        report.errors.push(InputError { file, position: None, message });
    }
    exit(&report, arguments.fail_on).once_told(print(&report, arguments.output))
}

fn known_policy(policies: &PolicySet, name: &str) -> Result<(), Failure> {
    if policies.get(name).is_some() {
        return Ok(());
    }
    let names: Vec<&str> = policies.iter().map(|policy| &*policy.name).collect();
    let near = config::nearest(name, names.iter().copied());
    let hint = near.map_or_else(String::new, |known| format!("did you mean {known}? "));
    Err(anyhow!("no policy is called {name:?}; {hint}known are {}", names.join(", ")).into())
}

fn print(report: &Report, format: Format) -> Result<(), Failure> {
    let mut out = anstream::stdout();
    out.write_all(report.render(format).as_bytes())?;
    out.flush()?;
    let mut err = anstream::stderr();
    for error in &report.errors {
        writeln!(err, "error: {error}")?;
    }
    Ok(())
}

fn exit(report: &Report, fail_on: FailOn) -> Exit {
    if !report.errors.is_empty() {
        Exit::BadInput
    } else if fail_on.is_reached(report.severity()) {
        Exit::Findings
    } else {
        Exit::Clean
    }
}
