//! Tables in and out: Arrow record batches and Parquet files become logs and campaigns, results become record batches.
//!
//! | call | reads | into |
//! |---|---|---|
//! | [`read_opportunities`] | any stream of record batches | [`crate::Opportunities`] |
//! | [`read_campaigns`] | any stream of record batches | [`crate::Campaigns`] |
//! | [`read_opportunities_in_parts`], [`load_opportunities_in_parts`] | the same, or Parquet | parts of a log, to be packed |
//! | [`load_opportunities`], [`load_campaigns`] | a Parquet path or glob, needed columns only | the same |
//! | [`open_parquet`] | a Parquet path or glob | a stream of record batches |
//! | [`prices_table`], [`deliveries_table`], [`conflicts_table`], [`decisions_table`], [`served_table`] | a plan | one record batch |
//! | [`decisions_reader`] and [`save_decisions`] | a plan, also of a packed log | record batches, Parquet |
//! | [`replicates_table`] | a booking | one record batch |
//! | [`shifts_table`], [`frontier_table`] | what would be | one record batch |
//! | [`campaigns_table`], [`policy_prices_table`], [`diff_table`] | a policy | one record batch |
//! | [`records_table`] and [`save_records`] | decision records | one record batch, Parquet; [`read_records`] and [`load_records`] read them back |
//! | [`replay_table`], [`scores_table`] | what a policy does with a log | one record batch |
//! | [`score_table`], [`score_parquet`] | any stream of record batches, or Parquet | what a policy does with its rows |
//! | [`campaign_rows`] | a column of campaign ids | the policy's rows |
//!
//! Texts may be `utf8`, `large_utf8`, `utf8_view` or dictionaries of them with any key type, whose values may change from batch to batch.
//! Numbers may be of any integer, float or decimal type. Columns that nobody asked for are not looked at.
//!
//! ```
//! use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, RecordBatchIterator, StringArray};
//! use equipoise::table::{ReadOptions, read_opportunities};
//! use std::sync::Arc;
//!
//! let log = RecordBatch::try_from_iter([
//!     ("opportunity_id", Arc::new(Int64Array::from(vec![1, 1, 2])) as ArrayRef),
//!     ("campaign", Arc::new(StringArray::from(vec![Some("c1"), None, Some("c1")]))),
//!     ("stream", Arc::new(Float64Array::from(vec![0.2, 0.4, 0.1]))),
//! ])?;
//! let schema = log.schema();
//! let log = read_opportunities(RecordBatchIterator::new([Ok(log)], schema), &["stream"], &ReadOptions::default())?;
//! assert_eq!((log.len(), log.candidates()), (2, 3));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod batch;
mod campaigns;
mod columns;
#[cfg(feature = "parquet")]
mod decision_file;
mod decisions;
mod list;
mod log_columns;
mod number;
mod opportunities;
#[cfg(feature = "parquet")]
mod parquet;
mod plan;
mod policy;
mod replay;
mod runs;
mod score;
mod text;
mod time;
mod what_if;

pub use answer::decisions_reader;
#[cfg(feature = "parquet")]
pub use answer::save_decisions;
pub use campaigns::read_campaigns;
#[cfg(feature = "parquet")]
pub use decision_file::{load_records, save_records};
pub use decisions::{read_records, records_table};
pub use opportunities::{read_opportunities, read_opportunities_in_parts};
#[cfg(feature = "parquet")]
pub use parquet::{ParquetReader, load_campaigns, load_opportunities, load_opportunities_in_parts, open_log, open_parquet, score_parquet};
pub use plan::{conflicts_table, decisions_table, deliveries_table, prices_table, replicates_table, served_table};
pub use policy::{campaigns_table, diff_table, policy_prices_table};
pub use replay::{replay_table, scores_table};
pub use score::{campaign_rows, score_table};
pub use what_if::{frontier_table, shifts_table};

use indexmap::IndexMap;

/// How a table is read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReadOptions {
    /// Takes times without a zone as UTC; otherwise they are an error.
    pub naive_utc: bool,
    /// What stands for null in columns of numbers. A column that is not named here may hold no null.
    pub fill: IndexMap<String, f64>,
}
