//! Campaign tables from record batches: every kind of list, flat and nested goals, and the faults of columns and rows.
#![cfg(feature = "arrow")]
#![allow(clippy::unwrap_used)]

use arrow_array::builder::{FixedSizeListBuilder, ListBuilder, StringBuilder};
use arrow_array::{
    Array, ArrayRef, Float32Array, Float64Array, Int64Array, LargeListViewArray, ListArray, ListViewArray, NullArray, RecordBatch,
    RecordBatchIterator, StringArray, StructArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_cast::cast;
use arrow_schema::{ArrowError, DataType, Field, Fields, Schema, TimeUnit};
use equipoise::model::{Campaign, CampaignGoal, GoalKind, Parties};
use equipoise::table::{ReadOptions, read_campaigns};
use equipoise::{Campaigns, Error};
use std::sync::Arc;

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<_> = columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns.into_iter().map(|c| c.1).collect()).unwrap()
}

fn reader(batches: Vec<RecordBatch>) -> RecordBatchIterator<impl Iterator<Item = Result<RecordBatch, ArrowError>>> {
    let schema = batches[0].schema();
    RecordBatchIterator::new(batches.into_iter().map(Ok), schema)
}

fn read(columns: Vec<(&str, ArrayRef)>) -> Result<Campaigns, Error> {
    read_campaigns(reader(vec![batch(columns)]), &ReadOptions::default())
}

fn text(values: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(values.to_vec()))
}

fn ids(n: usize) -> ArrayRef {
    Arc::new((0..n).map(|i| Some(format!("c{i}"))).collect::<StringArray>())
}

