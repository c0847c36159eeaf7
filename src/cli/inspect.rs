//! `tokenward inspect`: what a token is.

mod asked;
mod described;

use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use anyhow::{Context, anyhow, bail};
use jiff::Timestamp;

use self::asked::Asked;
use self::described::Described;
use super::access::AccessArguments;
use super::{Exit, Failure};
use crate::token::{ServiceAccountToken, find_service_account_token, visit_service_account_tokens};

/// The largest input, in bytes; a token has some 1 000.
const LARGEST: u64 = 16 * 1024 * 1024;
/// More tokens than anybody looks at.
const MOST_TOKENS: usize = 64;

/// Say what a service account token is, without printing it.
///
/// With --review the API server is asked as well whether it accepts the token now: the token is sent to it in a TokenReview,
/// which takes the right to create tokenreviews.authentication.k8s.io. An answer about a legacy token counts as its use, and
/// is noted on its Secret.
///
/// The exit code is 0, whatever the token is. With --review it is 0 where the API server accepts every token in the input, 1
/// where it refuses one, and 3 where it cannot be reached or does not say.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A file that holds a token, in clear text or base64: a token file, a kubeconfig, a Secret. Standard input for -, and
    /// without a file.
    #[arg(default_value = "-")]
    file: PathBuf,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
    /// Ask the API server whether it still accepts the token.
    #[arg(long)]
    review: bool,
    /// Ask whether it is accepted for this audience; more than once for any of several. By default for the API server itself.
    #[arg(long, requires = "review")]
    audience: Vec<String>,
    #[command(flatten)]
    access: AccessArguments,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Output {
    /// For reading.
    #[default]
    Human,
    /// For programs.
    Json,
}

pub(super) fn run(arguments: &Arguments) -> Result<Exit, Failure> {
    let (mut texts, mut found) = tokens(&read(&arguments.file)?);
    if found.is_empty() {
        return Err(anyhow!(
            "{} holds no service account token. Looked for are JWTs with the claims of Kubernetes, in clear text or base64",
            named(&arguments.file)
        )
        .into());
    }
    if found.len() > MOST_TOKENS {
        let many = format!("{} holds more than {MOST_TOKENS} tokens", named(&arguments.file));
        if arguments.review {
            return Err(anyhow!("{many}; ask about them in smaller parts").into());
        }
        let _ = writeln!(anstream::stderr(), "note: {many}; the first {MOST_TOKENS} are shown");
        texts.truncate(MOST_TOKENS);
        found.truncate(MOST_TOKENS);
    }
    let mut reviews: Vec<Option<Asked>> = Vec::new();
    if arguments.review {
        let answers = asked::ask(arguments.access.access(), &texts, &arguments.audience)?;
        reviews.extend(answers.into_iter().map(Some));
    }
    let refused = reviews.iter().flatten().any(|review| !review.is_accepted());
    reviews.resize_with(found.len(), || None);
    let now = Timestamp::now();
    let described: Vec<Described> =
        found.iter().zip(reviews).map(|(token, review)| Described::of(token, now, review)).collect();
    let exit = if refused { Exit::Findings } else { Exit::Clean };
    exit.once_told(print(&described, arguments.output))
}

/// The tokens in `input`: their texts, which are shown to nobody but the API server, and what they say.
fn tokens(input: &[u8]) -> (Vec<String>, Vec<ServiceAccountToken>) {
    let mut found = (Vec::new(), Vec::new());
    visit_service_account_tokens(input, &mut |jwt, token| {
        found.0.push(jwt.secret_text());
        found.1.push(token);
        // One more, which tells that there are more.
        if found.0.len() <= MOST_TOKENS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    found
}

fn print(tokens: &[Described], output: Output) -> Result<(), Failure> {
    let mut out = anstream::stdout();
    match output {
        Output::Json => writeln!(out, "{}", serde_json::to_string_pretty(tokens)?)?,
        Output::Human => {
            for (index, token) in tokens.iter().enumerate() {
                if index > 0 {
                    writeln!(out)?;
                }
                token.write(&mut out)?;
            }
        }
    }
    Ok(())
}

fn named(file: &std::path::Path) -> String {
    if file.as_os_str() == "-" { "standard input".to_owned() } else { file.display().to_string() }
}

fn read(file: &std::path::Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let reader: Box<dyn Read> = if file.as_os_str() == "-" {
        Box::new(std::io::stdin())
    } else {
        if find_service_account_token(file.as_os_str().as_bytes(), |_| true).is_some() {
            bail!(
                "the argument is a token, and should be a file: pipe it to standard input; what stands on a command line is seen \
                 by others"
            );
        }
        Box::new(std::fs::File::open(file).with_context(|| format!("cannot read {}", named(file)))?)
    };
    reader.take(LARGEST + 1).read_to_end(&mut bytes).with_context(|| format!("cannot read {}", named(file)))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST) {
        return Err(anyhow!("{} is larger than 16 MiB; a token has some 1 000 bytes", named(file)));
    }
    Ok(bytes)
}
