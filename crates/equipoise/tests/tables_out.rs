//! What comes out as tables: names, types and values of every column, nulls only where there is nothing.
#![cfg(feature = "arrow")]
#![allow(clippy::unwrap_used)]

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int8Type, TimestampMicrosecondType, UInt8Type};
use arrow_array::{Array, RecordBatch, RecordBatchIterator};
use equipoise::evaluate::replay;
use equipoise::model::{Campaign, CampaignGoal, CandidateRow, GoalKind, Id, Ledger, OpportunityRow, Parties, Scope};
use equipoise::plan::{Conflict, ConflictKind, Deliveries, PriceRow, Settings, Unknown, plan};
use equipoise::policy::{Change, Diff, Draft, Policy};
use equipoise::table::{self, ReadOptions};
use equipoise::{Campaigns, Opportunities, Problem};

/// Name, type and nullability of each column.
fn schema(batch: &RecordBatch) -> Vec<String> {
    batch.schema().fields().iter().map(|f| format!("{} {}{}", f.name(), f.data_type(), if f.is_nullable() { "?" } else { "" })).collect()
}

fn text<'a>(batch: &'a RecordBatch, name: &str) -> Vec<Option<&'a str>> {
    let column = batch.column_by_name(name).unwrap();
    match column.as_string_opt::<i32>() {
        Some(column) => column.iter().collect(),
        None => column.as_dictionary::<Int8Type>().downcast_dict::<arrow_array::StringArray>().unwrap().into_iter().collect(),
    }
}

fn number(batch: &RecordBatch, name: &str) -> Vec<Option<f64>> {
    batch.column_by_name(name).unwrap().as_primitive::<Float64Type>().iter().collect()
}

fn campaigns() -> Campaigns {
    let cap = CampaignGoal { kind: GoalKind::Cap, measure: "exposure".into(), amount: 1.0, penalty: None };
    let list = vec![
        Campaign {
            id: "b \u{1b}\u{1f3b5}".into(),
            parties: Parties { artist: Some("x".into()), label: None, licensor: Some("z".into()) },
            markets: Some(vec!["SE".into(), "NO".into()]),
            start: Some(-5),
            end: Some(1_000_000),
            frequency_cap: Some(4),
            goals: vec![cap],
            ..Campaign::default()
        },
        Campaign { id: "a".into(), ..Campaign::default() },
    ];
    Campaigns::new(list).unwrap()
}

fn policy() -> Policy {
    let cap = Ledger { goal: 0, kind: GoalKind::Cap, measure: 0, scope: Scope::All, key: 0, inside: 1.0, outside: 0.0 };
    let draft = Draft {
        measures: vec!["value".into()],
        weights: vec![0.0, 1.0],
        campaigns: campaigns(),
        markets: vec!["SE".into()],
        goals: vec!["all caps".into()],
        ledgers: vec![(cap, 0.25)],
        ..Draft::default()
    };
    Policy::new(&draft).unwrap()
}

/// Four opportunities of a promoted, an unknown and an organic candidate.
fn log() -> Opportunities {
    let mut log = Opportunities::builder(&["value"]);
    for t in 0..4 {
        log.opportunity(&OpportunityRow { id: Id::Int(t), market: Some("SE"), ..OpportunityRow::default() });
        for campaign in [Some("a"), Some("nobody"), None] {
            log.candidate(&CandidateRow { campaign, measures: &[t as f32 / 8.0], ..CandidateRow::default() });
        }
    }
    log.finish().unwrap()
}

