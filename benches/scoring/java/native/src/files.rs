//! Writes an instance of the scoring bench for the Java and Python parts: `equipoise-bench-scoring-files FOLDER CAMPAIGNS`.
//!
//! Two policies of equal prices (`a.safetensors`, `b.safetensors`); `campaigns.bin`, what a peer needs of them; `requests-N.bin`, requests with
//! the right scores and picks; `path`, the kernel's path here. All numbers are little-endian; the readers are `Instance.java` and `instance.py`.

#[path = "../../../rust/src/instance.rs"]
#[allow(dead_code, reason = "shared with the Rust part of the bench, which uses all of it")]
mod instance;

use equipoise::model::Scope;
use equipoise::policy::{Draft, Policy};
use equipoise::score::{Request, Workspace};
use instance::{Columns, MARKET, Reference, draft};
use std::fs;
use std::path::Path;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const SIZES: [usize; 3] = [50, 500, 2_000];
/// Candidates of all turns together: more than a processor learns the branches of by heart, and with many campaigns as many as it takes to find
/// their rows cold.
const CANDIDATES: usize = 32_000;
const COLD: usize = 128_000;

/// Requests with organic scores and measures of their own where there are many campaigns: as many as stay in L2, so that only rows are cold.
fn shared(n: usize) -> usize {
    (8_000 / n).clamp(4, 16)
}

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, campaigns] = arguments.as_slice() else { return Err("usage: FOLDER CAMPAIGNS".into()) };
    let (folder, campaigns) = (Path::new(folder), campaigns.parse::<u32>()?);
    fs::create_dir_all(folder)?;
    let draft = draft(campaigns)?;
    let policy = Policy::new(&draft)?;
    policy.save(folder.join("a.safetensors"))?;
    policy.with_valid_until(i64::MAX / 2)?.save(folder.join("b.safetensors"))?;
    fs::write(folder.join("campaigns.bin"), peer(&draft))?;
    for n in SIZES {
        let (turns, shared) = if campaigns > 100_000 { (COLD / n, shared(n)) } else { (CANDIDATES / n, CANDIDATES / n) };
        fs::write(folder.join(format!("requests-{n}.bin")), requests(n, turns, shared, campaigns, &policy)?)?;
    }
    fs::write(folder.join("path"), format!("{:?}", equipoise_kernel::path()).to_lowercase())?;
    Ok(())
}

fn put_floats(out: &mut Vec<u8>, values: &[f32]) {
    out.extend(values.iter().flat_map(|v| v.to_le_bytes()));
}

/// Values of the requests' market, then each campaign's sets of markets and surfaces as bits, its flight, and its prices.
fn peer(draft: &Draft) -> Vec<u8> {
    let measures = draft.weights.len();
    let mut values = draft.weights.clone();
    let mut prices = vec![vec![0.0; measures]; draft.campaigns.len()];
    for (ledger, price) in &draft.ledgers {
        let (measure, price) = (ledger.measure as usize, ledger.inside * price);
        match ledger.scope {
            Scope::Market if ledger.key == MARKET => values[measure] -= price,
            Scope::Campaign => prices[ledger.key as usize][measure] += price,
            // The label of campaign i is i modulo their number, and labels are in that order.
            Scope::Label => {
                let labels = draft.ledgers.iter().filter(|(l, _)| l.scope == Scope::Label).count();
                prices.iter_mut().skip(ledger.key as usize).step_by(labels).for_each(|p| p[measure] += price);
            }
            _ => {}
        }
    }
    let bits = |list: &Option<Vec<String>>, names: &[String]| {
        list.as_ref()
            .map_or(-1_i32, |list| names.iter().enumerate().filter(|(_, n)| list.contains(n)).fold(0, |bits, (i, _)| bits | 1 << i))
    };
    let slate = &draft.slate;
    let places = (0..slate.slots).take_while(|k| slate.first_place + k * slate.min_gap <= slate.visible_places()).count();
    let mut out = Vec::new();
    for number in [draft.campaigns.len() as u32, measures as u32, places as u32] {
        out.extend(number.to_le_bytes());
    }
    put_floats(&mut out, &values.iter().map(|v| *v as f32).collect::<Vec<_>>());
    for (campaign, prices) in draft.campaigns.iter().zip(prices) {
        out.extend(bits(&campaign.markets, &draft.markets).to_le_bytes());
        out.extend(bits(&campaign.surfaces, &draft.surfaces).to_le_bytes());
        out.extend(campaign.start.unwrap_or(i64::MIN).to_le_bytes());
        out.extend(campaign.end.unwrap_or(i64::MAX).to_le_bytes());
        put_floats(&mut out, &prices.iter().map(|p| *p as f32).collect::<Vec<_>>());
    }
    out
}

fn requests(n: usize, turns: usize, shared: usize, campaigns: u32, policy: &Policy) -> equipoise::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut workspace = Workspace::with_capacity(n);
    let columns = |turn| Columns::new(turn, n, campaigns, policy, Reference::Given);
    let shared: Vec<Columns> = (0..shared as u64).map(columns).collect();
    out.extend((turns as u32).to_le_bytes());
    out.extend((shared.len() as u32).to_le_bytes());
    for columns in &shared {
        put_floats(&mut out, &columns.organic);
        put_floats(&mut out, &columns.measures);
    }
    for turn in 0..turns {
        let own = columns(turn as u64);
        out.extend(own.promoted.iter().flat_map(|c| c.map_or(-1, |c| c as i32).to_le_bytes()));
        let request = Request { campaign: &own.rows, ..shared[turn % shared.len()].request(false) };
        let decision = policy.score(&request, &mut workspace)?;
        put_floats(&mut out, decision.scores());
        out.extend((decision.picks().len() as u32).to_le_bytes());
        out.extend(decision.picks().iter().flat_map(|p| p.to_le_bytes()));
    }
    Ok(out)
}
