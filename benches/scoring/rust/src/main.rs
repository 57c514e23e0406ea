//! Times requests on the path in use (`EQUIPOISE_PATH` forces another), ours and peers in turn, and prints one JSON line per comparison.
//!
//!   equipoise-bench-scoring paths           the paths that this machine has
//!   equipoise-bench-scoring rows 10k|1M     requests of 50, 500 and 2,000 candidates beside plain Rust and the cache-bandwidth floor
//!   equipoise-bench-scoring overhead        a scorer, and slates drawn at random, beside the plain policy
//!   equipoise-bench-scoring tails ROUNDS    single requests at p50, p99 and p99.9: with a swap every millisecond and without, and on all cores at once
//!   equipoise-bench-scoring ids 10k|1M      campaign ids to rows, in batches and one by one, beside a `HashMap`
//!   equipoise-bench-scoring load FOLDER     a policy of 1 M campaigns, written there: checked load beside reading the file
//!   equipoise-bench-scoring call N COUNT    COUNT requests of N candidates and nothing else, for an instruction counter; with a fourth word
//!                                           `explained` or `drawn`, five explanations of each or slates drawn at random
//!
//! The peer does the same with a struct per campaign and a sort, as one would write it first; that both pick the same with equal scores is checked
//! before anything is timed. Requests take turns, so that inputs come from L2 and no branch is learnt by heart.

mod closed_loop;
mod floor;
mod ids;
mod instance;
mod overhead;
mod plain;
mod swap;
mod tail;
mod timing;

use equipoise::policy::Policy;
use equipoise::score::{Explanation, Request, Workspace};
use equipoise_kernel::Path;
use floor::Floor;
use instance::{Columns, MARKET, REFERENCE, Reference, SURFACE, TIME, draft};
use std::hint::black_box;
use timing::{print, race};

/// Candidates of all requests that take turns together: more than a processor learns the branches of by heart (of 8,000 some do).
const CANDIDATES: usize = 32_000;

fn ask(columns: &Columns, reference: Reference) -> plain::Ask<'_> {
    plain::Ask {
        market: MARKET,
        surface: SURFACE,
        time: TIME,
        reference: (reference == Reference::Given).then_some(REFERENCE),
        organic: &columns.organic,
        promoted: &columns.promoted,
        measures: &columns.measures,
    }
}

fn name(path: Path) -> String {
    format!("{path:?}").to_lowercase()
}

/// Calls `f` with each turn's number, over and over.
fn in_turn(turns: usize, mut f: impl FnMut(usize)) -> impl FnMut() {
    let mut at = 0;
    move || {
        f(at);
        at = if at + 1 == turns { 0 } else { at + 1 };
    }
}

/// How many requests of `n` candidates take turns; with many campaigns, as many as it takes to find their rows cold.
fn turns(size: &str, n: usize) -> usize {
    if size == "1M" { 128_000 / n } else { CANDIDATES / n }
}

