//! Diversity and calibrated mix against a plain model, and the value that they cost.

mod arranged;

use arranged::{Random, World};
use equipoise::score::{Measures, Request, Similarity, Workspace};

#[test]
fn picks_are_those_of_the_plain_model() {
    let mut random = Random(21);
    let mut workspace = Workspace::default();
    let (mut executed, mut moved) = (0, 0);
    while executed < 3_000 {
        let mut world = World::random(&mut random, 8);
        world.has_list_terms(&mut random);
        if world.is_close() {
            continue;
        }
        let policy = world.policy();
        let rows = vec![policy.row("c"); world.len()];
        let request = world.request(&rows);
        let decision = policy.score(&request, &mut workspace).expect("a good request");
        let (picks, positions) = world.greedy();
        assert_eq!((decision.picks(), decision.positions()), (picks.as_slice(), positions.as_slice()), "{world:?}");
        let plain = world.plain().greedy().0;
        assert_eq!(decision.given_up(), world.value(&plain) - world.value(&picks));
        assert_eq!(decision.scores(), world.scores, "list terms never score");
        moved += usize::from(plain != picks);
        executed += 1;
    }
    println!("executed {executed} slates, {moved} of them other than the plain ones");
    assert!(moved > 200);
}

#[test]
fn given_pairs_stand_for_cosines() {
    let mut world = World::random(&mut Random(22), 1);
    world.scores = vec![1.0, 0.9, 0.8];
    world.slate = equipoise::model::Slate { slots: 2, diversity: Some(1.0), visible: Some(10), ..equipoise::model::Slate::default() };
    let policy = world.policy();
    let rows = vec![policy.row("c"); 3];
    let alike = [1.0, 0.5, 0.0, 0.5, 1.0, 0.0, 0.0, 0.0, 1.0];
    let request = Request {
        similarity: Some(Similarity::Pairs { values: &alike }),
        ..Request::new(&rows, Measures::Columns { values: &world.scores, stride: 3 })
    };
    let mut workspace = Workspace::default();
    let decision = policy.score(&request, &mut workspace).expect("a good request");
    assert_eq!(decision.picks(), [0, 2], "the second is like the first");
    assert_eq!(decision.given_up(), f64::from(1.0_f32) + f64::from(0.9_f32) - (f64::from(1.0_f32) + f64::from(0.8_f32)));
    let without = Request { similarity: None, ..request };
    let decision = policy.score(&without, &mut workspace).expect("a good request");
    assert_eq!((decision.picks(), decision.given_up()), ([0, 1].as_slice(), 0.0));
}

#[test]
fn faults_name_argument_and_index() {
    let world = World::random(&mut Random(23), 1);
    let policy = world.policy();
    let rows = vec![policy.row("c"); 2];
    let fault = |similarity, mix, uncertainty: Option<&[f32]>| {
        let request = Request { similarity, mix, uncertainty, ..Request::new(&rows, Measures::Columns { values: &[1.0, 1.0], stride: 2 }) };
        let error = policy.score(&request, &mut Workspace::default()).expect_err("a fault");
        (error.code(), error.argument().to_owned(), error.index())
    };
    let embeddings = |values, width| Some(Similarity::Embeddings { values, width });
    let mix = |category, target| Some(equipoise::score::Mix { category, target });
    assert_eq!(fault(embeddings(&[1.0; 3], 2), None, None), ("invalid_input.shape", "similarity".into(), None));
    assert_eq!(fault(embeddings(&[], 0), None, None), ("invalid_input.range", "similarity".into(), None));
    assert_eq!(fault(embeddings(&[1.0, f32::NAN], 1), None, None), ("invalid_input.not_finite", "similarity".into(), Some(1)));
    let pairs = Some(Similarity::Pairs { values: &[1.0, 0.0, 1.5, 1.0] });
    assert_eq!(fault(pairs, None, None), ("invalid_input.range", "similarity".into(), Some(2)));
    assert_eq!(fault(None, mix(&[0], &[1.0]), None), ("invalid_input.shape", "category".into(), None));
    assert_eq!(fault(None, mix(&[0, 1], &[1.0]), None), ("invalid_input.range", "category".into(), Some(1)));
    assert_eq!(fault(None, mix(&[0, 0], &[-1.0]), None), ("invalid_input.range", "target".into(), Some(0)));
    assert_eq!(fault(None, mix(&[0, 0], &[0.0]), None), ("invalid_input.empty", "target".into(), None));
    assert_eq!(fault(None, None, Some(&[0.5, -0.5])), ("invalid_input.range", "uncertainty".into(), Some(1)));
    assert_eq!(fault(None, None, Some(&[f32::INFINITY, 0.5])), ("invalid_input.not_finite", "uncertainty".into(), Some(0)));
}