fn numbers(values: &[Option<f64>]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

fn times(values: &[Option<i64>], unit: TimeUnit, zone: Option<&str>) -> ArrayRef {
    cast(&Int64Array::from(values.to_vec()), &DataType::Timestamp(unit, zone.map(Into::into))).unwrap()
}

/// Code, argument and index of each fault.
fn faults(error: &Error) -> Vec<(&'static str, &str, Option<u64>)> {
    error.faults().iter().map(|f| (f.code, f.argument.as_str(), f.index)).collect()
}

fn goal(kind: GoalKind, measure: &str, amount: f64, penalty: Option<f64>) -> CampaignGoal {
    CampaignGoal { kind, measure: measure.to_owned(), amount, penalty }
}

#[test]
fn a_whole_table_is_read() {
    let mut markets = ListBuilder::new(StringBuilder::new());
    markets.append_value([Some("SE"), Some("NO")]);
    markets.append_null();
    let columns = vec![
        ("campaign", text(&[Some("b"), Some("a")])),
        ("artist", text(&[Some("x"), None])),
        ("label", text(&[None, Some("y")])),
        ("licensor", Arc::new(NullArray::new(2)) as ArrayRef),
        ("surfaces", Arc::new(NullArray::new(2))),
        ("markets", Arc::new(markets.finish())),
        ("start", times(&[Some(5), None], TimeUnit::Second, Some("UTC"))),
        ("end", times(&[None, Some(7_999)], TimeUnit::Nanosecond, Some("Asia/Tokyo"))),
        ("frequency_cap", numbers(&[Some(3.0), None])),
        ("cap", Arc::new(Float32Array::from(vec![Some(10.0), None]))),
        ("floor", Arc::new(Int64Array::from(vec![Some(2), Some(3)]))),
        ("floor_penalty", numbers(&[Some(0.5), None])),
        ("target", numbers(&[None, Some(4.0)])),
        ("target_penalty", numbers(&[None, Some(1.5)])),
        ("goal_measure", text(&[None, Some("stream")])),
        ("remark", text(&[Some("ignored"), None])),
    ];
    let expected = [
        Campaign {
            id: "b".to_owned(),
            parties: Parties { artist: Some("x".to_owned()), ..Parties::default() },
            surfaces: None,
            markets: Some(vec!["SE".to_owned(), "NO".to_owned()]),
            start: Some(5_000_000),
            end: None,
            frequency_cap: Some(3),
            goals: vec![goal(GoalKind::Cap, "exposure", 10.0, None), goal(GoalKind::Floor, "exposure", 2.0, Some(0.5))],
        },
        Campaign {
            id: "a".to_owned(),
            parties: Parties { label: Some("y".to_owned()), ..Parties::default() },
            end: Some(7),
            frequency_cap: None,
            goals: vec![goal(GoalKind::Floor, "stream", 3.0, None), goal(GoalKind::Target, "stream", 4.0, Some(1.5))],
            ..Campaign::default()
        },
    ];
    // Whole, and split into batches.
    let whole = batch(columns);
    let split = vec![whole.slice(0, 1), whole.slice(1, 0), whole.slice(1, 1)];
    for batches in [vec![whole], split] {
        let campaigns = read_campaigns(reader(batches), &ReadOptions::default()).unwrap();
        assert_eq!(campaigns, Campaigns::new(expected.to_vec()).unwrap());
    }
}

/// Five campaigns: one place, none, two places, null, two places.
fn lists() -> ListArray {
    let mut lists = ListBuilder::new(StringBuilder::new());
    for row in [Some(vec!["a"]), Some(vec!["d", "e"]), Some(vec!["b", "c"]), None, Some(vec!["c", "a"])] {
        lists.append_option(row.map(|names| names.into_iter().map(Some)));
    }
    lists.finish()
}

#[test]
fn every_kind_of_list_is_read() {
    let list = lists();
    let entry = |kind: &DataType| Arc::new(Field::new("item", kind.clone(), true));
    let dictionary = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8View));
    let mut columns: Vec<ArrayRef> = vec![Arc::new(list.clone())];
    for kind in [DataType::LargeUtf8, DataType::Utf8View, dictionary] {
        columns.push(cast(&list, &DataType::List(entry(&kind))).unwrap());
        columns.push(cast(&list, &DataType::LargeList(entry(&kind))).unwrap());
    }
    // Views may stand in any order and share entries: "a" is that of two rows.
    let entries = text(&[Some("d"), Some("e"), Some("b"), Some("c"), Some("a")]);
    let (offsets, sizes, nulls) = ([4, 0, 2, 0, 3], [1, 2, 2, 0, 2], NullBuffer::from(vec![true, true, true, false, true]));
    let small = ListViewArray::try_new(
        entry(&DataType::Utf8),
        ScalarBuffer::from(offsets.to_vec()),
        ScalarBuffer::from(sizes.to_vec()),
        entries.clone(),
        Some(nulls.clone()),
    );
    let large = LargeListViewArray::try_new(
        entry(&DataType::Utf8),
        ScalarBuffer::from(offsets.map(i64::from).to_vec()),
        ScalarBuffer::from(sizes.map(i64::from).to_vec()),
        entries,
        Some(nulls),
    );
    columns.push(Arc::new(small.unwrap()));
    columns.push(Arc::new(large.unwrap()));
    for column in columns {
        let kind = column.data_type().clone();
        let read = |column: ArrayRef| -> Vec<Option<Vec<String>>> {
            let campaigns = read(vec![("campaign", ids(column.len())), ("markets", column)]).unwrap();
            campaigns.iter().map(|c| c.markets.clone()).collect()
        };
        let names = |row: &[&str]| Some(row.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        let expected = [names(&["a"]), names(&["d", "e"]), names(&["b", "c"]), None, names(&["c", "a"])];
        assert_eq!(read(column.clone()), expected, "{kind}");
        assert_eq!(read(column.slice(1, 3)), expected[1..4], "a slice of {kind}");
    }
    let mut pairs = FixedSizeListBuilder::new(StringBuilder::new(), 2);
    for (names, valid) in [(["a", "b"], true), (["-", "-"], false), (["c", "d"], true)] {
        for name in names {
            pairs.values().append_value(name);
        }
        pairs.append(valid);
    }
    let pairs: ArrayRef = Arc::new(pairs.finish().slice(1, 2));
    let campaigns = read(vec![("campaign", ids(2)), ("surfaces", pairs)]).unwrap();
    assert_eq!((&campaigns.get(0).surfaces, &campaigns.get(1).surfaces), (&None, &Some(vec!["c".to_owned(), "d".to_owned()])));
}

/// A column `goals` of these goals, of which each row has so many.
fn goals(fields: Vec<(&str, ArrayRef)>, lengths: &[usize]) -> ArrayRef {
    let types: Fields = fields.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let entries = StructArray::new(types.clone(), fields.into_iter().map(|f| f.1).collect(), None);
    let field = Arc::new(Field::new("item", DataType::Struct(types), true));
    Arc::new(ListArray::new(field, OffsetBuffer::from_lengths(lengths.iter().copied()), Arc::new(entries), None))
}

