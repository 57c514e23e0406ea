//! Replay: a log run through a policy comes to what the plain reference says of every opportunity.

mod serving;

use equipoise::evaluate::replay;
use equipoise::model::{CandidateRow, Id, Opportunities, OpportunityRow, hash_integer};
use equipoise::plan::Unknown;
use equipoise::policy::{Draft, NONE, Policy};
use equipoise::score::UNWRITTEN;
use serving::{Ask, Random, Who, ask, draft, reference_outcome};

/// Which optional columns a log has.
#[allow(clippy::struct_excessive_bools, reason = "each stands for one column")]
struct Columns {
    displacement: bool,
    organic: bool,
    item: bool,
    artist: bool,
    reference: bool,
    slots: bool,
    time: bool,
    market: bool,
    key: bool,
    frequency: bool,
}

impl Columns {
    fn random(random: &mut Random, draft: &Draft) -> Self {
        let mut one = || random.chance(60);
        let mut columns = Self {
            displacement: one(),
            organic: one(),
            item: one(),
            artist: one(),
            reference: one(),
            slots: one(),
            time: one(),
            market: one(),
            key: one(),
            frequency: one(),
        };
        if draft.slate.has_relevance_floor() {
            columns.organic = true;
            columns.reference |= draft.slate.visible.is_none();
        }
        if draft.measures.iter().any(|m| m == "displacement") && !columns.displacement {
            columns.organic = true;
            columns.reference |= draft.slate.visible.is_none();
        }
        columns
    }

    /// The request that an opportunity of such a log is.
    fn fit(&self, ask: Ask, id: i64, draft: &Draft, random: &mut Random) -> Ask {
        let n = ask.who.len();
        let mut measures = ask.measures;
        for (name, column) in draft.measures.iter().zip(&mut measures) {
            if name == "displacement" {
                for y in column.iter_mut() {
                    if !self.displacement {
                        *y = f32::from_bits(UNWRITTEN);
                    } else if y.is_nan() {
                        *y = 0.5;
                    }
                }
            }
        }
        let item = self.item.then(|| ask.item.unwrap_or_else(|| vec![NONE; n])).map(|items| {
            // One row for each item and campaign, as a log must have it.
            let mut kept: Vec<(u32, &Who)> = Vec::new();
            for (i, (item, who)) in items.iter().zip(&ask.who).enumerate() {
                let taken = *item == NONE || kept.contains(&(*item, who));
                kept.push((if taken { 1_000_000 + i as u32 } else { *item }, who));
            }
            kept.into_iter().map(|k| k.0).collect()
        });
        let mut scores = ask.organic.unwrap_or_else(|| vec![0.25; n]);
        if let Some(items) = &item {
            let items: &Vec<u32> = items;
            for i in 0..n {
                let first = items.iter().position(|other| *other == items[i]).expect("itself at least");
                scores[i] = scores[first];
            }
        }
        Ask {
            organic: self.organic.then_some(scores),
            measures,
            item,
            artist: self.artist.then(|| ask.artist.unwrap_or_else(|| (0..n).map(|_| random.below(3) as u32).collect())),
            reference: self.reference.then(|| ask.reference.unwrap_or(0.75)),
            slots: self.slots.then(|| ask.slots.unwrap_or(3)),
            time: self.time.then(|| ask.time.unwrap_or(25)),
            market: if self.market { Some(ask.market.unwrap_or_else(|| "elsewhere".to_owned())) } else { None },
            surface: ask.surface.or_else(|| Some("elsewhere".to_owned())),
            key: if self.key { ask.key } else { hash_integer(id) },
            who: ask.who,
            frequency: self.frequency.then(|| (0..n).map(|_| random.below(4) as u32).collect()),
        }
    }

