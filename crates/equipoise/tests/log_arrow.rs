//! Logs from record batches: whatever the encodings and however the rows are split, the log is the one that the builder writes.
#![cfg(feature = "arrow")]
#![allow(clippy::unwrap_used)]

use arrow_array::types::{Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Float32Array, Float64Array, Int8Array, Int64Array, LargeStringArray, PrimitiveArray, RecordBatch,
    RecordBatchIterator, StringArray, StringViewArray, UInt8Array, UInt64Array,
};
use arrow_buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field, Schema, TimeUnit};
use equipoise::model::{CandidateRow, Id, OpportunityRow};
use equipoise::table::{ReadOptions, read_opportunities};
use equipoise::{Error, Opportunities};
use proptest::prelude::*;
use std::sync::Arc;

/// One batch of named columns.
fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<_> = columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|c| c.1).collect()).unwrap()
}

fn reader(batches: Vec<RecordBatch>) -> RecordBatchIterator<impl Iterator<Item = Result<RecordBatch, ArrowError>>> {
    let schema = batches[0].schema();
    RecordBatchIterator::new(batches.into_iter().map(Ok), schema)
}

fn read(columns: Vec<(&str, ArrayRef)>, measures: &[&str]) -> Result<Opportunities, Error> {
    read_opportunities(reader(vec![batch(columns)]), measures, &ReadOptions::default())
}