#[test]
fn nested_goals_follow_those_of_columns() {
    let nested = goals(
        vec![
            ("amount", Arc::new(Int64Array::from(vec![2, 1, 3])) as ArrayRef),
            ("kind", text(&[Some("cap"), Some("floor"), Some("target")])),
            ("measure", text(&[Some("save"), Some("save"), None])),
            ("penalty", numbers(&[None, Some(0.25), Some(0.5)])),
        ],
        &[2, 0, 1],
    );
    let campaigns = read(vec![("campaign", ids(3)), ("cap", numbers(&[Some(9.0), None, None])), ("goals", nested)]).unwrap();
    let expected = [
        goal(GoalKind::Cap, "exposure", 9.0, None),
        goal(GoalKind::Cap, "save", 2.0, None),
        goal(GoalKind::Floor, "save", 1.0, Some(0.25)),
    ];
    assert_eq!(campaigns.get(0).goals, expected);
    assert_eq!(campaigns.get(1).goals, []);
    assert_eq!(campaigns.get(2).goals, [goal(GoalKind::Target, "exposure", 3.0, Some(0.5))]);
}

#[test]
fn faults_of_columns_come_at_once() {
    let columns = vec![
        ("artist", Arc::new(Int64Array::from(vec![1])) as ArrayRef),
        ("surfaces", text(&[Some("radio")])),
        ("markets", Arc::new(ListArray::from_iter_primitive::<arrow_array::types::Int8Type, _, _>([Some([Some(1)])]))),
        ("start", times(&[Some(1)], TimeUnit::Second, None)),
        ("end", numbers(&[Some(1.0)])),
        ("cap", text(&[Some("10")])),
        ("goals", text(&[Some("cap")])),
    ];
    let error = read(columns).unwrap_err();
    let expected = [
        ("invalid_input.missing", "campaign", None),
        ("invalid_input.type", "artist", None),
        ("invalid_input.type", "surfaces", None),
        ("invalid_input.type", "markets", None),
        ("invalid_input.type", "end", None),
        ("invalid_input.type", "cap", None),
        ("invalid_input.type", "goals", None),
        ("invalid_input.naive_time", "start", None),
    ];
    assert_eq!(faults(&error), expected);
    assert!(error.to_string().contains("artist: the column is Int64; wanted is utf8, large_utf8, utf8_view or a dictionary of them"));

    let wrong = goals(vec![("kind", numbers(&[Some(1.0)])), ("measure", text(&[None]))], &[1]);
    let error = read(vec![("campaign", ids(1)), ("goals", wrong)]).unwrap_err();
    assert_eq!(faults(&error), [("invalid_input.type", "goals.kind", None), ("invalid_input.missing", "goals.amount", None)]);
}

#[test]
fn naive_times_are_utc_where_that_is_said() {
    let columns = || vec![("campaign", ids(1)), ("start", times(&[Some(3)], TimeUnit::Millisecond, None))];
    assert_eq!(read(columns()).unwrap_err().code(), "invalid_input.naive_time");
    let options = ReadOptions { naive_utc: true, ..ReadOptions::default() };
    assert_eq!(read_campaigns(reader(vec![batch(columns())]), &options).unwrap().get(0).start, Some(3_000));
    let day = cast(&arrow_array::Int32Array::from(vec![2]), &DataType::Date32).unwrap();
    let campaigns = read_campaigns(reader(vec![batch(vec![("campaign", ids(1)), ("end", day)])]), &options).unwrap();
    assert_eq!(campaigns.get(0).end, Some(2 * 86_400_000_000));
}

