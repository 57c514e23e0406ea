//! Results are written straight to memory that the caller lends: the same as in a workspace's own, and never past its end.

mod arranged;
mod serving;

use equipoise::error::codes;
use equipoise::policy::{Policy, UNKNOWN};
use equipoise::score::{Decision, Measures, Request, Workspace};

/// Memory that is never taken back.
fn lent<T: Copy + Default>(n: usize) -> &'static mut [T] {
    vec![T::default(); n].leak()
}

/// A workspace that writes to lent memory for `n` candidates, and where its scores, picks and positions are to be.
fn lender(n: usize) -> (Workspace, [usize; 3]) {
    let (scores, picks, positions) = (lent::<f32>(n), lent::<u32>(n), lent::<u32>(n));
    let at = [scores.as_ptr().addr(), picks.as_ptr().addr(), positions.as_ptr().addr()];
    let mut workspace = Workspace::with_capacity(n);
    workspace.write_to(scores, picks, positions);
    (workspace, at)
}

fn addresses(decision: &Decision<'_>) -> [usize; 3] {
    [decision.scores().as_ptr().addr(), decision.picks().as_ptr().addr(), decision.positions().as_ptr().addr()]
}

fn assert_same(policy: &Policy, request: &Request<'_>, own: &mut Workspace, (lender, at): (&mut Workspace, [usize; 3])) {
    let wanted = policy.score(request, own).expect("a good request");
    let found = policy.score(request, lender).expect("a good request");
    assert_eq!(addresses(&found), at);
    let bits = |scores: &[f32]| scores.iter().map(|s| s.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(found.scores()), bits(wanted.scores()));
    assert_eq!((found.picks(), found.positions(), found.reasons()), (wanted.picks(), wanted.positions(), wanted.reasons()));
    assert_eq!((found.propensities(), found.given_up()), (wanted.propensities(), wanted.given_up()));
    let explained = |decision: &Decision<'_>| decision.explain(0).map(|e| e.total.to_bits()).ok();
    assert_eq!(explained(&found), explained(&wanted));
}

#[test]
fn results_are_the_same_and_where_the_caller_wants_them() {
    let mut random = serving::Random(31);
    let (mut own, (mut lender, at)) = (Workspace::with_capacity(0), lender(400));
    let mut executed = 0;
    while executed < 2_000 {
        let draft = serving::draft(&mut random);
        let policy = Policy::new(&draft).expect("a good draft");
        for _ in 0..20 {
            let ask = serving::ask(&mut random, &draft);
            let (rows, flat) = (ask.rows(&policy), ask.flat());
            let request = ask.request(&policy, &rows, Measures::Columns { values: &flat, stride: rows.len() });
            assert_same(&policy, &request, &mut own, (&mut lender, at));
            executed += 1;
        }
    }
    println!("executed {executed} requests");
}

#[test]
fn slates_with_list_terms_and_exploration_too() {
    let mut random = arranged::Random(32);
    let (mut own, (mut lender, at)) = (Workspace::with_capacity(0), lender(40));
    for _ in 0..500 {
        let mut world = arranged::World::random(&mut random, 40);
        world.explores(&mut random);
        world.has_list_terms(&mut random);
        let policy = world.policy();
        let rows = vec![policy.row("c"); world.len()];
        assert_same(&policy, &world.request(&rows), &mut own, (&mut lender, at));
    }
}

#[test]
fn what_does_not_fit_is_refused_and_nothing_is_written_past_the_end() {
    let policy = Policy::empty();
    let (mut workspace, at) = lender(3);
    let rows = [UNKNOWN; 4];
    let request = |n: usize| Request::new(&rows[..n], Measures::Columns { values: &[], stride: 4 });
    let error = policy.score(&request(4), &mut workspace).map(|_| ()).expect_err("there is room for three");
    assert_eq!(error.code(), codes::MEMORY);
    assert!(workspace.scores().is_empty());
    let fitting = request(3);
    let decision = policy.score(&fitting, &mut workspace).expect("it fits");
    assert_eq!((decision.scores(), addresses(&decision)), ([0.0; 3].as_slice(), at));
}

#[test]
fn other_memory_has_no_results_yet() {
    let policy = Policy::empty();
    let (mut workspace, _) = lender(3);
    let request = Request::new(&[UNKNOWN; 3], Measures::Columns { values: &[], stride: 3 });
    policy.score(&request, &mut workspace).expect("it fits");
    workspace.write_to(lent(3), lent(3), lent(3));
    assert!(workspace.scores().is_empty() && workspace.picks().is_empty() && workspace.reasons().is_empty());
}
