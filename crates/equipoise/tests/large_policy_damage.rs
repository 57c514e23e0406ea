//! A policy file of over a mebibyte is folded while its digest is taken: what it holds is looked at before anybody knows whether it is damaged. It
//! is refused as a small one is, for the damage and for nothing else, and where the digest holds all the same, nothing in it is trusted.

mod forge;
mod serving;
mod soak;

use equipoise::model::{Campaign, Campaigns, GoalKind, Ledger, Parties, Scope};
use equipoise::policy::{Draft, Policy};
use equipoise::score::{Measures, Request, Workspace};
use forge::Forged;
use serving::Random;

const FILES: usize = 500;
const CAMPAIGNS: usize = 15_000;

/// Campaigns in sets of markets and surfaces with flights, parties and caps; ledgers of every scope.
fn large() -> Policy {
    let names = |prefix: &str, n: usize| (0..n).map(|i| format!("{prefix}{i}")).collect::<Vec<_>>();
    let (markets, surfaces) = (names("m", 40), names("s", 6));
    let campaign = |i: usize| Campaign {
        id: format!("campaign-{i:05}"),
        parties: Parties {
            artist: Some(format!("artist-{}", i % 4_000)),
            label: (!i.is_multiple_of(3)).then(|| format!("label-{}", i % 50)),
            licensor: Some(format!("licensor-{}", i % 5)),
        },
        markets: i.is_multiple_of(2).then(|| vec![markets[i % 40].clone(), markets[i * 7 % 40].clone()]),
        surfaces: i.is_multiple_of(5).then(|| vec![surfaces[i % 6].clone()]),
        start: i.is_multiple_of(4).then_some(i as i64),
        end: i.is_multiple_of(3).then_some(i as i64 + 1_000_000),
        frequency_cap: i.is_multiple_of(7).then_some(3),
        ..Campaign::default()
    };
    let ledger = |scope, kind, measure, key: usize| Ledger { goal: 0, kind, measure, scope, key: key as u32, inside: 1.0, outside: 0.0 };
    let share = |key: usize| Ledger { inside: 0.75, outside: -0.25, ..ledger(Scope::Label, GoalKind::Share, 2, key) };
    let ledgers = (0..CAMPAIGNS)
        .map(|i| ledger(Scope::Campaign, GoalKind::Cap, (i % 3) as u32, i))
        .chain((0..4_000).map(|i| ledger(Scope::Artist, GoalKind::Floor, 1, i)))
        .chain((0..3).map(share))
        .chain((0..40).map(|i| ledger(Scope::Market, GoalKind::Guardrail, 0, i)))
        .chain((0..6).map(|i| ledger(Scope::Surface, GoalKind::Guardrail, 2, i)));
    let priced = |(i, ledger): (usize, Ledger)| {
        let price = (i % 17) as f64 / 32.0;
        let price = if ledger.kind == GoalKind::Floor { -price } else { price };
        (ledger, price)
    };
    Policy::new(&Draft {
        measures: vec!["stream".into(), "save".into()],
        weights: vec![0.0, 1.0, 0.5],
        campaigns: Campaigns::new((0..CAMPAIGNS).map(campaign).collect()).expect("good campaigns"),
        markets,
        surfaces,
        goals: vec!["goal".into()],
        ledgers: ledgers.enumerate().map(priced).collect(),
        tie_breadth: 1e-6,
        ..Draft::default()
    })
    .expect("a good draft")
}

/// Changes up to three bytes, each of a tensor by chance: small ones are hit as often as large ones.
fn damage(random: &mut Random, forged: &mut Forged) {
    let tensors: Vec<String> =
        forged.header.keys().filter(|name| !["__metadata__", "digest", "signature"].contains(&name.as_str())).cloned().collect();
    for _ in 0..=random.below(3) {
        let name = random.pick(&tensors);
        let length = forged.bytes_of(name).len();
        if length > 0 {
            // The ends of a tensor are where most can go wrong.
            let at = [0, length - 1, random.below(length)][random.below(3)];
            let byte = [0, 1, 0x7f, 0x80, 0xff, random.next() as u8][random.below(6)];
            forged.patch(name, at, &[byte]);
        }
    }
}

fn scores(policy: &Policy) {
    let rows: Vec<u32> = policy.campaigns().step_by(997).map(|campaign| policy.row(campaign.id)).collect();
    let (values, organic) = (vec![0.5; 2 * rows.len()], vec![0.25; rows.len()]);
    let request = Request::new(&rows, Measures::Columns { values: &values, stride: rows.len() });
    let request = Request { organic: Some(&organic), time: Some(500_000), ..request };
    let mut workspace = Workspace::default();
    let decision = policy.score(&request, &mut workspace).expect("a good request");
    assert!(decision.scores().iter().all(|score| score.is_finite()));
}

#[test]
fn damage_is_told_as_damage_and_never_trusted() {
    let policy = large();
    let forged = Forged::of(policy.to_bytes());
    assert!(policy.to_bytes().len() > 1 << 20, "{} bytes are read on one thread", policy.to_bytes().len());
    scores(&policy);
    let (mut random, files, mut taken) = (Random(9), soak::times(FILES), 0);
    let digest = |bytes: &[u8]| bytes[bytes.len() - 96..bytes.len() - 64].to_vec();
    let good = digest(policy.to_bytes());
    for _ in 0..files {
        let mut broken = forged.clone();
        damage(&mut random, &mut broken);
        let mut bytes = broken
            .seal_with(std::str::from_utf8(&policy.to_bytes()[8..policy.to_bytes().len() - 96 - forged.data.len()]).expect("a header"));
        match Policy::from_bytes(&bytes) {
            Ok(policy) => {
                taken += 1;
                scores(&policy);
            }
            Err(error) => assert!(["policy.corrupt", "policy.limit"].contains(&error.code()), "{error}"),
        }
        // The same under the digest that the file had before it was damaged.
        if bytes != policy.to_bytes() {
            let at = bytes.len() - 96;
            bytes[at..at + 32].copy_from_slice(&good);
            let error = Policy::from_bytes(&bytes).expect_err("damaged");
            assert_eq!((error.code(), error.index()), ("policy.corrupt", Some(at as u64)), "{error}");
            assert!(error.to_string().contains("digest"), "{error}");
        }
    }
    println!("executed {files} damaged files, {taken} of them were still policies");
    assert!(taken > files / 20 && taken < files / 4 * 3, "{taken}");
}

#[test]
fn what_is_cut_off_is_missed() {
    let bytes = large().to_bytes().to_vec();
    let (mut random, files) = (Random(10), soak::times(FILES));
    for _ in 0..files {
        let end = random.below(bytes.len());
        let error = Policy::from_bytes(&bytes[..end]).expect_err("cut off");
        assert_eq!(error.code(), "policy.corrupt", "the first {end} bytes");
    }
    println!("executed {files} truncations");
}
