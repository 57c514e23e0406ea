//! The shared vectors of rules, list terms and exploration: `testdata/vectors/rules.json`. Python and Java read the same file.
//!
//! `EQUIPOISE_WRITE_VECTORS=1 cargo test -p equipoise --test rule_vectors` writes it and its policies anew. What can be told by a plain model is told by
//! one: `serving` for eligibility and scores, `arranged` for places, list terms and the probability of a slate; a vector on which the library
//! and the model differ is never written.

mod arranged;
mod serving;
mod stated;

use arranged::World;
use equipoise::policy::{NONE, Policy};
use serde_json::{Value, json};
use serving::{Ask, Random, Who};
use stated::{Stated, check_fields, document, f64_bits, folder, list, policy, request_of, whole_outcome};
use std::collections::BTreeMap;

/// Policies of limits, of dropped candidates and of arrangements, and requests of each.
const LIMITED: usize = 8;
const DROPPING: usize = 3;
const ARRANGED: usize = 24;
const REQUESTS: usize = 3;

type Files = BTreeMap<String, Vec<u8>>;

/// The outcome of a request of the vectors, read back from what is written.
fn found(policy: &Policy, request: &Value) -> Value {
    let read = Stated::read(request, policy);
    let columns: Vec<&[f32]> = read.measures.iter().map(Vec::as_slice).collect();
    whole_outcome(policy, &read.request(request, policy, &columns)).expect("a good request")
}

/// Frequency counts, relevance floors and limits of promoted places: scores, picks, places and reasons by the plain reference.
fn limited(random: &mut Random, files: &mut Files, cases: &mut Vec<Value>) {
    let mut policies = 0;
    while policies < LIMITED {
        let draft = serving::draft(random);
        let draft = serving::with_limits(random, draft);
        let mut chosen: Vec<(Ask, serving::Outcome)> = Vec::new();
        for _ in 0..60 {
            let ask = serving::ask(random, &draft);
            let ask = serving::limited(random, &draft, ask);
            // Every face gives a time, and no column of artists.
            let ask = Ask { time: Some(ask.time.unwrap_or(40)), artist: None, ..ask };
            let plain = serving::reference_outcome(&draft, &ask);
            let limits = ["frequency", "relevance"].iter().filter(|r| plain.reasons.contains(r)).count();
            if ask.who.len() < 20 && limits > 0 && !plain.picks.is_empty() && chosen.len() < REQUESTS {
                chosen.push((ask, plain));
            }
        }
        if chosen.len() < REQUESTS {
            continue;
        }
        let policy = Policy::new(&draft).expect("a good draft");
        let file = format!("policies/limits-{policies:02}.safetensors");
        for (i, (ask, plain)) in chosen.into_iter().enumerate() {
            let mut request = request_of(&ask);
            request["frequency"] = json!(ask.frequency);
            let mut expected = found(&policy, &request);
            expected["scores"] = json!(plain.scores);
            expected["picks"] = json!(plain.picks);
            expected["positions"] = json!(plain.positions);
            expected["reasons"] = json!(plain.reasons);
            expected["given_up"] = f64_bits(0.0).into();
            cases.push(json!({"name": format!("limits {policies}.{i}"), "policy": file, "request": request, "expected": expected}));
        }
        files.insert(file, policy.to_bytes().to_vec());
        policies += 1;
    }
}

/// Numbers that cannot be used, dropped: by the plain reference of the request in which those candidates are organic and ranked last.
fn dropping(random: &mut Random, files: &mut Files, cases: &mut Vec<Value>) {
    let bad = [f32::NAN, f32::INFINITY, -1.0, 3e12];
    let mut policies = 0;
    while policies < DROPPING {
        let draft = serving::draft(random);
        let policy = Policy::new(&draft).expect("a good draft");
        let mut chosen = Vec::new();
        for _ in 0..60 {
            let ask = serving::ask(random, &draft);
            let ask = Ask { time: Some(ask.time.unwrap_or(40)), artist: None, ..ask };
            let n = ask.who.len();
            if !(4..=16).contains(&n) || ask.measures.is_empty() || ask.organic.is_none() {
                continue;
            }
            let (mut told, mut plain) = (ask.clone(), ask);
            let gone = [random.below(n), random.below(n)];
            told.measures[random.below(plain.measures.len())][gone[0]] = *random.pick(&bad);
            if let Some(organic) = &mut told.organic {
                organic[gone[1]] = *random.pick(&[f32::NAN, f32::NEG_INFINITY, 3e12]);
            }
            for i in gone {
                plain.who[i] = Who::Organic;
            }
            plain.organic.iter_mut().for_each(|organic| organic[gone[1]] = -1e12);
            let mut outcome = serving::reference_outcome(&draft, &plain);
            for i in gone {
                outcome.reasons[i] = "invalid";
            }
            if !outcome.picks.is_empty() && chosen.len() < REQUESTS {
                chosen.push((told, outcome));
            }
        }
        if chosen.len() < REQUESTS {
            continue;
        }
        let file = format!("policies/dropping-{policies:02}.safetensors");
        for (i, (ask, plain)) in chosen.into_iter().enumerate() {
            let mut request = request_of(&ask);
            request["drop_invalid"] = true.into();
            let mut expected = found(&policy, &request);
            expected["scores"] = json!(plain.scores);
            expected["picks"] = json!(plain.picks);
            expected["positions"] = json!(plain.positions);
            expected["reasons"] = json!(plain.reasons);
            cases.push(json!({"name": format!("dropping {policies}.{i}"), "policy": file, "request": request, "expected": expected}));
        }
        files.insert(file, policy.to_bytes().to_vec());
        policies += 1;
    }
}

