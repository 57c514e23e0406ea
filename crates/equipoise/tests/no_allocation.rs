//! After warm-up a request allocates nothing, whatever its candidates, and one of a million candidates is no trouble.

mod arranged;
mod heap;
mod serving;

use equipoise::policy::Policy;
use equipoise::score::{Measures, Workspace};
use serving::{Random, ask, draft};
use std::time::Instant;

/// One test, so that nothing else allocates meanwhile.
#[test]
fn scoring_allocates_nothing() {
    with_every_option();
    let mut random = Random(21);
    let mut executed = 0;
    while executed < 5_000 {
        let draft = draft(&mut random);
        let policy = Policy::new(&draft).expect("a good draft");
        let asks: Vec<_> = (0..20).map(|_| ask(&mut random, &draft)).collect();
        let columns: Vec<_> = asks.iter().map(|a| (a.rows(&policy), a.flat())).collect();
        let requests: Vec<_> = asks
            .iter()
            .zip(&columns)
            .map(|(a, (rows, flat))| a.request(&policy, rows, Measures::Columns { values: flat, stride: rows.len() }))
            .collect();
        let mut workspace = Workspace::with_capacity(300);
        policy.score(&requests[0], &mut workspace).expect("a good request");
        let (picks, allocations) = heap::allocations(|| {
            requests.iter().map(|r| policy.score(r, &mut workspace).expect("a good request").picks().len()).sum::<usize>()
        });
        assert_eq!(allocations, 0, "{picks} picks of {} requests", requests.len());
        executed += requests.len();
    }
    println!("executed {executed} requests without allocating");

    // The worst of a million: all positive, all of one item, all tied.
    let draft = serving::draft(&mut Random(4));
    let policy =
        Policy::new(&equipoise::policy::Draft { weights: vec![1.0], measures: vec![], ledgers: vec![], ..draft }).expect("a good draft");
    let id = policy
        .campaigns()
        .find(|c| c.markets.is_none() && c.surfaces.is_none())
        .map(|c| c.id.to_owned())
        .expect("a campaign without limits");
    let n = 1_000_000;
    let (rows, items, organic) = (vec![policy.row(&id); n], vec![7_u32; n], vec![0.5_f32; n]);
    let mut request = equipoise::score::Request::new(&rows, Measures::Columns { values: &[], stride: 0 });
    request.slots = Some(255);
    request.item = Some(&items);
    request.organic = Some(&organic);
    let mut workspace = Workspace::with_capacity(n);
    let started = Instant::now();
    let decision = policy.score(&request, &mut workspace).expect("a good request");
    println!("a million candidates of one item: {} picked in {:?}", decision.picks().len(), started.elapsed());
    assert_eq!(decision.picks(), [0]);
    assert!(started.elapsed().as_secs() < 20, "took {:?}", started.elapsed());
}

/// Slate rules, list terms and exploration, in worlds of up to 40 candidates, blended.
fn with_every_option() {
    let mut random = arranged::Random(8);
    let mut executed = 0;
    let mut workspace = Workspace::with_capacity(40);
    while executed < 2_000 {
        let mut world = arranged::World::random(&mut random, 40);
        world.explores(&mut random);
        world.has_list_terms(&mut random);
        world.slate.relevance_floor = Some(-0.25);
        let policy = world.policy();
        let rows = vec![policy.row("c"); world.len()];
        let counts = vec![1; world.len()];
        let request = equipoise::score::Request { frequency: Some(&counts), ..world.request(&rows) };
        let mut score = || {
            let propensity = policy.score(&request, &mut workspace).expect("a good request").slate_propensity();
            let order = policy.blend(&request, &mut workspace).expect("just scored");
            (propensity, order.len())
        };
        let expected = score();
        let (found, allocations) = heap::allocations(&mut score);
        assert_eq!((found, allocations), (expected, 0), "{world:?}");
        executed += 1;
    }
    println!("executed {executed} requests with every option without allocating");
}
