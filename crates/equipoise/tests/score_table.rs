//! A table that is scored some rows at a time comes to the same as its log, however it is laid out, and what is wrong with it is told alike.
#![cfg(feature = "arrow")]

use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Float32Array, Float64Array, Int64Array, LargeStringArray, RecordBatch, RecordBatchIterator,
    StringArray, StringViewArray, TimestampMicrosecondArray, TimestampMillisecondArray, UInt32Array,
};
use equipoise::Error;
use equipoise::error::codes;
use equipoise::evaluate::{Replay, replay};
use equipoise::model::{Campaign, Campaigns, Slate, mix};
use equipoise::plan::Unknown;
use equipoise::policy::{Draft, Policy};
use equipoise::table::{ReadOptions, campaign_rows, read_opportunities, score_table};
use std::sync::Arc;

/// Enough that two threads take part.
const ROWS: usize = 270_000;

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = mix(self.0);
        (self.0 % n as u64) as usize
    }

    fn number(&mut self) -> f32 {
        self.below(1 << 20) as f32 / (1 << 20) as f32
    }
}

fn policy() -> Policy {
    let campaign = |i: i64| Campaign {
        id: format!("campaign {i}"),
        markets: (i % 3 == 0).then(|| vec!["SE".to_owned(), "NO".to_owned()]),
        start: (i % 5 == 0).then_some(i),
        end: (i % 5 == 0).then_some(i + 40),
        frequency_cap: (i % 7 == 0).then_some(2),
        ..Campaign::default()
    };
    Policy::new(&Draft {
        measures: vec!["stream".to_owned(), "displacement".to_owned(), "save".to_owned()],
        weights: vec![-0.25, 1.0, -0.5, 0.5],
        slate: Slate { slots: 3, min_gap: 2, visible: Some(20), ..Slate::default() },
        campaigns: Campaigns::new((0..40).map(campaign).collect()).expect("good campaigns"),
        ..Draft::default()
    })
    .expect("a good draft")
}

/// Columns of whole opportunities; `which` chooses types and optional columns.
fn table(rows: usize, which: usize, random: &mut Random) -> RecordBatch {
    let (mut ids, mut constants) = (Vec::new(), Vec::new());
    while ids.len() < rows {
        let n = if random.below(50) == 0 { 1 + random.below(20_000) } else { 1 + random.below(40) };
        ids.extend(std::iter::repeat_n(constants.len() as i64 * 3 - 50, n.min(rows - ids.len())));
        constants.push((random.below(4), random.below(60) as i64, random.below(5) as f64, random.number()));
    }
    let at = |id: &i64| (id + 50) as usize / 3;
    let each = |f: fn(&(usize, i64, f64, f32)) -> f64| -> Vec<f64> { ids.iter().map(|id| f(&constants[at(id)])).collect() };
    let market: Vec<&str> = ids.iter().map(|id| ["SE", "NO", "DK", "nowhere"][constants[at(id)].0]).collect();
    // Some campaigns are organic, some unknown.
    let campaign: Vec<Option<String>> = ids
        .iter()
        .map(|_| match random.below(60) {
            c @ 0..40 => Some(format!("campaign {c}")),
            c @ 40..45 => Some(format!("stranger {c}")),
            _ => None,
        })
        .collect();
    let numbers = |random: &mut Random| -> Vec<f32> { ids.iter().map(|_| random.number()).collect() };
    let wide = |list: &[f32]| Float64Array::from_iter_values(list.iter().map(|v| f64::from(*v)));
    let (stream, save, organic) = (numbers(random), numbers(random), numbers(random));
    let campaign: ArrayRef = match which % 4 {
        0 => Arc::new(campaign.iter().map(Option::as_deref).collect::<DictionaryArray<Int32Type>>()),
        1 => Arc::new(campaign.iter().map(Option::as_deref).collect::<StringArray>()),
        2 => Arc::new(campaign.iter().map(Option::as_deref).collect::<LargeStringArray>()),
        _ => Arc::new(campaign.iter().map(Option::as_deref).collect::<StringViewArray>()),
    };
    let id: ArrayRef = match which % 3 {
        0 => Arc::new(Int64Array::from(ids.clone())),
        1 => Arc::new(StringArray::from_iter_values(ids.iter().map(|id| format!("opportunity {id}")))),
        _ => Arc::new(
            ids.iter()
                .map(|id| Some(format!("opportunity {id}")))
                .collect::<Vec<_>>()
                .iter()
                .map(Option::as_deref)
                .collect::<DictionaryArray<Int32Type>>(),
        ),
    };
    let mut columns: Vec<(&str, ArrayRef)> = vec![("opportunity_id", id), ("campaign", campaign)];
    columns.push(("stream", if which.is_multiple_of(2) { Arc::new(Float32Array::from(stream)) } else { Arc::new(wide(&stream)) }));
    columns.push(("save", Arc::new(Float32Array::from(save))));
    columns.push(("organic", if which % 5 == 4 { Arc::new(wide(&organic)) } else { Arc::new(Float32Array::from(organic)) }));
    columns.push(("reference", Arc::new(Float64Array::from(each(|c| f64::from(c.3))))));
    if which % 3 != 1 {
        columns.push(("market", Arc::new(market.iter().map(|m| Some(*m)).collect::<DictionaryArray<Int8Type>>())));
    }
    let time: Vec<i64> = each(|c| c.1 as f64).iter().map(|t| *t as i64).collect();
    match which % 4 {
        0 => columns.push(("time", Arc::new(TimestampMicrosecondArray::from(time).with_timezone("UTC")))),
        1 => columns.push(("time", Arc::new(TimestampMillisecondArray::from(time).with_timezone("UTC")))),
        _ => {}
    }
    if which % 5 < 2 {
        columns.push(("slots", Arc::new(Float64Array::from(each(|c| c.2)))));
        columns.push(("key", Arc::new(Int64Array::from_iter_values(each(|c| c.2).iter().map(|k| *k as i64)))));
    }
    if which % 7 == 3 {
        // Each row has an item of its own, but for a few that share one with the next.
        columns.push(("item", Arc::new(Int64Array::from_iter_values((0..ids.len() as i64).map(|i| i * 7)))));
        columns.push(("frequency", Arc::new(UInt32Array::from_iter_values(ids.iter().map(|_| random.below(4) as u32)))));
    }
    if which % 6 == 5 {
        columns.push(("displacement", Arc::new(Float32Array::from(numbers(random)))));
    }
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}

