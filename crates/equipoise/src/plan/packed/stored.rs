//! Logs stored as they are: the opportunities held out, and in chunks those planned on.

use super::LARGEST;
use super::bytes::{Lists, corrupt, put};
use super::facts::in_range;
use super::manifest::Manifest;
use crate::error::{Error, Result, codes};
use crate::model::{Names, ORGANIC, Opportunities, PLACES};
use serde::{Deserialize, Serialize};

/// The names of a log that is stored as it is.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredNames {
    measures: Vec<String>,
    campaigns: Vec<String>,
    artists: Vec<String>,
}

fn put_some<T, const N: usize>(out: &mut Vec<u8>, list: Option<&Vec<T>>, bytes: impl Fn(&T) -> [u8; N]) {
    out.push(u8::from(list.is_some()));
    put(out, list.map_or([].as_slice(), Vec::as_slice).iter(), bytes);
}

/// A log as it is, but for the names of markets and surfaces, which the manifest has.
pub(super) fn log_bytes(log: &Opportunities) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let names = StoredNames {
        measures: log.measures.iter().map(|m| m.0.clone()).collect(),
        campaigns: log.campaigns.as_slice().to_vec(),
        artists: log.artists.as_slice().to_vec(),
    };
    let names = serde_json::to_vec(&names).map_err(|e| Error::new(codes::IO, "packed", None, e.to_string()))?;
    put(&mut out, names.iter(), |b| [*b]);
    put(&mut out, log.starts.iter(), |v| v.to_le_bytes());
    put(&mut out, log.id_hash.iter(), |v| v.to_le_bytes());
    put(&mut out, log.campaign.iter(), |v| v.to_le_bytes());
    log.measures.iter().for_each(|m| put(&mut out, m.1.iter(), |v| v.to_le_bytes()));
    put_some(&mut out, log.key.as_ref(), |v| v.to_le_bytes());
    put_some(&mut out, log.listener.as_ref(), |v| v.to_le_bytes());
    put_some(&mut out, log.weight.as_ref(), |v| v.to_le_bytes());
    put_some(&mut out, log.slots.as_ref(), |v| v.to_le_bytes());
    put_some(&mut out, log.time.as_ref(), |v| v.to_le_bytes());
    put_some(&mut out, log.market.as_ref(), |v| v.to_le_bytes());
    put_some(&mut out, log.surface.as_ref(), |v| v.to_le_bytes());
    put_some(&mut out, log.reference.as_ref(), |v| v.to_le_bytes());
    put_some(&mut out, log.organic_value.as_ref(), |v| v.to_le_bytes());
    put_some(&mut out, log.organic.as_ref(), |v| v.to_le_bytes());
    put_some(&mut out, log.item.as_ref(), |v| v.to_le_bytes());
    put_some(&mut out, log.artist.as_ref(), |v| v.to_le_bytes());
    put_some(&mut out, log.frequency.as_ref(), |v| v.to_le_bytes());
    Ok(out)
}

/// A column that may be missing, of `n` values that all are `good`.
fn some<T, const N: usize>(
    lists: &mut Lists<'_>,
    n: usize,
    read: impl Fn([u8; N]) -> T,
    good: impl Fn(&T) -> bool,
) -> Result<Option<Vec<T>>> {
    let wrong = || corrupt("the opportunities of a stored log contradict each other");
    let (there, rest) = lists.0.split_first().ok_or_else(wrong)?;
    lists.0 = rest;
    let list = lists.next(read)?;
    match there {
        0 if list.is_empty() => Ok(None),
        1 if list.len() == n && list.iter().all(good) => Ok(Some(list)),
        _ => Err(wrong()),
    }
}

/// Reads what [`log_bytes`] wrote; numbers are in their ranges.
pub(super) fn log_from(bytes: &[u8], manifest: &Manifest) -> Result<Opportunities> {
    let wrong = || corrupt("the opportunities of a stored log contradict each other");
    let mut lists = Lists(bytes);
    let names: Vec<u8> = lists.next(|b: [u8; 1]| b[0])?;
    let names: StoredNames = serde_json::from_slice(&names).map_err(|_| wrong())?;
    let starts = lists.next(u64::from_le_bytes)?;
    let id_hash = lists.next(u64::from_le_bytes)?;
    let campaign = lists.next(u32::from_le_bytes)?;
    let (n, rows) = (id_hash.len(), campaign.len());
    let whole = starts.len() == n + 1 && starts.first() == Some(&0) && starts.is_sorted() && starts.last() == Some(&(rows as u64));
    if !whole || !campaign.iter().all(|c| *c == ORGANIC || (*c as usize) < names.campaigns.len()) {
        return Err(wrong());
    }
    let mut measures = Vec::new();
    for name in names.measures {
        let list = lists.next(f32::from_le_bytes)?;
        if list.len() != rows || !list.iter().all(|v| (0.0..=LARGEST as f32).contains(v)) {
            return Err(wrong());
        }
        measures.push((name, list));
    }
    let signed = |v: &f32| f64::from(v.abs()) <= LARGEST;
    let index = |names: usize| move |i: &u32| (*i as usize) < names;
    let log = Opportunities {
        starts,
        id_hash,
        campaign,
        measures,
        key: some(&mut lists, n, u64::from_le_bytes, |_| true)?,
        listener: some(&mut lists, n, u64::from_le_bytes, |_| true)?,
        weight: some(&mut lists, n, f64::from_le_bytes, |w| in_range(*w))?,
        slots: some(&mut lists, n, u32::from_le_bytes, |s| *s <= PLACES)?,
        time: some(&mut lists, n, i64::from_le_bytes, |_| true)?,
        market: some(&mut lists, n, u32::from_le_bytes, index(manifest.markets.len()))?,
        surface: some(&mut lists, n, u32::from_le_bytes, index(manifest.surfaces.len()))?,
        reference: some(&mut lists, n, f32::from_le_bytes, signed)?,
        organic_value: some(&mut lists, n, f64::from_le_bytes, |v| (0.0..=LARGEST).contains(v))?,
        organic: some(&mut lists, rows, f32::from_le_bytes, signed)?,
        item: some(&mut lists, rows, u32::from_le_bytes, |_| true)?,
        artist: some(&mut lists, rows, u32::from_le_bytes, index(names.artists.len()))?,
        frequency: some(&mut lists, rows, u32::from_le_bytes, |count| *count < u32::MAX)?,
        campaigns: names.campaigns.iter().collect::<Names>(),
        markets: manifest.markets.iter().collect(),
        surfaces: manifest.surfaces.iter().collect(),
        artists: names.artists.iter().collect(),
    };
    lists.done()?;
    if log.campaigns.len() != names.campaigns.len() || log.artists.len() != names.artists.len() {
        return Err(wrong());
    }
    Ok(log)
}