fn rows(size: &str) -> equipoise::Result<()> {
    let count = if size == "1M" { 1_000_000 } else { 10_000 };
    let draft = draft(count)?;
    let (policy, peer, floor) = (Policy::new(&draft)?, plain::Policy::new(&draft), Floor::new(count));
    for n in [50, 500, 2_000] {
        let turns = turns(size, n);
        for reference in [Reference::Given, Reference::Sorted, Reference::Computed] {
            let turn: Vec<Columns> = if size == "1M" {
                (0..turns).map(|t| Columns::new(t as u64, n, count, &policy, reference)).collect()
            } else {
                Columns::in_turn(0, turns, n, count, &policy, reference)
            };
            let mut workspace = Workspace::with_capacity(n);
            for columns in &turn {
                let (scores, picks) = peer.score(&ask(columns, reference));
                for in_rows in [false, true] {
                    let request = columns.request(in_rows);
                    let decision = policy.score(&request, &mut workspace)?;
                    assert!(decision.scores() == scores && decision.picks() == picks, "both do the same work");
                }
            }
            let mut other = Workspace::with_capacity(n);
            let mut explaining = Workspace::with_capacity(n);
            let mut why = Explanation::default();
            let picks_of = |ws: &mut Workspace, t: usize, in_rows| {
                let request = turn[t].request(in_rows);
                black_box(policy.score(black_box(&request), ws).map_or(0, |d| d.picks().len()));
            };
            let mut ours = in_turn(turns, |t| picks_of(&mut workspace, t, false));
            let mut turned = in_turn(turns, |t| picks_of(&mut other, t, true));
            let mut theirs = in_turn(turns, |t| drop(black_box(peer.score(black_box(&ask(&turn[t], reference))))));
            let mut touch = in_turn(turns, |t| _ = floor.touch(&turn[t]));
            let mut explained = in_turn(turns, |t| {
                let request = turn[t].request(false);
                if let Ok(decision) = policy.score(black_box(&request), &mut explaining) {
                    for pick in decision.picks().iter().take(5) {
                        _ = black_box(decision.explain_into(*pick as usize, &mut why));
                    }
                }
            });
            let race = race(&mut [&mut ours, &mut theirs, &mut turned, &mut touch, &mut explained]);
            let case = format!("n={n} campaigns={size} path={} reference={}", name(equipoise_kernel::path()), reference.name());
            print(&case, "rust-plain", &race, [0, 1], "ns");
            if reference == Reference::Given {
                print(&format!("{case} layout=rows"), "rust", &race, [2, 0], "ns");
                print(&case, "floor", &race, [0, 3], "ns");
                print(&format!("{case} explained=5"), "rust", &race, [4, 0], "ns");
            }
        }
    }
    Ok(())
}

fn load(folder: &str) -> equipoise::Result<()> {
    let path = std::path::Path::new(folder).join("1M.safetensors");
    let policy = Policy::new(&draft(1_000_000)?)?;
    policy.save(&path)?;
    let mut checked = || drop(black_box(Policy::load(&path)));
    let mut read = || drop(black_box(std::fs::read(&path)));
    let race = race(&mut [&mut checked, &mut read]);
    let megabytes = policy.to_bytes().len() / 1_000_000;
    print(&format!("load campaigns=1M bytes={megabytes}M"), "read", &race, [0, 1], "ms");
    Ok(())
}

/// Requests and nothing else: plain ones, with five explanations each, or drawn at random.
fn call(n: usize, count: usize, what: &str) -> equipoise::Result<()> {
    let mut draft = draft(10_000)?;
    if what == "drawn" {
        draft.slate.exploration = Some(overhead::exploration());
    }
    let policy = Policy::new(&draft)?;
    let turn = Columns::in_turn(0, turns("10k", n), n, 10_000, &policy, Reference::Given);
    let (mut workspace, mut why) = (Workspace::with_capacity(n), Explanation::default());
    for i in 0..count {
        let request = Request { key: i as u64, ..turn[i % turn.len()].request(false) };
        let decision = policy.score(&request, &mut workspace)?;
        for pick in decision.picks().iter().take(if what == "explained" { 5 } else { 0 }) {
            decision.explain_into(*pick as usize, &mut why)?;
        }
        black_box((decision.picks().len(), decision.slate_propensity()));
    }
    Ok(())
}

fn main() -> equipoise::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["paths"] => {
            for path in Path::available() {
                println!("{}", name(*path));
            }
            Ok(())
        }
        ["rows", size @ ("10k" | "1M")] => rows(size),
        ["overhead"] => overhead::rows(),
        ["tails", rounds] => {
            let rounds = rounds.parse().unwrap_or(1).max(1);
            swap::rows(rounds)?;
            closed_loop::rows(rounds)
        }
        ["ids", size @ ("10k" | "1M")] => ids::ids(size),
        ["load", folder] => load(folder),
        ["call", n, count] => call(n.parse().unwrap_or(500), count.parse().unwrap_or(1), "plain"),
        ["call", n, count, what @ ("explained" | "drawn")] => call(n.parse().unwrap_or(500), count.parse().unwrap_or(1), what),
        _ => {
            eprintln!(
                "usage: equipoise-bench-scoring paths, rows 10k|1M, ids 10k|1M, overhead, tails ROUNDS, load FOLDER, or call N COUNT [explained|drawn]"
            );
            std::process::exit(2)
        }
    }
}