/// The request of a world in the form of the vectors; likeness as embeddings, or pair by pair.
fn request_in(world: &World, pairs: bool, explore: bool) -> Value {
    let of_bits = |column: &[f32]| column.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
    let mut request = json!({
        "market": null, "surface": null, "time": 40, "slots": null, "key": world.key.to_string(), "reference": null,
        "organic": of_bits(&world.organic), "campaign": vec!["c"; world.len()], "measures": [of_bits(&world.scores)], "item": world.item,
        "uncertainty": of_bits(&world.uncertainty), "category": world.category, "target": of_bits(&world.target), "explore": explore,
    });
    if pairs {
        request["pairs"] = json!(of_bits(&pairs_of(world)));
    } else {
        (request["embeddings"], request["width"]) = (json!(of_bits(&world.embeddings)), world.width.into());
    }
    request
}

/// How alike candidates are, as 32 bits hold it.
fn pairs_of(world: &World) -> Vec<f32> {
    (0..world.len()).flat_map(|i| (0..world.len()).map(move |j| world.cosine(i, j) as f32)).collect()
}

/// How probable the slate is: the mixture of the uniform way to draw and the one by score.
fn probability(world: &World, picks: &[u32], positions: &[u32]) -> f64 {
    let epsilon = world.slate.exploration.as_ref().map_or(0.0, |e| e.epsilon);
    let uniform = |_: &[usize], who: &[usize]| vec![1.0 / who.len() as f64; who.len()];
    let by_score = |picks: &[usize], who: &[usize]| world.by_score(picks, who);
    let is_this = |(all, at, _): &(Vec<usize>, Vec<u32>, f64)| at == positions && all.iter().map(|i| *i as u32).eq(picks.iter().copied());
    [(epsilon, world.slates(&uniform)), (1.0 - epsilon, world.slates(&by_score))]
        .into_iter()
        .map(|(part, slates)| part * slates.into_iter().filter(is_this).map(|(.., p)| p).sum::<f64>())
        .sum()
}

/// The blended order, place by place: a pick where it should stand, else the next of the others; picks that nobody is left to stand above come
/// last by rank.
fn blended(world: &World, picks: &[u32], positions: &[u32]) -> Vec<u32> {
    let same = |a: u32, b: u32| a == b || world.item[a as usize] == world.item[b as usize] && world.item[a as usize] != NONE;
    let by_rank = |rows: &mut Vec<u32>| rows.sort_by_key(|i| world.rank(*i as usize));
    let mut others: Vec<u32> =
        (0..world.len() as u32).filter(|i| !picks.iter().any(|p| same(*p, *i)) && !(0..*i).any(|j| same(j, *i))).collect();
    by_rank(&mut others);
    let (mut others, mut order, mut standing) = (others.into_iter(), Vec::new(), 0);
    loop {
        if positions.get(standing) == Some(&(order.len() as u32 + 1)) {
            order.push(picks[standing]);
            standing += 1;
        } else if let Some(other) = others.next() {
            order.push(other);
        } else {
            break;
        }
    }
    let mut rest = picks[standing..].to_vec();
    by_rank(&mut rest);
    order.into_iter().chain(rest).collect()
}

