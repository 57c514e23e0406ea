//! Tables of junk: never a crash; what is taken keeps every promise of a log or campaign table, what is refused says why.
#![cfg(feature = "arrow")]
#![allow(clippy::unwrap_used)]

mod soak;

use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, NullArray, RecordBatch, RecordBatchIterator, StringArray};
use arrow_cast::cast;
use arrow_schema::{DataType, Field, Schema, TimeUnit};
use equipoise::error::CODES;
use equipoise::model::mix;
use equipoise::table::{ReadOptions, read_campaigns, read_opportunities};
use equipoise::{Campaigns, Error, Opportunities};
use std::sync::Arc;

struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = mix(self.0);
        (self.0 >> 32) as usize % n
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// A column of so many rows: mostly of the wanted sort, at times of any.
    fn column(&mut self, wanted: Sort, rows: usize) -> ArrayRef {
        let sort = if self.below(20) == 0 { self.pick(&[Sort::Number, Sort::Text, Sort::Id, Sort::Time, Sort::Null]) } else { wanted };
        let hard = [f64::NAN, f64::INFINITY, -1.0, -0.0, 1e13, 1e308, 5e-324, 0.5, 256.0];
        let number = |random: &mut Self| match random.below(30) {
            0 => None,
            1 => Some(random.pick(&hard)),
            _ => Some(random.pick(&[0.0, 1.0, 2.0])),
        };
        match sort {
            Sort::Number => {
                let column: Float64Array = (0..rows).map(|_| number(self)).collect();
                let kind = self.pick(&[&DataType::Float64, &DataType::Float32, &DataType::Float16, &DataType::Int8, &DataType::UInt64]);
                cast(&column, kind).unwrap()
            }
            Sort::Text => {
                let column: StringArray =
                    (0..rows).map(|_| self.pick(&[Some("a"), Some("b"), Some("c"), None, Some("a"), Some("")])).collect();
                let dictionary = DataType::Dictionary(Box::new(DataType::UInt8), Box::new(DataType::Utf8));
                cast(&column, self.pick(&[&DataType::Utf8, &DataType::LargeUtf8, &DataType::Utf8View, &dictionary])).unwrap()
            }
            Sort::Id => {
                let mut id = 0;
                let column: Int64Array = (0..rows)
                    .map(|_| {
                        id += self.pick(&[0, 0, 1, 1, -1]);
                        (self.below(40) > 0).then_some(id)
                    })
                    .collect();
                cast(&column, self.pick(&[&DataType::Int64, &DataType::Int16, &DataType::Utf8])).unwrap()
            }
            Sort::Name => Arc::new(
                (0..rows)
                    .map(|row| (self.below(40) > 0).then(|| format!("c{}", row - row.min(self.below(15) / 14))))
                    .collect::<StringArray>(),
            ),
            Sort::Time => {
                let column: Int64Array = (0..rows).map(|_| self.pick(&[Some(0), Some(0), Some(5), Some(i64::MAX), None])).collect();
                let zone = self.pick(&[Some("+00:00"), Some("+00:00"), None]).map(Into::into);
                let unit = self.pick(&[TimeUnit::Second, TimeUnit::Microsecond, TimeUnit::Nanosecond]);
                cast(&column, &DataType::Timestamp(unit, zone)).unwrap()
            }
            Sort::Null => Arc::new(NullArray::new(rows)),
        }
    }

    /// A table that has each of these columns most of the time, in one or two batches.
    fn table(&mut self, columns: &[(&str, Sort, usize)]) -> Vec<RecordBatch> {
        let rows = self.below(7);
        let mut fields = Vec::new();
        let mut arrays = Vec::new();
        for (name, sort, percent) in columns {
            if self.below(100) < *percent {
                let array = self.column(*sort, rows);
                fields.push(Field::new(*name, array.data_type().clone(), true));
                arrays.push(array);
            }
        }
        let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows));
        let whole = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options).unwrap();
        let cut = self.below(rows + 1);
        vec![whole.slice(0, cut), whole.slice(cut, rows - cut)]
    }
}

#[derive(Clone, Copy)]
enum Sort {
    Number,
    Text,
    Id,
    /// Text that mostly occurs once.
    Name,
    Time,
    Null,
}

fn check_refusal(error: &Error) {
    assert!(!error.faults().is_empty());
    for fault in error.faults() {
        assert!(CODES.iter().any(|code| code.0 == fault.code), "{fault:?}");
        assert!(!fault.argument.is_empty() && !fault.message.is_empty(), "{fault:?}");
    }
}

