//! What is added to scoring by a policy: a scorer with its switches and counters, and slates drawn at random with their propensities.

use crate::instance::{Columns, Reference, draft};
use crate::timing::{print, race};
use crate::{in_turn, name, turns as turns_of};
use equipoise::model::Exploration;
use equipoise::policy::Policy;
use equipoise::score::{Request, Scorer, Workspace};
use std::hint::black_box;

/// A tenth of what the best scores are worth.
pub(crate) fn exploration() -> Exploration {
    Exploration { temperature: Some(0.1), ..Exploration::default() }
}

pub(crate) fn rows() -> equipoise::Result<()> {
    let mut draft = draft(10_000)?;
    let plain = Policy::new(&draft)?;
    draft.slate.exploration = Some(exploration());
    let exploring = Policy::new(&draft)?;
    let scorer = Scorer::new(&plain);
    for n in [50, 500, 2_000] {
        let count = turns_of("10k", n);
        let of = |policy: &Policy| Columns::in_turn(0, count, n, 10_000, policy, Reference::Given);
        let (turns, drawn) = (of(&plain), of(&exploring));
        let [mut first, mut second, mut third] = [(); 3].map(|()| Workspace::with_capacity(n));
        let mut uncertain = 0;
        for (t, (columns, drawn)) in turns.iter().zip(&drawn).enumerate() {
            let request = columns.request(false);
            let picks = plain.score(&request, &mut first)?.picks().len();
            assert_eq!(scorer.score(&plain, &request, &mut second)?.picks().len(), picks, "a scorer picks the same");
            let random = Request { key: t as u64, ..drawn.request(false) };
            let random = exploring.score(&random, &mut third)?;
            assert_eq!(random.propensities().len(), picks, "a random slate is as long");
            uncertain += usize::from(random.slate_propensity() < 1.0);
        }
        assert!(uncertain > 0, "slates are drawn");
        let mut by_policy = in_turn(count, |t| {
            black_box(plain.score(black_box(&turns[t].request(false)), &mut first).map_or(0, |d| d.picks().len()));
        });
        let mut by_scorer = in_turn(count, |t| {
            black_box(scorer.score(&plain, black_box(&turns[t].request(false)), &mut second).map_or(0, |d| d.picks().len()));
        });
        let mut key = 0;
        let mut at_random = in_turn(count, |t| {
            key += 1;
            let request = Request { key, ..drawn[t].request(false) };
            black_box(exploring.score(black_box(&request), &mut third).map_or(0.0, |d| d.slate_propensity()));
        });
        let race = race(&mut [&mut by_policy, &mut by_scorer, &mut at_random]);
        let case = format!("n={n} campaigns=10k path={} reference=given", name(equipoise_kernel::path()));
        print(&format!("{case} scorer"), "rust", &race, [1, 0], "ns");
        print(&format!("{case} propensities"), "rust", &race, [2, 0], "ns");
    }
    Ok(())
}