/// Cuts a table into batches, some of which are empty.
fn cut(table: &RecordBatch, random: &mut Random, longest: usize) -> Vec<RecordBatch> {
    let (mut batches, mut from) = (Vec::new(), 0);
    while from < table.num_rows() {
        let n = random.below(longest).min(table.num_rows() - from);
        batches.push(table.slice(from, n));
        from += n;
    }
    batches
}

fn scored(policy: &Policy, batches: &[RecordBatch], options: &ReadOptions) -> Result<Replay, Error> {
    let reader = RecordBatchIterator::new(batches.iter().cloned().map(Ok), batches[0].schema());
    score_table(policy, None, reader, options, &mut || true)
}

fn replayed(policy: &Policy, batches: &[RecordBatch], options: &ReadOptions) -> Result<Replay, Error> {
    let reader = RecordBatchIterator::new(batches.iter().cloned().map(Ok), batches[0].schema());
    let there = |name: &&String| batches[0].column_by_name(name).is_some();
    let measures: Vec<_> = policy.measures().iter().filter(there).cloned().collect();
    let log = read_opportunities(reader, &measures, options)?;
    replay(policy, &log, Unknown::Organic)
}

fn bits(replay: &Replay) -> Vec<u32> {
    replay.scores.iter().map(|s| s.to_bits()).collect()
}

#[test]
fn every_layout_comes_to_what_its_log_comes_to() {
    let (policy, options, mut random) = (policy(), ReadOptions::default(), Random(5));
    let mut picked = 0;
    for which in 0..84 {
        let rows = if which == 0 { ROWS } else { 1 + random.below(30_000) };
        let table = table(rows, which, &mut random);
        let longest = [usize::MAX >> 1, 20_000, 300][which % 3];
        let batches = if longest > rows { vec![table] } else { cut(&table, &mut random, longest) };
        let found = scored(&policy, &batches, &options).expect("a good table");
        let wanted = replayed(&policy, &batches, &options).expect("a good table");
        assert_eq!(bits(&found), bits(&wanted), "layout {which}");
        assert_eq!(found, wanted, "layout {which}");
        picked += found.picked.iter().filter(|p| **p).count();
    }
    assert!(picked > 10_000, "{picked}");
}

/// The same table but for one column.
fn with(table: &RecordBatch, name: &str, column: impl Array + 'static) -> RecordBatch {
    let column: ArrayRef = Arc::new(column);
    let schema = table.schema();
    let columns = schema.fields().iter().zip(table.columns());
    let columns = columns.map(|(f, own)| (f.name().as_str(), if f.name() == name { column.clone() } else { own.clone() }));
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}