/// Fixed places, a limited rise, likeness, mix, uncertainty and draws: picks, places, order and what was given up by the plain model.
fn arranged(random: &mut arranged::Random, files: &mut Files, cases: &mut Vec<Value>) {
    let mut policies = 0;
    while policies < ARRANGED {
        let mut base = World::random(random, 6);
        base.slate.max_per_artist = None;
        // A third draws, a third has list terms, a third both.
        if policies % 3 != 1 {
            base.explores(random);
        }
        if policies % 3 != 0 {
            base.has_list_terms(random);
        }
        let mut chosen = Vec::new();
        for turn in 0..60 {
            let mut world = World { slate: base.slate.clone(), ..World::random(random, 6) };
            world.key = equipoise::model::mix(random.0);
            if !world.is_close() && world.plain().greedy().0.len() > 1 && chosen.len() < REQUESTS {
                chosen.push((world, turn));
            }
        }
        if chosen.len() < REQUESTS {
            continue;
        }
        let policy = base.policy();
        let file = format!("policies/rules-{policies:02}.safetensors");
        for (i, (world, turn)) in chosen.into_iter().enumerate() {
            // Pairs in 32 bits are not quite the cosines that the model takes: only where nothing hangs on the last bits.
            let pairs = turn % 2 == 1 && world.slate.exploration.is_none();
            let explore = i != 1;
            let told = if explore { world.clone() } else { World { slate: without_exploration(&world), ..world.clone() } };
            let request = request_in(&world, pairs, explore);
            let mut expected = found(&policy, &request);
            let random = told.slate.exploration.as_ref().is_some_and(equipoise::model::Exploration::is_random);
            let numbers = |key: &str| list(&expected, key).iter().map(|v| v.as_u64().expect("a number") as u32).collect::<Vec<_>>();
            let (picks, positions) = if random { (numbers("picks"), numbers("positions")) } else { told.greedy() };
            let probability = probability(&told, &picks, &positions);
            let propensity = expected["propensity"].as_str().map(|digits| f64::from_bits(u64::from_str_radix(digits, 16).expect("digits")));
            assert!(
                propensity.is_some_and(|p| (p - probability).abs() <= 1e-9 * probability),
                "{propensity:?} for {probability}: {told:?}"
            );
            assert_eq!(list(&expected, "propensities").len(), if random { picks.len() } else { 0 });
            expected["scores"] = told.scores.iter().map(|s| s.to_bits()).collect();
            expected["given_up"] = f64_bits(told.value(&told.plain().greedy().0) - told.value(&picks)).into();
            expected["blend"] = json!(blended(&told, &picks, &positions));
            (expected["picks"], expected["positions"]) = (json!(picks), json!(positions));
            cases.push(json!({"name": format!("rules {policies}.{i}"), "policy": file, "request": request, "expected": expected}));
        }
        files.insert(file, policy.to_bytes().to_vec());
        policies += 1;
    }
}

fn without_exploration(world: &World) -> equipoise::model::Slate {
    equipoise::model::Slate { exploration: None, ..world.slate.clone() }
}

fn files() -> Files {
    let (mut files, mut cases) = (Files::new(), Vec::new());
    limited(&mut Random(2027), &mut files, &mut cases);
    arranged(&mut arranged::Random(2028), &mut files, &mut cases);
    dropping(&mut Random(2029), &mut files, &mut cases);
    let lines: Vec<String> = cases.iter().map(Value::to_string).collect();
    files.insert("rules.json".to_owned(), format!("{{\"cases\": [\n{}\n]}}\n", lines.join(",\n")).into_bytes());
    files
}

#[test]
fn stored_files_are_current() {
    let write = std::env::var_os("EQUIPOISE_WRITE_VECTORS").is_some();
    for (name, bytes) in files() {
        let path = folder().join(&name);
        if write {
            std::fs::write(&path, &bytes).expect("written");
        }
        let stored = std::fs::read(&path).expect("the vectors are there");
        assert!(stored == bytes, "{name} is not what this version writes");
    }
}

#[test]
fn outcomes_equal_by_bits() {
    let document = document("rules.json");
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut see = |what: &str, seen_here: bool| *seen.entry(what.to_owned()).or_insert(0) += usize::from(seen_here);
    for case in list(&document, "cases") {
        check_fields(case, &["name", "policy", "request", "expected"]);
        let policy = policy(&case["policy"]);
        let (request, expected) = (&case["request"], &case["expected"]);
        assert_eq!(found(&policy, request), *expected, "case {}", case["name"]);
        let slate = policy.slate();
        let certain = expected["propensity"] == f64_bits(1.0);
        see("counts", !request["frequency"].is_null());
        see("relevance floor", slate.relevance_floor.is_some() || slate.relevance_floor_share.is_some());
        see("fixed places", !slate.fixed_places.is_empty());
        see("limited rise", slate.max_positions_up.is_some());
        see("embeddings", slate.diversity.is_some() && !request["embeddings"].is_null());
        see("pairs", slate.diversity.is_some() && !request["pairs"].is_null());
        see("mix", slate.calibration.is_some() && !request["category"].is_null());
        see("uncertainty", request["explore"] == true && slate.exploration.as_ref().is_some_and(|e| e.bonus > 0.0));
        see("drawn", !certain);
        see("opted out", request["explore"] == false && slate.exploration.as_ref().is_some_and(equipoise::model::Exploration::is_random));
        see("given up", expected["given_up"] != f64_bits(0.0));
        let organic: Vec<Value> = (0..list(request, "campaign").len()).map(Value::from).collect();
        see("blended", list(expected, "blend") != organic);
        for cause in list(expected, "causes").iter().filter_map(|cause| cause["name"].as_str()) {
            see(cause, true);
        }
    }
    println!("executed {seen:?}");
    for (what, count) in &seen {
        assert!(*count >= 1, "{what} occurs: {seen:?}");
    }
    for cause in ["price", "outscored", "frequency", "relevance", "no_place", "invalid"] {
        assert!(seen.contains_key(cause), "{cause} occurs: {seen:?}");
    }
}