fn text<const N: usize>(values: [Option<&str>; N]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn ids(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

/// Code, argument and index of each fault.
fn faults(error: &Error) -> Vec<(&'static str, &str, Option<u64>)> {
    error.faults().iter().map(|f| (f.code, f.argument.as_str(), f.index)).collect()
}

/// A dictionary whose values stand in reverse order, each twice, beside one that no row has; null rows are now null keys, now null values.
macro_rules! dictionary {
    ($key:ty, $values:expr, $kind:expr) => {{
        let values: &[Option<String>] = $values;
        let mut distinct: Vec<_> = values.iter().flatten().cloned().collect();
        distinct.sort();
        distinct.dedup();
        distinct.reverse();
        let mut all: Vec<Option<String>> = vec![Some("nobody".to_owned()), None];
        all.extend(distinct.iter().chain(&distinct).cloned().map(Some));
        let keys: PrimitiveArray<$key> = values
            .iter()
            .enumerate()
            .map(|(row, value)| match value {
                None => (row % 2 == 0).then_some(1),
                Some(value) => {
                    let at = distinct.iter().position(|d| d == value).unwrap();
                    Some((2 + at + (row % 2) * distinct.len()).try_into().unwrap())
                }
            })
            .collect();
        let values = cast(&StringArray::from(all), $kind).unwrap();
        Arc::new(DictionaryArray::try_new(keys, values).unwrap()) as ArrayRef
    }};
}

/// A column of text in one of 14 encodings.
fn encode(values: &[Option<String>], encoding: usize) -> ArrayRef {
    let plain = || values.iter().map(Option::as_deref);
    match encoding {
        0 => Arc::new(plain().collect::<StringArray>()),
        1 => Arc::new(plain().collect::<LargeStringArray>()),
        2 => Arc::new(plain().collect::<StringViewArray>()),
        3 => dictionary!(Int8Type, values, &DataType::Utf8),
        4 => dictionary!(Int16Type, values, &DataType::LargeUtf8),
        5 => dictionary!(Int32Type, values, &DataType::Utf8View),
        6 => dictionary!(Int64Type, values, &DataType::Utf8),
        7 => dictionary!(UInt8Type, values, &DataType::Utf8View),
        8 => dictionary!(UInt16Type, values, &DataType::Utf8),
        9 => dictionary!(UInt32Type, values, &DataType::LargeUtf8),
        10 => dictionary!(UInt64Type, values, &DataType::Utf8View),
        // The same as slices of longer arrays, so that offsets are not 0.
        n => {
            let longer: Vec<_> =
                [Some("before".to_owned()), None].into_iter().chain(values.iter().cloned()).chain([Some("after".to_owned())]).collect();
            encode(&longer, [0, 2, 5][n - 11]).slice(2, values.len())
        }
    }
}
const ENCODINGS: usize = 14;

#[derive(Debug, Clone)]
struct Row {
    opportunity: usize,
    campaign: Option<String>,
    stream: u8,
    organic: i8,
    item: usize,
}

/// Rows in opportunities of one to five; item and organic so that items agree with themselves.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (prop::option::weighted(0.7, "[a-dé\u{1f3b5}]{1,2}|a string of more than twelve bytes"), any::<u8>(), any::<i8>());
    prop::collection::vec(prop::collection::vec(row, 1..6), 1..12).prop_map(|opportunities| {
        let mut rows = Vec::new();
        for (opportunity, candidates) in opportunities.into_iter().enumerate() {
            for (item, (campaign, stream, organic)) in candidates.into_iter().enumerate() {
                rows.push(Row { opportunity, campaign, stream, organic, item });
            }
        }
        rows
    })
}

fn id(t: usize) -> String {
    format!("opportunity number {t} \u{e9}")
}

fn market(t: usize) -> String {
    ["SE", "NO", "a market with a long name"][t % 3].to_owned()
}

/// The log as the builder writes it.
fn built(rows: &[Row], integer_ids: bool) -> Opportunities {
    let mut log = Opportunities::builder(&["stream"]);
    let mut last = None;
    for row in rows {
        let t = row.opportunity;
        let (id, market) = (id(t), market(t));
        if last != Some(t) {
            last = Some(t);
            log.opportunity(&OpportunityRow {
                id: if integer_ids { Id::Int(t as i64 - 3) } else { Id::Text(&id) },
                market: Some(&market),
                time: Some(1_000_000 * t as i64),
                slots: Some(t as u32),
                weight: Some(0.5 + t as f64),
                key: Some(u64::MAX - t as u64),
                ..OpportunityRow::default()
            });
        }
        let item = format!("item {}", row.item);
        log.candidate(&CandidateRow {
            campaign: row.campaign.as_deref(),
            organic: Some(f32::from(row.organic)),
            measures: &[f32::from(row.stream)],
            item: Some(Id::Text(&item)),
            artist: Some(&market),
            frequency: Some(row.item as u32),
        });
    }
    log.finish().unwrap()
}

fn table(rows: &[Row], integer_ids: bool, encodings: &[usize], stream: &DataType, unit: TimeUnit) -> RecordBatch {
    let column = |of: &dyn Fn(&Row) -> Option<String>, encoding: usize| encode(&rows.iter().map(of).collect::<Vec<_>>(), encoding);
    let id_column: ArrayRef = if integer_ids {
        Arc::new(rows.iter().map(|row| Some(row.opportunity as i64 - 3)).collect::<Int64Array>())
    } else {
        column(&|row| Some(id(row.opportunity)), encodings[0])
    };
    let times: Int64Array = rows.iter().map(|row| Some(row.opportunity as i64)).collect();
    let seconds = cast(&times, &DataType::Timestamp(TimeUnit::Second, Some("+01:00".into()))).unwrap();
    batch(vec![
        ("opportunity_id", id_column),
        ("campaign", column(&|row| row.campaign.clone(), encodings[1])),
        ("stream", cast(&rows.iter().map(|row| Some(row.stream)).collect::<UInt8Array>(), stream).unwrap()),
        ("organic", Arc::new(rows.iter().map(|row| Some(row.organic)).collect::<Int8Array>())),
        ("item", column(&|row| Some(format!("item {}", row.item)), encodings[2])),
        ("artist", column(&|row| Some(market(row.opportunity)), encodings[3])),
        ("frequency", Arc::new(rows.iter().map(|row| Some(row.item as i64)).collect::<Int64Array>())),
        ("market", column(&|row| Some(market(row.opportunity)), encodings[4])),
        ("time", cast(&seconds, &DataType::Timestamp(unit, Some("Europe/Stockholm".into()))).unwrap()),
        ("slots", Arc::new(rows.iter().map(|row| Some(row.opportunity as f64)).collect::<Float64Array>())),
        ("weight", Arc::new(rows.iter().map(|row| Some(0.5 + row.opportunity as f32)).collect::<Float32Array>())),
        ("key", Arc::new(rows.iter().map(|row| Some(u64::MAX - row.opportunity as u64)).collect::<UInt64Array>())),
        ("something else", Arc::new(arrow_array::NullArray::new(rows.len()))),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_encoding_and_any_split_give_the_log_that_the_builder_writes(
        rows in rows(),
        integer_ids in any::<bool>(),
        encodings in prop::collection::vec(0..ENCODINGS, 5),
        stream in prop_oneof![
            Just(DataType::UInt8), Just(DataType::UInt16), Just(DataType::UInt32), Just(DataType::UInt64), Just(DataType::Int16), Just(DataType::Int32),
            Just(DataType::Int64), Just(DataType::Float16), Just(DataType::Float32), Just(DataType::Float64), Just(DataType::Decimal128(12, 3)),
        ],
        unit in prop_oneof![Just(TimeUnit::Second), Just(TimeUnit::Millisecond), Just(TimeUnit::Microsecond), Just(TimeUnit::Nanosecond)],
        cuts in prop::collection::vec(0..40_usize, 0..6),
    ) {
        let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(rows.len())).chain([0, rows.len()]).collect();
        cuts.sort_unstable();
        // A cut may fall anywhere, inside an opportunity too, and two in one place make an empty batch.
        let batches = cuts.windows(2).map(|cut| table(&rows[cut[0]..cut[1]], integer_ids, &encodings, &stream, unit)).collect();
        let log = read_opportunities(reader(batches), &["stream"], &ReadOptions::default()).unwrap();
        prop_assert_eq!(&log, &built(&rows, integer_ids));
    }
}

#[test]
fn numbers_are_rounded_to_the_nearest_and_carry_no_sign_of_zero() {
    let one = |m: ArrayRef| {
        read(vec![("opportunity_id", ids(&[1])), ("campaign", text([None])), ("m", m)], &["m"]).unwrap().measure("m").unwrap()[0]
    };
    // Half a step of f32 above 2^36 is 2^12: one more goes up, one less down.
    assert_eq!(one(ids(&[(1 << 36) + (1 << 12) + 1])), 68_719_484_928.0);
    assert_eq!(one(ids(&[(1 << 36) + (1 << 12) - 1])), 68_719_476_736.0);
    assert_eq!(one(Arc::new(Float64Array::from(vec![0.1]))), 0.1);
    assert_eq!(one(Arc::new(Float64Array::from(vec![-0.0]))).to_bits(), 0);
}

#[test]
fn measures_keep_the_order_in_which_they_were_asked_for() {
    let columns =
        vec![("opportunity_id", ids(&[1])), ("campaign", text([None])), ("a", ids(&[1])), ("displacement", ids(&[2])), ("b", ids(&[3]))];
    let log = read(columns, &["displacement", "b", "a"]).unwrap();
    assert_eq!(log.measure_names(), ["displacement", "b", "a"]);
    assert_eq!([log.measure("displacement").unwrap()[0], log.measure("b").unwrap()[0], log.measure("a").unwrap()[0]], [2.0, 3.0, 1.0]);
}

#[test]
fn faults_of_columns_come_at_once() {
    let columns = vec![
        ("opportunity_id", Arc::new(Float64Array::from(vec![1.0])) as ArrayRef),
        ("m", text([Some("x")])),
        ("twice", ids(&[1])),
        ("twice", ids(&[1])),
        ("item", Arc::new(Float32Array::from(vec![1.0]))),
        ("time", Arc::new(Int64Array::from(vec![0]).reinterpret_cast::<arrow_array::types::TimestampMicrosecondType>())),
        ("market", ids(&[1])),
        ("key", Arc::new(Float32Array::from(vec![1.0]))),
    ];
    let fill = [("m".to_owned(), f64::NAN), ("market".to_owned(), 0.0), ("slots".to_owned(), 1.0)].into_iter().collect();
    let options = ReadOptions { fill, ..ReadOptions::default() };
    let error = read_opportunities(reader(vec![batch(columns)]), &["m", "twice", "none", "exposure"], &options).unwrap_err();
    let expected = [
        ("invalid_input.duplicate", "measures", Some(3)),
        ("invalid_input.type", "opportunity_id", None),
        ("invalid_input.missing", "campaign", None),
        ("invalid_input.type", "m", None),
        ("invalid_input.duplicate", "twice", None),
        ("invalid_input.missing", "none", None),
        ("invalid_input.type", "item", None),
        ("invalid_input.type", "market", None),
        ("invalid_input.type", "key", None),
        ("invalid_input.naive_time", "time", None),
        ("invalid_input.not_finite", "fill.m", None),
        ("invalid_input.unknown_name", "fill.market", None),
        ("invalid_input.unknown_name", "fill.slots", None),
    ];
    assert_eq!(faults(&error), expected);
    let said = error.to_string();
    assert!(said.contains("invalid_input.type: m: the column is Utf8; wanted is any integer, float or decimal type"), "{said}");
    assert!(said.contains("it has \"opportunity_id\", \"m\", \"twice\""), "{said}");
}

#[test]
fn faults_of_rows_come_at_once() {
    let float = |values: Vec<Option<f64>>| Arc::new(Float64Array::from(values)) as ArrayRef;
    let columns = vec![
        ("opportunity_id", Arc::new(Int64Array::from(vec![Some(1), Some(1), Some(2), None, Some(1)])) as ArrayRef),
        ("campaign", text([Some("c"), None, Some(""), Some("c"), Some("c")])),
        ("m", float(vec![Some(f64::NAN), Some(-1.0), Some(1e300), None, Some(f64::INFINITY)])),
        ("market", text([Some("SE"), Some("NO"), Some("SE"), Some("SE"), Some("SE")])),
        ("surface", text([Some("r"), None, Some("r"), Some("r"), Some("r")])),
        ("weight", float(vec![Some(1.0), Some(1.0), Some(0.0), Some(1.0), Some(1.0)])),
        ("slots", float(vec![Some(1.5), Some(1.0), Some(256.0), Some(1.0), Some(1.0)])),
    ];
    let expected = [
        ("invalid_input.null", "opportunity_id", Some(3)),
        ("invalid_input.scattered", "opportunity_id", Some(4)),
        ("invalid_input.empty", "campaign", Some(2)),
        ("invalid_input.not_finite", "m", Some(0)),
        ("invalid_input.range", "m", Some(1)),
        ("invalid_input.range", "m", Some(2)),
        ("invalid_input.null", "m", Some(3)),
        ("invalid_input.not_finite", "m", Some(4)),
        ("invalid_input.inconsistent", "market", Some(1)),
        ("invalid_input.null", "surface", Some(1)),
        ("invalid_input.range", "weight", Some(2)),
        ("invalid_input.range", "slots", Some(0)),
        ("invalid_input.range", "slots", Some(2)),
    ];
    let error = read(columns, &["m"]).unwrap_err();
    assert_eq!(faults(&error), expected);
    let said = error.to_string();
    assert!(said.contains("scattered: opportunity_id[4]: 1 began at row 0 and comes back after another"), "{said}");
    assert!(said.contains("inconsistent: market[1]: \"NO\" differs from \"SE\", which its opportunity began with"), "{said}");
}

#[test]
fn rows_of_one_opportunity_stand_together_over_batches_too() {
    for (second, expected) in [(vec![1_i64, 2], None), (vec![2, 1], Some(("invalid_input.scattered", "opportunity_id", Some(4))))] {
        let part = |values: &[i64]| {
            let campaign: ArrayRef = Arc::new(StringArray::new_null(values.len()));
            let weight: ArrayRef = Arc::new(Float32Array::from(vec![2.0; values.len()]));
            batch(vec![("opportunity_id", ids(values)), ("campaign", campaign), ("weight", weight)])
        };
        let read = read_opportunities(reader(vec![part(&[0, 1, 1]), part(&second)]), &[] as &[&str], &ReadOptions::default());
        match expected {
            None => assert_eq!(read.unwrap().starts(), [0, 1, 4, 5]),
            Some(fault) => assert_eq!(faults(&read.unwrap_err()), [fault]),
        }
    }
    let part = |weight: f32| {
        batch(vec![
            ("opportunity_id", text([Some("t")])),
            ("campaign", text([None])),
            ("weight", Arc::new(Float32Array::from(vec![weight]))),
        ])
    };
    let error = read_opportunities(reader(vec![part(1.0), part(2.0)]), &[] as &[&str], &ReadOptions::default()).unwrap_err();
    assert_eq!(faults(&error), [("invalid_input.inconsistent", "weight", Some(1))]);
}

/// One fault is told once: what follows a value with a fault, in this batch or the next, is not compared with it.
#[test]
fn rows_are_not_compared_with_a_fault() {
    let part = |market: [Option<&str>; 2], weight: [f64; 2], organic: [f64; 2]| {
        batch(vec![
            ("opportunity_id", ids(&[1, 1])),
            ("campaign", text([Some("a"), None])),
            ("market", text(market)),
            ("weight", Arc::new(Float64Array::from(weight.to_vec()))),
            ("organic", Arc::new(Float64Array::from(organic.to_vec()))),
            ("item", text([Some("x"), Some("y")])),
        ])
    };
    let batches = vec![part([None, Some("SE")], [f64::NAN, 1.0], [f64::NAN, 1.0]), part([Some("SE"), Some("NO")], [1.0, 1.0], [0.5, 1.0])];
    let error = read_opportunities(reader(batches), &[] as &[&str], &ReadOptions::default()).unwrap_err();
    let expected = [
        ("invalid_input.not_finite", "organic", Some(0)),
        ("invalid_input.null", "market", Some(0)),
        ("invalid_input.not_finite", "weight", Some(0)),
        ("invalid_input.duplicate", "item", Some(2)),
        ("invalid_input.duplicate", "item", Some(3)),
    ];
    assert_eq!(faults(&error), expected);
}

#[test]
fn fill_stands_for_null_and_leaves_the_rest() {
    let columns = vec![
        ("opportunity_id", ids(&[1, 1])),
        ("campaign", text([None, None])),
        ("m", Arc::new(Float32Array::from(vec![None, Some(3.0)])) as ArrayRef),
        ("n", Arc::new(arrow_array::NullArray::new(2))),
        ("organic", Arc::new(Int8Array::from(vec![Some(-1), None]))),
    ];
    let fill = [("m".to_owned(), 0.25), ("n".to_owned(), 1.0), ("organic".to_owned(), -2.0)].into_iter().collect();
    let options = ReadOptions { fill, ..ReadOptions::default() };
    let log = read_opportunities(reader(vec![batch(columns)]), &["m", "n"], &options).unwrap();
    assert_eq!(
        (log.measure("m").unwrap(), log.measure("n").unwrap(), log.organic().unwrap()),
        (&[0.25, 3.0][..], &[1.0, 1.0][..], &[-1.0, -2.0][..])
    );
}

#[test]
fn naive_times_are_utc_where_that_is_said() {
    let options = ReadOptions { naive_utc: true, ..ReadOptions::default() };
    for (unit, value, expected) in [
        (TimeUnit::Second, -1, -1_000_000),
        (TimeUnit::Millisecond, -1, -1_000),
        (TimeUnit::Microsecond, -1, -1),
        (TimeUnit::Nanosecond, -1, -1),
        (TimeUnit::Nanosecond, 1_999, 1),
    ] {
        let time = cast(&ids(&[value]), &DataType::Timestamp(unit, None)).unwrap();
        let columns = vec![("opportunity_id", ids(&[1])), ("campaign", text([None])), ("time", time)];
        let log = read_opportunities(reader(vec![batch(columns)]), &[] as &[&str], &options).unwrap();
        assert_eq!(log.time().unwrap(), [expected]);
    }
    let time = cast(&ids(&[i64::MAX]), &DataType::Timestamp(TimeUnit::Second, None)).unwrap();
    let columns = vec![("opportunity_id", ids(&[1])), ("campaign", text([None])), ("time", time)];
    let error = read_opportunities(reader(vec![batch(columns)]), &[] as &[&str], &options).unwrap_err();
    assert_eq!(faults(&error), [("invalid_input.range", "time", Some(0))]);
}

#[test]
fn empty_logs_and_broken_streams_are_errors() {
    let empty = batch(vec![("opportunity_id", ids(&[])), ("campaign", text([]))]);
    let error = read_opportunities(reader(vec![empty.clone()]), &[] as &[&str], &ReadOptions::default()).unwrap_err();
    assert_eq!(faults(&error), [("invalid_input.empty", "table", None)]);
    let broken = RecordBatchIterator::new([Err(ArrowError::ComputeError("\u{1b}gone".to_owned()))], empty.schema());
    let error = read_opportunities(broken, &[] as &[&str], &ReadOptions::default()).unwrap_err();
    assert_eq!((error.code(), error.argument()), ("invalid_input.io", "table"));
    assert!(!error.to_string().contains('\u{1b}'));
}

#[test]
fn items_agree_with_themselves() {
    let item = |item: ArrayRef| {
        let columns = vec![
            ("opportunity_id", ids(&[1, 1, 1, 1])),
            ("campaign", text([Some("c"), Some("d"), Some("c"), None])),
            ("organic", Arc::new(Float32Array::from(vec![1.0, 2.0, 1.0, 3.0])) as ArrayRef),
            ("item", item),
        ];
        read(columns, &[]).unwrap_err()
    };
    let expected = [("invalid_input.duplicate", "item", Some(2)), ("invalid_input.inconsistent", "organic", Some(1))];
    assert_eq!(faults(&item(ids(&[7, 7, 7, 8]))), expected);
    assert_eq!(faults(&item(text([Some("i"), Some("i"), Some("i"), Some("j")]))), expected);
    assert_eq!(faults(&item(text([Some("i"), Some("j"), None, Some("k")]))), [("invalid_input.null", "item", Some(2))]);
}

/// Columns that are not what they claim, as another library may hand over.
#[test]
fn columns_that_lie_are_refused() {
    let offsets = |offsets: Vec<i32>| ScalarBuffer::from(offsets);
    let column = |offsets: ScalarBuffer<i32>, bytes: &[u8]| {
        // SAFETY: offsets ascend, and no text is read from the array before the reader under test has refused it.
        let array = unsafe { StringArray::new_unchecked(OffsetBuffer::new(offsets), Buffer::from(bytes), None) };
        read(vec![("opportunity_id", ids(&[1, 1, 1])), ("campaign", Arc::new(array))], &[])
    };
    let refused = |log: Result<Opportunities, Error>| {
        let error = log.unwrap_err();
        (error.code(), error.argument().to_owned(), error.index())
    };
    // A lone surrogate in the second row; a character cut in two by the third; bytes that end before the last text does.
    let surrogate = column(offsets(vec![0, 1, 4, 5]), &[b'a', 0xed, 0xa0, 0x80, b'b']);
    assert_eq!(refused(surrogate), ("invalid_input.unicode", "campaign".to_owned(), Some(1)));
    assert_eq!(refused(column(offsets(vec![0, 1, 2, 3]), "aé".as_bytes())), ("invalid_input.unicode", "campaign".to_owned(), Some(2)));
    assert_eq!(refused(column(offsets(vec![0, 1, 2, 99]), b"abc")), ("invalid_input.shape", "campaign".to_owned(), None));
    assert_eq!(column(offsets(vec![0, 1, 3, 4]), "aéb".as_bytes()).unwrap().campaigns().as_slice(), ["a", "é", "b"]);

    for key in [-1, 2] {
        let keys = PrimitiveArray::<Int8Type>::from(vec![Some(0), Some(1), Some(key)]);
        // SAFETY: no value is read by these keys before the reader under test has refused them.
        let array = unsafe { DictionaryArray::new_unchecked(keys, Arc::new(StringArray::from(vec!["a", "b"]))) };
        let log = read(vec![("opportunity_id", ids(&[1, 1, 1])), ("campaign", Arc::new(array))], &[]);
        assert_eq!(refused(log), ("invalid_input.row", "campaign".to_owned(), Some(2)));
    }
}

/// A slice costs what it holds, not what the table does: quadratic time would be minutes here.
#[test]
fn a_table_in_many_slices_is_read_in_linear_time() {
    let rows = 200_000;
    let names: Vec<_> = (0..rows).map(|row| format!("campaign number {row} \u{e9}")).collect();
    for encoding in [0, 2, 9] {
        let campaigns = if encoding == 9 {
            let keys: PrimitiveArray<UInt32Type> = (0..rows as u32).map(Some).collect();
            Arc::new(DictionaryArray::new(keys, Arc::new(StringArray::from(names.clone())))) as ArrayRef
        } else {
            encode(&names.iter().cloned().map(Some).collect::<Vec<_>>(), encoding)
        };
        let whole = batch(vec![("opportunity_id", ids(&(0..rows as i64).collect::<Vec<_>>())), ("campaign", campaigns)]);
        let slices = (0..rows).step_by(10).map(|row| whole.slice(row, 10)).collect();
        let log = read_opportunities(reader(slices), &[] as &[&str], &ReadOptions::default()).unwrap();
        assert_eq!(log.campaigns().as_slice(), names);
    }
}