#[test]
fn what_is_wrong_is_told_as_by_the_reader_of_logs() {
    let (policy, options, mut random) = (policy(), ReadOptions::default(), Random(9));
    let good = table(20_000, 0, &mut random);
    let changed = |name: &str, row: usize, value: f32| {
        let mut values =
            good.column_by_name(name).expect("a column").as_any().downcast_ref::<Float32Array>().expect("f32").values().to_vec();
        values[row] = value;
        with(&good, name, Float32Array::from(values))
    };
    let ids = good.column_by_name("opportunity_id").expect("ids").as_any().downcast_ref::<Int64Array>().expect("i64").values().to_vec();
    let mut back = ids.clone();
    // The last opportunity goes by the name of the first.
    let last = ids[ids.len() - 1];
    back.iter_mut().filter(|id| **id == last).for_each(|id| *id = ids[0]);
    let mut null: Vec<Option<i64>> = ids.iter().copied().map(Some).collect();
    null[12_345] = None;
    let mut market: Vec<&str> = vec!["SE"; ids.len()];
    // Two markets that the policy does not know are two, all the same.
    let within = (1..ids.len()).find(|i| ids[*i] == ids[i - 1] && *i > 15_000).expect("a long one");
    market[within] = "elsewhere";
    let mut other = market.clone();
    other[within - 1] = "nowhere";
    let text = |list: &[&str]| StringArray::from_iter_values(list);
    let cases = [
        (changed("stream", 19_999, f32::NAN), codes::NOT_FINITE, "stream", Some(19_999)),
        (changed("save", 3, -1.0), codes::RANGE, "save", Some(3)),
        (changed("organic", 10_000, f32::INFINITY), codes::NOT_FINITE, "organic", Some(10_000)),
        (with(&good, "opportunity_id", Int64Array::from(null)), codes::NULL, "opportunity_id", Some(12_345)),
        (with(&good, "market", text(&market)), codes::INCONSISTENT, "market", Some(within as u64)),
        (with(&good, "market", text(&other)), codes::INCONSISTENT, "market", None),
        (with(&good, "opportunity_id", Int64Array::from(back)), codes::SCATTERED, "opportunity_id", None),
    ];
    for (table, code, argument, index) in cases {
        let batches = [table.slice(0, 9_000), table.slice(9_000, 11_000)];
        for batches in [&[table][..], &batches] {
            let found = scored(&policy, batches, &options).expect_err("a fault");
            let wanted = replayed(&policy, batches, &options).expect_err("a fault");
            assert_eq!(found.faults(), wanted.faults());
            assert_eq!((found.code(), found.argument()), (code, argument));
            assert!(index.is_none() || found.index() == index, "{found}");
        }
    }
    let fill = ReadOptions { fill: [("stream".to_owned(), 0.5)].into_iter().collect(), ..ReadOptions::default() };
    let nulls: Vec<Option<f32>> = (0..good.num_rows()).map(|i| (i % 9 > 0).then_some(0.25)).collect();
    let filled = [with(&good, "stream", Float32Array::from(nulls))];
    assert_eq!(scored(&policy, &filled, &fill).expect("filled"), replayed(&policy, &filled, &fill).expect("filled"));
    assert_eq!(scored(&policy, &[good.slice(0, 0)], &options).expect_err("no rows").code(), codes::EMPTY);
    let stopped = score_table(&policy, None, RecordBatchIterator::new([Ok(good.clone())], good.schema()), &options, &mut || false);
    assert_eq!(stopped.expect_err("stopped").code(), codes::CANCELLED);
}

#[test]
fn columns_of_ids_have_the_rows_of_their_ids() {
    let policy = policy();
    let ids = [Some("campaign 3"), None, Some("stranger"), Some("campaign 3"), Some("campaign 39")];
    let wanted: Vec<u32> = ids.iter().map(|id| id.map_or(equipoise::score::ORGANIC, |id| policy.row(id))).collect();
    let chunks: [ArrayRef; 4] = [
        Arc::new(ids.iter().copied().collect::<StringArray>()),
        Arc::new(ids.iter().copied().collect::<LargeStringArray>()),
        Arc::new(ids.iter().copied().collect::<StringViewArray>()),
        Arc::new(ids.iter().copied().collect::<DictionaryArray<Int8Type>>()),
    ];
    for chunk in &chunks {
        assert_eq!(campaign_rows(&policy, std::slice::from_ref(chunk)).expect("text"), wanted);
    }
    let dictionary = Arc::clone(&chunks[3]);
    let twice = campaign_rows(&policy, &[dictionary.slice(1, 2), dictionary.slice(0, 1), Arc::clone(&dictionary)]).expect("text");
    assert_eq!(twice, [&wanted[1..3], &wanted[..1], &wanted].concat());
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let error = campaign_rows(&policy, &[numbers]).expect_err("no text");
    assert_eq!((error.code(), error.argument()), (codes::TYPE, "ids"));
}