#[test]
fn prices_deliveries_and_conflicts_of_a_plan() {
    let row = |goal: &str, price| PriceRow {
        goal: goal.into(),
        kind: GoalKind::Floor,
        measure: "stream".into(),
        scope: "label=L".into(),
        price,
        delivered: 2.0,
        bound: Some(3.0),
        slack: Some(-1.0),
    };
    let prices = table::prices_table(&[row("one", -0.5), row("two", 0.0)]);
    let expected =
        ["goal Utf8", "kind Utf8", "measure Utf8", "scope Utf8", "price Float64", "delivered Float64", "bound Float64?", "slack Float64?"];
    assert_eq!(schema(&prices), expected);
    assert_eq!((text(&prices, "goal"), text(&prices, "kind")), (vec![Some("one"), Some("two")], vec![Some("floor"); 2]));
    assert_eq!((text(&prices, "measure")[0], text(&prices, "scope")[0]), (Some("stream"), Some("label=L")));
    assert_eq!((number(&prices, "price"), number(&prices, "delivered")[0]), (vec![Some(-0.5), Some(0.0)], Some(2.0)));
    assert_eq!((number(&prices, "bound")[0], number(&prices, "slack")[0]), (Some(3.0), Some(-1.0)));
    assert_eq!(table::prices_table(&[]).num_rows(), 0);

    let deliveries = Deliveries {
        campaigns: vec!["a".into(), "b".into()],
        measures: vec!["exposure".into(), "stream".into()],
        columns: vec![vec![1.0, 2.0], vec![0.5, 0.25]],
    };
    let deliveries = table::deliveries_table(&deliveries);
    assert_eq!(schema(&deliveries), ["campaign Utf8", "exposure Float64", "stream Float64"]);
    assert_eq!((text(&deliveries, "campaign"), number(&deliveries, "stream")), (vec![Some("a"), Some("b")], vec![Some(0.5), Some(0.25)]));

    let conflict = |kind, least_relaxation, price| Conflict {
        kind,
        goal: "g".into(),
        asked: 2.0,
        reached: 1.0,
        least_relaxation,
        price,
        against: vec!["h".into(), "i".into()],
    };
    let rows = [conflict(ConflictKind::Unreachable, Some(1.0), None), conflict(ConflictKind::Outbid, None, Some(-3.0))];
    let conflicts = table::conflicts_table(&rows);
    let expected =
        ["kind Utf8", "goal Utf8", "asked Float64", "reached Float64", "least_relaxation Float64?", "price Float64?", "against Utf8"];
    assert_eq!(schema(&conflicts), expected);
    assert_eq!(text(&conflicts, "kind"), [Some("unreachable"), Some("outbid")]);
    assert_eq!((number(&conflicts, "least_relaxation"), number(&conflicts, "price")), (vec![Some(1.0), None], vec![None, Some(-3.0)]));
}

#[test]
fn decisions_of_a_plan_stand_beside_the_rows_of_the_log() {
    let problem = Problem::from_toml("[objectives]\nvalue = 1.0\n").unwrap();
    let settings = Settings::new().holdout(0.5).seed(1).unknown(Unknown::Organic);
    let plan = plan(&problem, &log(), &campaigns(), &settings).unwrap();
    let decisions = table::decisions_table(&plan);
    assert_eq!(schema(&decisions), ["x Float64?"]);
    assert_eq!(number(&decisions, "x"), plan.decisions());
    assert_eq!(decisions.num_rows(), 12);
}

#[test]
fn a_replay_says_what_became_of_every_row() {
    let policy = policy();
    let replay = replay(&policy, &log(), Unknown::Organic).unwrap();
    let rows = table::replay_table(replay.clone());
    let columns = ["promotion_score Float32", "picked Boolean", "position UInt8?", "reason Dictionary(Int8, Utf8)"];
    assert_eq!(schema(&rows), columns);
    // Value t/8 at a price of 1/4: picked in the last opportunity only.
    let scores = [-0.25, 0.0, 0.0, -0.125, 0.0, 0.0, 0.0, 0.0, 0.0, 0.125, 0.0, 0.0];
    assert_eq!(rows.column(0).as_primitive::<Float32Type>().values(), &scores);
    assert_eq!(rows.column(1).as_boolean().iter().position(|picked| picked.unwrap()), Some(9));
    assert_eq!(rows.column(2).as_primitive::<UInt8Type>().iter().flatten().collect::<Vec<_>>(), [1]);
    assert!(rows.column(2).is_valid(9));
    let of_one = [Some("price"), Some("unknown"), Some("organic")];
    assert_eq!(text(&rows, "reason"), [of_one, of_one, of_one, [Some("picked"), of_one[1], of_one[2]]].concat());

    let scored = table::scores_table(replay, &policy);
    assert_eq!(schema(&scored)[..4], columns);
    assert_eq!(schema(&scored)[4], "policy_id Dictionary(Int8, Utf8)");
    assert_eq!(text(&scored, "policy_id"), vec![Some(policy.id_hex().as_str()); 12]);
}

