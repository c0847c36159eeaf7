//! What a decision costs beside the floor: what it takes to read the same bytes and do nothing with them.
//!
//! Both are timed in turn in one run, so that the ratio holds where the machine's speed does not.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "it prints a table for people, and ends where it cannot go on"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::de::IgnoredAny;
use tokenward::policy::{Inventory, Phase, PolicySet};

mod reviews;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 101;
/// How long one round of each takes.
const ROUND: Duration = Duration::from_millis(10);

fn main() {
    println!("| review | policy, phase | floor | whole path | ratio | bar |\n|---|---|---|---|---|---|");
    let small: fn(Phase) -> String = reviews::small_pod;
    for (name, review, bar) in [("Pod, 6 KB", small, 1.9), ("Pod, 66 KB", reviews::large_pod, 1.4)] {
        for (policy, phase) in
            [("baseline", Phase::Mutate), ("baseline", Phase::Validate), ("restricted", Phase::Validate)]
        {
            let [floor, whole, ratio] = compare(&review(phase), policy, phase);
            let met = if ratio <= bar { "met" } else { "not met" };
            println!(
                "| {name} | {policy}, {} | {floor:.1} µs | {whole:.1} µs | {ratio:.2} | {bar:.1}, {met} |",
                phase.as_str()
            );
        }
    }
}

/// The medians of the floor and of the whole path, in microseconds, and of their ratio in each round.
fn compare(review: &str, policy: &str, phase: Phase) -> [f64; 3] {
    let (policies, inventory, now) = (PolicySet::builtin(), Inventory::default(), Timestamp::now());
    let mut floor = || {
        black_box(serde_json::from_slice::<IgnoredAny>(black_box(review.as_bytes())).unwrap());
    };
    let mut whole = || {
        black_box(policies.answer(policy, phase, black_box(review.as_bytes()), &inventory, now).unwrap());
    };
    let (floor_calls, whole_calls) = (calls_in_a_round(&mut floor), calls_in_a_round(&mut whole));
    let mut rounds = [const { Vec::new() }; 3];
    for _ in 0..ROUNDS {
        let floor = microseconds(&mut floor, floor_calls);
        let whole = microseconds(&mut whole, whole_calls);
        for (kept, value) in rounds.iter_mut().zip([floor, whole, whole / floor]) {
            kept.push(value);
        }
    }
    rounds.map(median)
}

fn calls_in_a_round(call: &mut impl FnMut()) -> u32 {
    let begun = Instant::now();
    let mut calls = 0;
    while begun.elapsed() < ROUND {
        call();
        calls += 1;
    }
    calls
}

/// The mean time of one call.
fn microseconds(call: &mut impl FnMut(), calls: u32) -> f64 {
    let begun = Instant::now();
    for _ in 0..calls {
        call();
    }
    begun.elapsed().as_secs_f64() * 1e6 / f64::from(calls)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
