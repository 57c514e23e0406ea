//! Reading a policy file takes at most twice its size and one MiB, whatever the file claims.

mod forge;
mod heap;

use equipoise::model::{Campaign, Campaigns, GoalKind, Ledger, Parties, Scope};
use equipoise::policy::{Draft, Policy, UNKNOWN};
use forge::{Forged, draft};
use serde_json::json;

/// Loads bytes through a file and checks what it took at most.
fn read(what: &str, bytes: &[u8]) -> Result<(), &'static str> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("p.safetensors");
    std::fs::write(&path, bytes).expect("written");
    let (outcome, peak) = heap::peak(|| Policy::load(&path).map(|_| ()).map_err(|e| e.code()));
    let limit = 2 * bytes.len() + (1 << 20);
    println!("{what}: {} bytes, at most {peak} in memory, {outcome:?}", bytes.len());
    assert!(peak <= limit, "{what}: {peak} bytes for a file of {}, the limit is {limit}", bytes.len());
    outcome
}

/// `count` campaigns, each with its own cap, under a few labels with a share each on several measures.
fn large(count: u32, measures: u32, own: bool) -> Draft {
    let campaign = |i: u32| Campaign {
        id: format!("campaign-{i:07}"),
        parties: Parties { label: Some(format!("label-{}", i % 10)), ..Parties::default() },
        markets: i.is_multiple_of(3).then(|| vec![format!("m{}", i % 7)]),
        ..Campaign::default()
    };
    let ledger = |kind, measure, scope, key, inside, outside| Ledger { goal: 0, kind, measure, scope, key, inside, outside };
    let caps = (0..if own { count } else { 0 }).map(|c| (ledger(GoalKind::Cap, 0, Scope::Campaign, c, 1.0, 0.0), 0.5));
    let shares = (0..measures).map(|j| (ledger(GoalKind::Share, j + 1, Scope::Label, j % 10, 0.75, -0.25), 0.5));
    Draft {
        measures: (0..measures).map(|j| format!("measure {j}")).collect(),
        weights: vec![1.0; measures as usize + 1],
        campaigns: Campaigns::new((0..count).map(campaign).collect()).expect("good campaigns"),
        goals: vec!["goal".into()],
        ledgers: caps.chain(shares).collect(),
        tie_breadth: 1e-6,
        ..Draft::default()
    }
}

/// One test, so that nothing else allocates meanwhile.
#[test]
fn memory_follows_the_file() {
    let policy = |draft: &Draft| Policy::new(draft).expect("a good draft").to_bytes().to_vec();
    let small = policy(&draft());
    assert_eq!(read("small", &small), Ok(()));
    assert_eq!(read("a cap per campaign", &policy(&large(200_000, 2, true))), Ok(()));
    assert_eq!(read("shares only", &policy(&large(200_000, 3, false))), Ok(()));
    // Rows of seven prices and hashes that break ties leave no room for a table of ids: they are searched for, and found.
    let tight = Policy::new(&large(200_000, 7, false)).expect("a good draft");
    assert_eq!(read("seven shares each", tight.to_bytes()), Ok(()));
    let ids: Vec<&str> = tight.campaigns().map(|c| c.id).collect();
    let rows = tight.rows(&ids);
    assert!(rows.windows(2).all(|r| r[0] + 1 == r[1]) && tight.rows(&["campaign", "campaign-0000001x"]) == [UNKNOWN; 2]);
    drop(tight);
    assert_eq!(Policy::new(&large(200_000, 11, false)).map_err(|e| e.code()).err(), Some("policy.limit"), "rows of eleven prices");

    // Prices that would need far more memory than the file: a row of 1,000 numbers for each of 20,000 campaigns.
    let few = policy(&large(20_000, 1, false));
    let mut forged = Forged::of(&few);
    let names: Vec<String> = (0..1_000).map(|j| format!("\"m{j}\":1.0")).collect();
    forged.metadata("objectives", format!("{{\"exposure\":1.0,{}}}", names.join(",")));
    for (name, width) in [
        ("ledger_price", 8),
        ("ledger_inside", 8),
        ("ledger_outside", 8),
        ("ledger_goal", 4),
        ("ledger_key", 4),
        ("ledger_kind", 1),
        ("ledger_scope", 1),
    ] {
        let one = forged.bytes_of(name)[..width].to_vec();
        forged.replace(name, &[1_000], &one.repeat(1_000));
    }
    let measures: Vec<u8> = (1..=1_000_u32).flat_map(u32::to_le_bytes).collect();
    forged.replace("ledger_measure", &[1_000], &measures);
    assert_eq!(read("1,000 priced measures", &forged.seal()), Err("policy.limit"));

    // Headers that are all names, all numbers, all nesting.
    let base = Forged::of(&small);
    let text = serde_json::Value::Object(base.header.clone()).to_string();
    let each = |n: usize, of: &dyn Fn(usize) -> String| (0..n).map(of).collect::<Vec<_>>().concat();
    let tensors = each(15_000, &|i| format!("\"t{i}\":{{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}},"));
    let entries = each(80_000, &|i| format!("\"{i}\":\"\","));
    for (what, header) in [
        ("many tensors", text.replacen('{', &format!("{{{tensors}"), 1)),
        ("many metadata", text.replacen("{\"__metadata__\":{", &format!("{{\"__metadata__\":{{{entries}"), 1)),
        ("a long shape", text.replacen("\"shape\":[", &format!("\"shape\":[{}", "0,".repeat(400_000)), 1)),
        ("a deep shape", text.replacen("\"shape\":[", &format!("\"shape\":[{}", "[".repeat(900_000)), 1)),
        ("a long name", text.replacen("\"dtype\"", &format!("\"{}\"", "\\u001b".repeat(150_000)), 1)),
    ] {
        assert_ne!(header, text);
        assert_eq!(read(what, &base.seal_with(&header)), Err("policy.corrupt"));
    }
    let mut nested = base.clone();
    nested.metadata("objectives", format!("{{\"exposure\":{}", "[0,".repeat(300_000)));
    assert_eq!(read("deep objectives", &nested.seal()), Err("policy.corrupt"));
    let mut wide = base.clone();
    wide.metadata("objectives", format!("{{{}\"a\":0.0}}", each(50_000, &|i| format!("\"{i}\":0.0,"))));
    assert_eq!(read("wide objectives", &wide.seal()), Err("policy.corrupt"));

    // Sizes that nothing backs.
    for claim in [1_u64 << 40, u64::MAX] {
        let mut claimed = base.clone();
        claimed.header["campaign_start"]["shape"] = json!([claim]);
        assert_eq!(read("a huge shape", &claimed.seal()), Err("policy.corrupt"));
        claimed.header["campaign_start"]["data_offsets"] = json!([0, claim]);
        assert_eq!(read("a huge tensor", &claimed.seal()), Err("policy.corrupt"));
    }
}
