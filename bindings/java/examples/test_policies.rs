//! Writes the policies that the Java tests load: `test_policies FOLDER`. The Maven build runs it, so that no binary file is kept.

use equipoise::error::Result;
use equipoise::model::{Campaign, Exploration, GoalKind, Ledger, Parties, Scope};
use equipoise::policy::{Draft, Policy};
use equipoise::{Campaigns, model::Slate};
use std::path::Path;

/// Campaigns that every permuted policy has.
const SHARED: u32 = 50;
/// Permuted policies, between which a service swaps.
const PERMUTED: u32 = 8;

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: test_policies FOLDER")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    example()?.save(folder.join("example.safetensors"))?;
    explored()?.save(folder.join("explored.safetensors"))?;
    unicode()?.save(folder.join("unicode.safetensors"))?;
    for k in 0..PERMUTED {
        permuted(k)?.save(folder.join(format!("permuted-{k}.safetensors")))?;
    }
    Ok(())
}

fn campaign(id: impl Into<String>) -> Campaign {
    Campaign { id: id.into(), ..Campaign::default() }
}

/// A price of one exposure of one campaign.
fn price(key: u32, amount: f64) -> (Ledger, f64) {
    let ledger = Ledger { goal: 0, kind: GoalKind::Cap, measure: 0, scope: Scope::Campaign, key, inside: 1.0, outside: 0.0 };
    (ledger, amount)
}

/// Two measures and the displacement; one campaign everywhere, one in Sweden alone, one on radio alone, one in May 2026.
fn example() -> Result<Policy> {
    let may = |day: i64| 1_777_593_600_000_000 + 86_400_000_000 * day;
    let campaigns = vec![
        campaign("campaign-17"),
        Campaign { markets: Some(vec!["SE".into()]), ..campaign("only-sweden") },
        Campaign { surfaces: Some(vec!["radio".into()]), ..campaign("only-radio") },
        Campaign { start: Some(may(0)), end: Some(may(31)), ..campaign("only-may") },
    ];
    Policy::new(&Draft {
        measures: vec!["stream".into(), "save".into(), "displacement".into()],
        weights: vec![0.0, 1.0, 2.5, -0.5],
        slate: Slate { slots: 1, visible: Some(10), min_gap: 2, ..Slate::default() },
        campaigns: Campaigns::new(campaigns)?,
        markets: vec!["SE".into(), "NO".into()],
        surfaces: vec!["radio".into(), "autoplay".into()],
        goals: vec!["cap".into()],
        ledgers: vec![price(0, 0.0625)],
        ..Draft::default()
    })
}

/// Every rule that takes something of a request that others do not: a frequency cap, diversity, a mix, exploration.
fn explored() -> Result<Policy> {
    let of = |id: &str, label: &str| Campaign { parties: Parties { label: Some(label.into()), ..Parties::default() }, ..campaign(id) };
    let campaigns = vec![Campaign { frequency_cap: Some(2), ..of("a", "L") }, of("b", "M"), of("c", "L"), of("d", "M")];
    let exploration = Exploration { temperature: Some(0.25), epsilon: 0.125, bonus: 0.5 };
    Policy::new(&Draft {
        measures: vec!["stream".into()],
        weights: vec![0.0, 1.0],
        slate: Slate {
            slots: 2,
            visible: Some(5),
            fixed_places: vec![2, 4],
            diversity: Some(1.0),
            calibration: Some(0.5),
            exploration: Some(exploration),
            ..Slate::default()
        },
        campaigns: Campaigns::new(campaigns)?,
        ..Draft::default()
    })
}

/// Ids that are hard to carry about.
fn unicode() -> Result<Policy> {
    let ids = ["å", "a\u{30a}", "🎵", "\u{0}", "a\u{0}b", "\u{1b}[31mred", "\u{202e}txet", "<b>&amp;", "=1+1", "\u{fffd}", "\u{10ffff}"];
    let mut campaigns: Vec<Campaign> = ids.iter().map(|id| campaign(*id)).collect();
    campaigns.push(campaign("長".repeat(10_000)));
    Policy::new(&Draft { weights: vec![0.0], campaigns: Campaigns::new(campaigns)?, ..Draft::default() })
}

/// Campaign `c-i` has the price `(i + 64 k) / 4096`, and a row that differs from policy to policy: others stand before and between.
fn permuted(k: u32) -> Result<Policy> {
    let mut ids: Vec<String> = (0..SHARED).map(|i| format!("c-{i:03}")).collect();
    ids.extend((0..k).map(|i| format!("a-{i:03}")));
    ids.extend((0..SHARED).filter(|i| (i + k).is_multiple_of(3)).map(|i| format!("c-{i:03}-{k}")));
    ids.sort();
    let ledgers = ids.iter().enumerate().filter(|(_, id)| id.len() == 5 && id.starts_with('c')).map(|(rank, id)| {
        let i: u32 = id[2..].parse().unwrap_or_default();
        price(rank as u32, f64::from(i + 64 * k) / 4096.0)
    });
    Policy::new(&Draft {
        measures: vec!["stream".into()],
        weights: vec![0.0, 1.0],
        goals: vec!["cap".into()],
        ledgers: ledgers.collect(),
        campaigns: Campaigns::new(ids.iter().map(|id| campaign(id.as_str())).collect())?,
        ..Draft::default()
    })
}
