//! A log that is long enough to be shared out to threads comes to the same as its opportunities one by one, each at its place.

use equipoise::evaluate::replay;
use equipoise::model::{Campaign, Campaigns, CandidateRow, Id, Opportunities, OpportunityRow, Slate, mix};
use equipoise::plan::Unknown;
use equipoise::policy::{Draft, ORGANIC, Policy};
use equipoise::score::{Measures, Reason, Request, Workspace};

/// More than three threads' worth of rows.
const ROWS: usize = 420_000;
const CAMPAIGNS: [&str; 3] = ["a", "b", "c"];

#[test]
fn equals_its_opportunities_one_by_one() {
    let list = CAMPAIGNS.map(|id| Campaign { id: id.to_owned(), ..Campaign::default() }).into();
    let policy = Policy::new(&Draft {
        measures: vec!["stream".to_owned()],
        weights: vec![-0.5, 1.0],
        slate: Slate { slots: 3, min_gap: 2, ..Slate::default() },
        campaigns: Campaigns::new(list).expect("good campaigns"),
        ..Draft::default()
    })
    .expect("a good draft");
    let mut builder = Opportunities::builder(&["stream"]);
    let mut opportunities: Vec<Vec<(Option<&str>, f32)>> = Vec::new();
    let (mut rows, mut random) = (0, 7);
    while rows < ROWS {
        builder.opportunity(&OpportunityRow { id: Id::Int(opportunities.len() as i64), ..OpportunityRow::default() });
        random = mix(random);
        // From one candidate to a few thousand: threads' shares end within long ones.
        let n = if random.is_multiple_of(40) { 1 + random as usize % 5_000 } else { 1 + random as usize % 30 };
        let candidates = (0..n).map(|_| {
            random = mix(random);
            (CAMPAIGNS.get(random as usize % 5).copied(), (random >> 40) as f32 / 16_777_216.0)
        });
        let candidates: Vec<_> = candidates.collect();
        for (campaign, stream) in &candidates {
            builder.candidate(&CandidateRow { campaign: *campaign, measures: &[*stream], ..CandidateRow::default() });
        }
        rows += n;
        opportunities.push(candidates);
    }
    let log = builder.finish().expect("a good log");
    let outcome = replay(&policy, &log, Unknown::Error).expect("a log with all measures");

    let (mut at, mut picked, mut workspace) = (0, 0, Workspace::default());
    for candidates in &opportunities {
        let campaign: Vec<u32> = candidates.iter().map(|(c, _)| c.map_or(ORGANIC, |c| policy.row(c))).collect();
        let values: Vec<f32> = candidates.iter().map(|(_, stream)| *stream).collect();
        let request = Request::new(&campaign, Measures::Columns { values: &values, stride: values.len() });
        let decision = policy.score(&request, &mut workspace).expect("a good request");
        let here = at..at + candidates.len();
        assert_eq!(outcome.scores[here.clone()], *decision.scores());
        assert_eq!(outcome.reasons[here.clone()], *decision.reasons());
        let mut positions = vec![0; candidates.len()];
        for (pick, position) in decision.picks().iter().zip(decision.positions()) {
            positions[*pick as usize] = *position as u8;
        }
        assert_eq!(outcome.positions[here.clone()], positions);
        assert!(outcome.picked[here.clone()].iter().zip(&positions).all(|(picked, position)| *picked == (*position > 0)));
        picked += decision.picks().len();
        at = here.end;
    }
    assert_eq!((at, outcome.scores.len()), (rows, rows));
    assert!(picked > 1_000 && outcome.reasons.contains(&Reason::Organic), "{picked}");
}