fn check_log(log: &Opportunities) {
    assert!(!log.is_empty());
    assert!(log.starts().windows(2).all(|t| t[0] < t[1]), "an opportunity without candidates");
    assert_eq!(*log.starts().last().unwrap() as usize, log.candidates());
    for name in log.measure_names() {
        let column = log.measure(name).unwrap();
        assert!(column.len() == log.candidates() && column.iter().all(|y| (0.0..=1e12).contains(y) && y.is_sign_positive()));
    }
    let organic = log.organic().unwrap_or_default();
    assert!(organic.iter().all(|o| o.abs() <= 1e12));
    assert!(log.campaign().iter().all(|c| *c == u32::MAX || (*c as usize) < log.campaigns().len()));
    assert!(log.weight().unwrap_or_default().iter().all(|w| *w > 0.0 && *w <= 1e12));
    assert!(log.slots().unwrap_or_default().iter().all(|slots| *slots <= 255));
    for (column, names) in [(log.market(), log.markets()), (log.surface(), log.surfaces())] {
        assert!(column.is_none_or(|c| c.len() == log.len() && c.iter().all(|m| (*m as usize) < names.len())));
        assert!(names.as_slice().iter().all(|name| !name.is_empty()));
    }
}

#[test]
fn logs_of_junk() {
    let cases = soak::times(100_000);
    let columns = [
        ("opportunity_id", Sort::Id, 99),
        ("campaign", Sort::Text, 99),
        ("m", Sort::Number, 99),
        ("organic", Sort::Number, 30),
        ("item", Sort::Id, 20),
        ("artist", Sort::Text, 5),
        ("market", Sort::Text, 5),
        ("time", Sort::Time, 10),
        ("slots", Sort::Number, 10),
        ("weight", Sort::Number, 10),
        ("key", Sort::Id, 5),
        ("other", Sort::Null, 10),
    ];
    let mut random = Random(1);
    let mut taken = 0;
    for _ in 0..cases {
        let batches = random.table(&columns);
        let mut options = ReadOptions { naive_utc: random.below(2) == 0, ..ReadOptions::default() };
        if random.below(3) == 0 {
            options.fill.insert("m".to_owned(), random.pick(&[0.0, 0.0, 1.0, f64::NAN, -1.0]));
        }
        let schema = batches[0].schema();
        match read_opportunities(RecordBatchIterator::new(batches.into_iter().map(Ok), schema), &["m"], &options) {
            Ok(log) => {
                taken += 1;
                check_log(&log);
            }
            Err(error) => check_refusal(&error),
        }
    }
    println!("executed {cases}, taken {taken}");
    assert!(taken > cases / 50 && taken < cases / 2, "{taken} taken: the junk is too good or too bad to show anything");
}

fn check_campaigns(campaigns: &Campaigns) {
    for (i, campaign) in campaigns.iter().enumerate() {
        assert_eq!(campaigns.ids().get(&campaign.id), Some(i as u32));
        assert!(campaign.start.zip(campaign.end).is_none_or(|(start, end)| start < end));
        assert!(campaign.goals.iter().all(|goal| goal.amount.is_finite() && goal.amount >= 0.0 && goal.penalty.is_none_or(|p| p > 0.0)));
    }
}

#[test]
fn campaigns_of_junk() {
    let cases = soak::times(20_000);
    let columns = [
        ("campaign", Sort::Name, 99),
        ("label", Sort::Text, 20),
        ("start", Sort::Time, 20),
        ("end", Sort::Time, 20),
        ("cap", Sort::Number, 50),
        ("floor", Sort::Number, 30),
        ("floor_penalty", Sort::Number, 10),
        ("target", Sort::Number, 20),
        ("goal_measure", Sort::Text, 10),
        ("markets", Sort::Null, 10),
        ("goals", Sort::Null, 10),
    ];
    let mut random = Random(2);
    let mut taken = 0;
    for _ in 0..cases {
        let batches = random.table(&columns);
        let schema = batches[0].schema();
        match read_campaigns(RecordBatchIterator::new(batches.into_iter().map(Ok), schema), &ReadOptions::default()) {
            Ok(campaigns) => {
                taken += 1;
                check_campaigns(&campaigns);
            }
            Err(error) => check_refusal(&error),
        }
    }
    println!("executed {cases}, taken {taken}");
    assert!(taken > cases / 50 && taken < cases / 2, "{taken} taken: the junk is too good or too bad to show anything");
}
