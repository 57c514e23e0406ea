//! What a pass brings back.

use crate::error::{Error, Result, codes};

/// The opportunities that a pass left fractional, in the order of the sample: what curvature is made of.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Active {
    /// Entries of row `r` are `starts[r]..starts[r + 1]`.
    pub starts: Vec<u32>,
    /// Per row: whether its slots bind, so that its entries move against each other.
    pub binds: Vec<bool>,
    /// Per row: its weight.
    pub weight: Vec<f64>,
    /// Per row: how many slots are left; 0 where they bind.
    pub room: Vec<f64>,
    /// Per entry: its column.
    pub column: Vec<u32>,
    /// Per entry: its decision, between 0 and 1.
    pub x: Vec<f64>,
    /// Per entry and measure (row-major), `exposure` left out.
    pub y: Vec<f32>,
}

impl Active {
    /// How many rows are fractional.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.binds.len()
    }
}

/// The sums of a pass in fixed point, by the scales of the sample's layout. Merging is exact and commutative.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sums {
    /// Deliveries, by column and measure (row-major), `exposure` first.
    pub cells: Vec<i64>,
    /// Weight of rows that a small price move would change, by column; in the scale of `exposure`.
    pub near: Vec<i64>,
    /// Over fractional rows: best net score without ridge less the net score of the decision; in the scale of the pass.
    pub slack: i128,
    /// Over fractional rows: sum of `x - x^2`, in the scale of `exposure`.
    pub ridge: i128,
    /// Fractional rows, keyed by block so that merging can restore the sample's order.
    pub active: Vec<(u32, Active)>,
    /// Candidate rows evaluated.
    pub rows: u64,
}

impl Sums {
    pub(super) fn zero(columns: usize, measures: usize) -> Self {
        Self { cells: vec![0; columns * measures], near: vec![0; columns], ..Self::default() }
    }

    /// Adds the sums of other blocks.
    ///
    /// # Panics
    /// If the two come from samples of different layout.
    pub fn merge(&mut self, other: Self) {
        assert_eq!(self.cells.len(), other.cells.len(), "sums of one sample");
        for (a, b) in self.cells.iter_mut().zip(other.cells) {
            *a += b;
        }
        for (a, b) in self.near.iter_mut().zip(other.near) {
            *a += b;
        }
        self.slack += other.slack;
        self.ridge += other.ridge;
        self.rows += other.rows;
        self.active.extend(other.active);
        self.active.sort_by_key(|a| a.0);
    }

    /// The sums as bytes, for an engine that carries them between processes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let put = |out: &mut Vec<u8>, n: usize| out.extend((n as u64).to_le_bytes());
        put(&mut out, self.cells.len());
        self.cells.iter().for_each(|v| out.extend(v.to_le_bytes()));
        put(&mut out, self.near.len());
        self.near.iter().for_each(|v| out.extend(v.to_le_bytes()));
        out.extend(self.slack.to_le_bytes());
        out.extend(self.ridge.to_le_bytes());
        out.extend(self.rows.to_le_bytes());
        put(&mut out, self.active.len());
        for (block, a) in &self.active {
            put(&mut out, *block as usize);
            put(&mut out, a.binds.len());
            a.starts.iter().for_each(|v| out.extend(v.to_le_bytes()));
            out.extend(a.binds.iter().map(|b| u8::from(*b)));
            a.weight.iter().chain(&a.room).for_each(|v| out.extend(v.to_le_bytes()));
            put(&mut out, a.column.len());
            a.column.iter().for_each(|v| out.extend(v.to_le_bytes()));
            a.x.iter().for_each(|v| out.extend(v.to_le_bytes()));
            put(&mut out, a.y.len());
            a.y.iter().for_each(|v| out.extend(v.to_le_bytes()));
        }
        out
    }

    /// Reads what [`Sums::to_bytes`] wrote.
    ///
    /// # Errors
    /// `invalid_input.shape` if the bytes are anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut r = Reader { bytes, at: 0 };
        let cells = r.list(8, |b| i64::from_le_bytes(b.try_into().unwrap_or_default()))?;
        let near = r.list(8, |b| i64::from_le_bytes(b.try_into().unwrap_or_default()))?;
        let slack = i128::from_le_bytes(r.array()?);
        let ridge = i128::from_le_bytes(r.array()?);
        let rows = u64::from_le_bytes(r.array()?);
        let mut active = Vec::new();
        for _ in 0..r.count(8)? {
            let block = u64::from_le_bytes(r.array()?) as u32;
            let n = r.count(1)?;
            let starts = r.items(n + 1, 4, |b| u32::from_le_bytes(b.try_into().unwrap_or_default()))?;
            let binds = r.items(n, 1, |b| b[0] != 0)?;
            let number = |b: &[u8]| f64::from_le_bytes(b.try_into().unwrap_or_default());
            let (weight, room) = (r.items(n, 8, number)?, r.items(n, 8, number)?);
            let column = r.list(4, |b| u32::from_le_bytes(b.try_into().unwrap_or_default()))?;
            let x = r.items(column.len(), 8, number)?;
            let y = r.list(4, |b| f32::from_le_bytes(b.try_into().unwrap_or_default()))?;
            active.push((block, Active { starts, binds, weight, room, column, x, y }));
        }
        if r.at != bytes.len() {
            return Err(r.wrong());
        }
        Ok(Self { cells, near, slack, ridge, active, rows })
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn wrong(&self) -> Error {
        Error::new(codes::SHAPE, "sums", Some(self.at as u64), "not the bytes of a pass's sums")
    }

    fn take(&mut self, n: usize) -> Result<&[u8]> {
        let end = self.at.checked_add(n).filter(|e| *e <= self.bytes.len()).ok_or_else(|| self.wrong())?;
        let part = &self.bytes[self.at..end];
        self.at = end;
        Ok(part)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    /// A count of things of at least `size` bytes each: never more than the bytes that are left could hold.
    fn count(&mut self, size: usize) -> Result<usize> {
        let n = u64::from_le_bytes(self.array()?) as usize;
        if n > (self.bytes.len() - self.at) / size { Err(self.wrong()) } else { Ok(n) }
    }

    fn items<T>(&mut self, n: usize, size: usize, read: impl Fn(&[u8]) -> T) -> Result<Vec<T>> {
        Ok(self.take(n * size)?.chunks_exact(size).map(read).collect())
    }

    fn list<T>(&mut self, size: usize, read: impl Fn(&[u8]) -> T) -> Result<Vec<T>> {
        let n = self.count(size)?;
        self.items(n, size, read)
    }
}