#[test]
fn the_campaigns_of_a_policy_can_be_read_back() {
    let policy = policy();
    let rows = table::campaigns_table(&policy);
    let expected = [
        "campaign Utf8",
        "artist Utf8?",
        "label Utf8?",
        "licensor Utf8?",
        "surfaces List(Utf8)?",
        "markets List(Utf8)?",
        "start Timestamp(µs, \"UTC\")?",
        "end Timestamp(µs, \"UTC\")?",
        "frequency_cap Int64?",
    ];
    assert_eq!(schema(&rows), expected);
    assert_eq!(text(&rows, "campaign"), [Some("a"), Some("b \u{1b}\u{1f3b5}")]);
    assert_eq!(rows.column(6).as_primitive::<TimestampMicrosecondType>().iter().collect::<Vec<_>>(), [None, Some(-5)]);
    let reader = RecordBatchIterator::new([Ok(rows.clone())], rows.schema());
    let read = table::read_campaigns(reader, &ReadOptions::default()).unwrap();
    let mut expected: Vec<_> = campaigns().iter().cloned().collect();
    expected.reverse();
    expected[1].goals.clear();
    expected[1].markets.as_mut().unwrap().sort();
    assert_eq!(read, Campaigns::new(expected).unwrap());

    let prices = table::policy_prices_table(&policy);
    assert_eq!(schema(&prices), ["goal Utf8", "kind Utf8", "measure Utf8", "scope Utf8", "price Float64"]);
    assert_eq!(
        (text(&prices, "goal"), text(&prices, "kind"), text(&prices, "measure")),
        (vec![Some("all caps")], vec![Some("cap")], vec![Some("exposure")])
    );
    assert_eq!((text(&prices, "scope"), number(&prices, "price")), (vec![Some("all")], vec![Some(0.25)]));
}

#[test]
fn a_difference_is_a_row() {
    let diff = Diff {
        campaigns_added: vec!["new".into()],
        campaigns_removed: vec!["old".into()],
        campaigns_changed: vec!["other".into()],
        prices: vec![Change { name: "p".into(), before: Some(1.0), after: None }],
        weights: vec![Change { name: "w".into(), before: None, after: Some(2.0) }],
        metadata: vec![Change { name: "m".into(), before: Some("x".into()), after: Some("y".into()) }],
    };
    let rows = table::diff_table(&diff);
    assert_eq!(schema(&rows), ["change Utf8", "name Utf8", "before Float64?", "after Float64?", "before_text Utf8?", "after_text Utf8?"]);
    let changes = ["campaign_added", "campaign_removed", "campaign_changed", "price", "weight", "metadata"];
    assert_eq!(text(&rows, "change"), changes.map(Some));
    assert_eq!(text(&rows, "name"), ["new", "old", "other", "p", "w", "m"].map(Some));
    assert_eq!((number(&rows, "before")[3], number(&rows, "after")[4], number(&rows, "before")[5]), (Some(1.0), Some(2.0), None));
    assert_eq!((text(&rows, "before_text")[5], text(&rows, "after_text")[5], text(&rows, "before_text")[3]), (Some("x"), Some("y"), None));
    assert_eq!(table::diff_table(&policy().diff(&policy())).num_rows(), 0);
}
