//! Examples in Markdown: a `sh` block of commands and, right below it, a `text` block with what they print.

use std::path::Path;
use std::process::Command;

/// What an example cannot use that runs alone: a cluster, a network, another tool, an end that never comes.
const NEEDS_MORE: [&str; 9] =
    ["kubectl", "make ", "docker", "cargo ", "git ", "curl ", "ln -s", "tokenward scan", "tokenward serve"];

/// A block of commands.
pub(super) struct Example {
    commands: String,
    /// All that they print, where the document says so.
    output: Option<String>,
}

/// A fenced block.
struct Block {
    language: String,
    text: String,
    /// Nothing but empty lines lies between it and the block before.
    is_next: bool,
}

/// All examples of a document.
pub(super) fn of(document: &str) -> Vec<Example> {
    let blocks = blocks(document);
    let mut examples = Vec::new();
    for (index, block) in blocks.iter().enumerate().filter(|(_, block)| block.language == "sh") {
        let next = blocks.get(index + 1).filter(|next| next.is_next && next.language == "text");
        examples.push(Example { commands: block.text.clone(), output: next.map(|next| next.text.clone()) });
    }
    examples
}

fn blocks(document: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut inside, mut is_next) = (false, false);
    for line in document.lines() {
        match (line.strip_prefix("```"), blocks.last_mut()) {
            (Some(_), _) if inside => (inside, is_next) = (false, true),
            (Some(language), _) => {
                blocks.push(Block { language: language.to_owned(), text: String::new(), is_next });
                inside = true;
            }
            (None, Some(block)) if inside => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, _) => is_next &= line.is_empty(),
        }
    }
    blocks
}

impl Example {
    pub(super) fn runs_alone(&self) -> bool {
        !NEEDS_MORE.iter().any(|what| self.commands.contains(what))
    }

    /// Runs the commands in `directory`. Where no output is written below them they must succeed.
    #[track_caller]
    pub(super) fn check(&self, document: &Path, directory: &Path) {
        let program = Path::new(env!("CARGO_BIN_EXE_tokenward")).parent().unwrap();
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
        let output = Command::new("bash")
            // Both streams in the order in which a person sees them.
            .args(["-c", &format!("exec 2>&1\n{}", self.commands)])
            .current_dir(directory)
            .env("PATH", path)
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let place = document.display();
        match &self.output {
            Some(wanted) => assert_eq!(printed.trim_end(), wanted.trim_end(), "{place}:\n{}", self.commands),
            None => assert!(output.status.success(), "{place}:\n{}\nprints: {printed}", self.commands),
        }
    }
}