#[test]
fn faults_of_rows_name_the_column_and_the_row() {
    let mut markets = ListBuilder::new(StringBuilder::new());
    markets.append_value([] as [Option<&str>; 0]);
    markets.append_value([Some("SE")]);
    markets.append_value([Some("")]);
    let columns = vec![
        ("campaign", text(&[Some("a"), Some("a"), Some("\u{1b}[2J")])),
        ("label", text(&[Some(""), None, None])),
        ("markets", Arc::new(markets.finish()) as ArrayRef),
        ("start", times(&[Some(2), Some(2), None], TimeUnit::Second, Some("UTC"))),
        ("end", times(&[Some(2), Some(3), None], TimeUnit::Second, Some("UTC"))),
        ("cap", numbers(&[Some(-1.0), Some(1.0), Some(f64::NAN)])),
        ("floor", numbers(&[None, Some(2.0), None])),
        ("floor_penalty", numbers(&[None, Some(0.0), None])),
        ("goal_measure", text(&[None, None, Some("")])),
        ("goals", goals(vec![("kind", text(&[Some("share"), Some("cap")])), ("amount", numbers(&[Some(0.1), Some(-3.0)]))], &[1, 0, 1])),
    ];
    let expected = [
        ("invalid_input.empty", "label", Some(0)),
        ("goal.empty_list", "markets", Some(0)),
        ("goal.flight", "end", Some(0)),
        ("invalid_input.range", "cap", Some(0)),
        ("goal.unsupported", "goals[0].kind", Some(0)),
        ("invalid_input.duplicate", "campaign", Some(1)),
        ("invalid_input.range", "floor_penalty", Some(1)),
        ("goal.floor_above_cap", "floor", Some(1)),
        ("invalid_input.empty", "markets", Some(2)),
        ("invalid_input.empty", "goal_measure", Some(2)),
        ("invalid_input.not_finite", "cap", Some(2)),
        ("invalid_input.range", "goals[0].amount", Some(2)),
    ];
    let error = read(columns).unwrap_err();
    assert_eq!(faults(&error), expected);
    assert!(!error.to_string().contains('\u{1b}'));
}

#[test]
fn nulls_where_none_may_be() {
    let mut markets = ListBuilder::new(StringBuilder::new());
    markets.append_value([Some("SE"), None]);
    markets.append_null();
    let columns = vec![
        ("campaign", text(&[Some("a"), None])),
        ("markets", Arc::new(markets.finish()) as ArrayRef),
        ("target_penalty", numbers(&[None, Some(1.0)])),
        (
            "goals",
            goals(vec![("kind", text(&[None, Some("cap"), Some("ceiling")])), ("amount", numbers(&[Some(0.1), None, Some(1.0)]))], &[1, 2]),
        ),
    ];
    let expected = [
        ("invalid_input.null", "campaign", Some(1)),
        ("invalid_input.null", "markets", Some(0)),
        ("goal.limit", "target_penalty", Some(1)),
        ("invalid_input.null", "goals[0].kind", Some(0)),
        ("invalid_input.null", "goals[0].amount", Some(1)),
        ("goal.unsupported", "goals[1].kind", Some(1)),
    ];
    assert_eq!(faults(&read(columns).unwrap_err()), expected);
}

#[test]
fn views_that_blow_up_are_refused() {
    // 2,000 rows that all hold the same 100,000 names.
    let entries: ArrayRef = Arc::new(StringArray::from(vec!["m"; 100_000]));
    let field = Arc::new(Field::new("item", DataType::Utf8, true));
    let (offsets, sizes) = (ScalarBuffer::from(vec![0_i32; 2_000]), ScalarBuffer::from(vec![100_000_i32; 2_000]));
    let markets: ArrayRef = Arc::new(ListViewArray::try_new(field, offsets, sizes, entries, None).unwrap());
    let error = read(vec![("campaign", ids(2_000)), ("markets", markets)]).unwrap_err();
    assert_eq!((error.code(), error.argument()), ("invalid_input.too_large", "markets"));
}

#[test]
fn frequency_caps_are_whole_numbers_from_one_on() {
    let columns = vec![("campaign", ids(4)), ("frequency_cap", numbers(&[Some(1.5), Some(-1.0), None, Some(2.0)]))];
    let error = read(columns).unwrap_err();
    assert_eq!(faults(&error), [("invalid_input.range", "frequency_cap", Some(0)), ("invalid_input.range", "frequency_cap", Some(1))]);
    let error = read(vec![("campaign", ids(2)), ("frequency_cap", numbers(&[Some(2.0), Some(0.0)]))]).unwrap_err();
    assert_eq!(faults(&error), [("invalid_input.range", "frequency_cap", Some(1))]);
}
