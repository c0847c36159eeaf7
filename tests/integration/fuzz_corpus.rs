//! Every input of the fuzz corpus once through its target, and some mutations of each: what a fuzzer found stays found.
//! `make fuzz` looks for more, led by what the code does; `TOKENWARD_FUZZ_SECONDS=60 cargo test --test integration fuzz_corpus`
//! looks here for longer, blindly and without any further tool.

#[path = "../fuzz/targets/mod.rs"]
mod targets;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use self::targets::{TARGETS, Target};

/// Mutations of each target in the ordinary tests.
const MUTATIONS: u64 = 100;

/// Words that mean something to one reader or another.
const WORDS: [&str; 28] = [
    "null",
    "true",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "3607",
    "-1",
    "1e999",
    "99999999999999999999",
    "[[[[[[[[",
    "{\"a\":",
    "}",
    ",",
    "\r\n",
    "\r\n\r\n",
    "0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n",
    "\n---\n",
    "&a ",
    "*a",
    "<<: ",
    "!!binary ",
    "- ",
    "\t",
    "\0",
    "tokenward.dev/inject",
    "restricted",
    "-----BEGIN CERTIFICATE-----\n",
    "~1..//",
];

/// The corpus of a target, and what else a fuzzer begins from.
fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let mut folders = vec![format!("fuzz/corpus/{target}")];
    folders.extend(match target {
        "review" => vec!["fixtures/reviews".to_owned(), "fixtures/recorded".to_owned()],
        "policy" | "manifests" => vec![format!("fixtures/{target}")],
        _ => Vec::new(),
    });
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let files = folders.iter().flat_map(|folder| fs::read_dir(tests.join(folder)).unwrap());
    let mut inputs: Vec<_> =
        files.map(|entry| entry.unwrap().path()).map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    inputs.sort();
    inputs
}

fn fails(target: Target, data: &[u8]) -> bool {
    catch_unwind(AssertUnwindSafe(|| target(data))).is_err()
}

#[test]
fn nothing_that_a_fuzzer_found_fails_again() {
    let mut failed = Vec::new();
    for (name, target) in TARGETS {
        let corpus = corpus(name);
        assert!(!corpus.is_empty(), "no input for {name}");
        failed.extend(corpus.into_iter().filter(|(_, data)| fails(target, data)).map(|(path, _)| path));
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
#[allow(clippy::print_stdout, reason = "whoever let it run for longer wants to know how much was tried")]
fn mutations_of_the_corpus_break_nothing() {
    let longer =
        std::env::var("TOKENWARD_FUZZ_SECONDS").ok().map(|seconds| Duration::from_secs(seconds.parse().unwrap()));
    let mut failed = Vec::new();
    for (name, target) in TARGETS {
        let corpus: Vec<Vec<u8>> = corpus(name).into_iter().map(|(_, data)| data).collect();
        let begun = Instant::now();
        // Always other ones when there is time, always the same otherwise.
        let mut dice = Dice(longer.map_or(1, |_| u64::from(std::process::id())).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut tried = 0;
        while longer.map_or(tried < MUTATIONS, |longer| begun.elapsed() < longer) {
            let data = dice.mutated(&corpus);
            if fails(target, &data) {
                let path = std::env::temp_dir().join(format!("tokenward-{name}-{tried}"));
                fs::write(&path, data).unwrap();
                failed.push(path);
            }
            tried += 1;
        }
        println!("{name}: {tried} inputs");
    }
    assert!(failed.is_empty(), "put these into the corpus: {failed:#?}");
}

/// Numbers that look random.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        // Mostly short.
        let most = if self.below(4) == 0 { length - start } else { (length - start).min(16) };
        start..start + self.below(most + 1)
    }

    fn mutated(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut data = corpus[self.below(corpus.len())].clone();
        for _ in 0..=self.below(4) {
            let place = self.range(data.len());
            match self.below(6) {
                0 => drop(data.drain(place)),
                1 => {
                    let copy = data[place.clone()].to_vec();
                    data.splice(place.end..place.end, copy);
                }
                2 => {
                    let word = WORDS[self.below(WORDS.len())];
                    data.splice(place, word.bytes());
                }
                3 => {
                    for at in place {
                        data[at] ^= 1 << self.below(8);
                    }
                }
                4 => {
                    let other = &corpus[self.below(corpus.len())];
                    let taken = other[self.range(other.len())].to_vec();
                    data.splice(place, taken);
                }
                _ => data.truncate(place.end),
            }
        }
        data
    }
}
