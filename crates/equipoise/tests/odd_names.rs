//! Names of any characters (NUL, controls, both ends of every plane, a megabyte of them) come through a policy file, a problem and their look-ups
//! exactly as they are; names that are no UTF-8 are refused.

mod forge;
mod serving;
mod soak;

use equipoise::Problem;
use equipoise::model::{Campaign, Campaigns, Goal, GoalKind, Parties};
use equipoise::policy::{Draft, Policy, UNKNOWN};
use forge::Forged;
use serving::Random;
use std::collections::BTreeSet;

const NAMES: usize = 10_000;
/// Ids of a policy.
const IDS: usize = 20;

/// Any character; often one that is easily lost.
fn character(random: &mut Random) -> char {
    const HARD: [char; 14] = [
        '\0',
        '\n',
        '\u{1b}',
        '"',
        '\\',
        '\u{7f}',
        '\u{301}',
        '\u{202e}',
        '\u{feff}',
        '\u{fffd}',
        '\u{ffff}',
        '\u{d7ff}',
        '\u{e000}',
        '\u{10ffff}',
    ];
    if random.chance(50) { *random.pick(&HARD) } else { char::from_u32(random.below(0x11_0000) as u32).unwrap_or('å') }
}

fn name(random: &mut Random) -> String {
    (0..=random.below(6)).map(|_| character(random)).collect()
}

fn distinct(random: &mut Random, count: usize) -> Vec<String> {
    let mut found = BTreeSet::new();
    while found.len() < count {
        found.insert(name(random));
    }
    // Not in the order in which a file keeps them.
    let mut list: Vec<String> = found.into_iter().collect();
    list.rotate_left(random.below(count));
    list
}

fn draft(random: &mut Random, ids: &[String]) -> Draft {
    let (markets, surfaces) = (distinct(random, 3), distinct(random, 2));
    let campaign = |random: &mut Random, id: &String| Campaign {
        id: id.clone(),
        parties: Parties { artist: Some(name(random)), label: Some(name(random)), licensor: random.chance(50).then(|| name(random)) },
        markets: random.chance(30).then(|| vec![random.pick(&markets).clone()]),
        ..Campaign::default()
    };
    Draft {
        weights: vec![1.0],
        campaigns: Campaigns::new(ids.iter().map(|id| campaign(random, id)).collect()).expect("good campaigns"),
        markets,
        surfaces,
        ..Draft::default()
    }
}

#[test]
fn policies_keep_names_exactly() {
    let (mut random, mut executed, wanted) = (Random(5), 0, soak::times(NAMES));
    while executed < wanted {
        let ids = distinct(&mut random, IDS);
        let draft = draft(&mut random, &ids);
        let policy = Policy::from_bytes(Policy::new(&draft).expect("a good draft").to_bytes()).expect("a good file");
        for given in &draft.campaigns {
            let kept = policy.campaigns().find(|c| c.id == given.id).expect("it is there");
            let parties = (&given.parties.artist, &given.parties.label, &given.parties.licensor);
            assert_eq!((kept.artist, kept.label, kept.licensor), (parties.0.as_deref(), parties.1.as_deref(), parties.2.as_deref()));
            assert_eq!(kept.markets, given.markets.as_ref().map(|m| m.iter().map(String::as_str).collect()));
            assert_ne!(policy.row(&given.id), UNKNOWN);
            executed += 1;
        }
        let rows: BTreeSet<u32> = ids.iter().map(|id| policy.row(id)).collect();
        assert_eq!(rows.len(), IDS, "each id has a row of its own");
        for (i, (market, surface)) in draft.markets.iter().zip(draft.surfaces.iter().cycle()).enumerate() {
            assert_eq!((policy.market(market), policy.surface(surface)), (i as u32, i as u32 % 2));
        }
        // Nothing is folded, cut or normalised: what differs by one character is another.
        for id in &ids {
            let other: String = id.chars().chain([character(&mut random)]).collect();
            assert_eq!(policy.row(&other) != UNKNOWN, ids.contains(&other), "{other:?}");
        }
    }
    println!("executed {executed} ids");
}

#[test]
fn problems_keep_names_exactly() {
    let (mut random, wanted) = (Random(6), soak::times(NAMES));
    for _ in 0..wanted {
        let (measure, key) = (name(&mut random), name(&mut random));
        let goal = Goal {
            name: Some(name(&mut random)),
            of: Some([("label".to_owned(), key)].into_iter().collect()),
            at_most: Some(1.0),
            ..Goal::new(GoalKind::Cap, measure.clone())
        };
        let problem = Problem { objectives: [(measure, 1.0)].into_iter().collect(), goals: vec![goal], ..Problem::default() };
        assert_eq!(Problem::from_json(&problem.to_json()).expect("it was written by us"), problem);
        assert_eq!(Problem::from_toml(&problem.to_toml()).expect("it was written by us"), problem);
    }
    println!("executed {wanted} problems");
}

#[test]
fn a_megabyte_is_a_name_and_more_is_none() {
    let mut random = Random(7);
    let whole: String = std::iter::repeat_with(|| character(&mut random)).take(1 << 18).collect();
    let cut = whole.floor_char_boundary(1 << 20);
    let long = format!("{}{}", &whole[..cut], "x".repeat((1 << 20) - cut));
    let ids = [long.clone(), "short".to_owned()];
    let policy = Policy::new(&draft(&mut random, &ids)).expect("a good draft");
    let again = Policy::from_bytes(policy.to_bytes()).expect("a good file");
    assert!(again.campaigns().any(|c| c.id == long) && again.row(&long) == policy.row(&long));
    assert_eq!(again.row(&format!("{long}x")), UNKNOWN);
    let error = Campaigns::new(vec![Campaign { id: format!("{long}x"), ..Campaign::default() }]).expect_err("a byte too many");
    assert_eq!(error.code(), "invalid_input.too_large");
}

#[test]
fn names_that_are_no_utf8_are_refused() {
    let (mut random, mut executed, wanted) = (Random(8), 0, soak::times(NAMES));
    // A lone surrogate, a byte that only follows, the start of nothing, an overlong slash, beyond the last plane.
    let bad: [[u8; 3]; 5] = [*b"\xed\xa0\x80", *b"\x80\x80\x80", *b"zz\xf0", *b"\xc0\xafz", *b"\xf4\x90\x80"];
    let ids: Vec<String> = (0..IDS).map(|i| format!("abc{i:03}")).collect();
    let forged = Forged::of(Policy::new(&draft(&mut random, &ids)).expect("a good draft").to_bytes());
    let at = forged.data.windows(6).position(|six| six == b"abc000").expect("the ids stand together");
    while executed < wanted {
        let mut broken = forged.clone();
        let from = at + 6 * random.below(IDS);
        broken.data[from..from + 3].copy_from_slice(&bad[random.below(bad.len())]);
        let error = Policy::from_bytes(&broken.seal()).expect_err("no text");
        assert_eq!(error.code(), "policy.corrupt", "{error}");
        executed += 1;
    }
    println!("executed {executed} names that are no text");
}