    fn log(&self, asks: &[Ask], draft: &Draft) -> Opportunities {
        let kept = |name: &str| name != "displacement" || self.displacement;
        let names: Vec<&String> = draft.measures.iter().filter(|m| kept(m)).collect();
        let mut builder = Opportunities::builder(&names);
        for (t, ask) in asks.iter().enumerate() {
            builder.opportunity(&OpportunityRow {
                market: ask.market.as_deref(),
                surface: ask.surface.as_deref(),
                time: ask.time,
                slots: ask.slots,
                reference: ask.reference,
                key: self.key.then_some(ask.key),
                id: Id::Int(t as i64),
                ..OpportunityRow::default()
            });
            for (i, who) in ask.who.iter().enumerate() {
                let measures: Vec<f32> =
                    draft.measures.iter().zip(&ask.measures).filter(|(name, _)| kept(name)).map(|(_, column)| column[i]).collect();
                let artist = ask.artist.as_ref().map(|a| if a[i] == NONE { "nobody".to_owned() } else { format!("artist {}", a[i]) });
                builder.candidate(&CandidateRow {
                    campaign: match who {
                        Who::Organic => None,
                        Who::Campaign(id) => Some(id),
                    },
                    organic: ask.organic.as_ref().map(|o| o[i]),
                    measures: &measures,
                    item: ask.item.as_ref().map(|item| Id::Int(i64::from(item[i]))),
                    artist: artist.as_deref(),
                    frequency: ask.frequency.as_ref().map(|f| f[i]),
                });
            }
        }
        builder.finish().expect("a good log")
    }
}

#[test]
fn equals_the_reference_by_bits() {
    let mut random = Random(31);
    let (mut executed, mut picked) = (0, 0);
    while executed < 6_000 {
        let draft = draft(&mut random);
        let draft = if random.chance(40) { serving::with_limits(&mut random, draft) } else { draft };
        let columns = Columns::random(&mut random, &draft);
        let asks: Vec<Ask> = (0..20)
            .map(|_| ask(&mut random, &draft))
            .filter(|a| !a.who.is_empty())
            .enumerate()
            .map(|(t, a)| (t as i64, a))
            .collect::<Vec<_>>()
            .into_iter()
            .map(|(t, a)| {
                let mut a = columns.fit(a, t, &draft, &mut random);
                // In a log an artist that nobody has is one like any other.
                if let Some(artist) = &mut a.artist {
                    for a in artist {
                        *a = (*a).min(3);
                    }
                }
                a
            })
            .collect();
        if asks.is_empty() {
            continue;
        }
        let policy = Policy::new(&draft).expect("a good draft");
        let log = columns.log(&asks, &draft);
        let outcome = replay(&policy, &log, Unknown::Organic).expect("a log with all measures");
        assert_eq!(outcome.scores.len(), log.candidates());
        for (t, ask) in asks.iter().enumerate() {
            let here = log.rows(t);
            let expected = reference_outcome(&draft, ask);
            let scores: Vec<u32> = outcome.scores[here.clone()].iter().map(|s| s.to_bits()).collect();
            assert_eq!(scores, expected.scores, "{ask:?}\nof {draft:?}");
            let reasons: Vec<_> = outcome.reasons[here.clone()].iter().map(|r| r.name()).collect();
            assert_eq!(reasons, expected.reasons);
            for i in 0..ask.who.len() {
                let place = expected.picks.iter().position(|p| *p as usize == i).map_or(0, |k| expected.positions[k]);
                assert_eq!(u32::from(outcome.positions[here.start + i]), place);
                assert_eq!(outcome.picked[here.start + i], place > 0);
            }
            picked += expected.picks.len();
            executed += 1;
        }
    }
    println!("executed {executed} opportunities, {picked} picked");
    assert!(picked > 500);
}

fn small_log(measures: &[&str], campaign: &str) -> Opportunities {
    let mut builder = Opportunities::builder(measures);
    builder.opportunity(&OpportunityRow { id: Id::Text("t"), ..OpportunityRow::default() });
    builder.candidate(&CandidateRow {
        campaign: Some(campaign),
        organic: Some(0.5),
        measures: &vec![1.0; measures.len()],
        ..CandidateRow::default()
    });
    builder.finish().expect("a good log")
}

#[test]
fn what_a_log_may_lack() {
    let draft = Draft { measures: vec!["stream".into(), "displacement".into()], weights: vec![0.0; 3], ..Draft::default() };
    let policy = Policy::new(&draft).expect("a good draft");
    let refused = |log: &Opportunities, unknown| {
        let error = replay(&policy, log, unknown).map(|_| ()).expect_err("something is missing");
        (error.code(), error.argument().to_owned(), error.index())
    };
    assert_eq!(refused(&small_log(&["displacement"], "a"), Unknown::Organic), ("invalid_input.missing", "stream".to_owned(), None));
    assert_eq!(refused(&small_log(&["stream"], "a"), Unknown::Error), ("invalid_input.unknown_campaign", "campaign".to_owned(), Some(0)));
    // Nobody of whom a displacement would be needed: none is computed, and no reference is missed.
    let outcome = replay(&policy, &small_log(&["stream"], "a"), Unknown::Organic).expect("a log");
    assert_eq!(outcome.reasons[0].name(), "unknown");
}
