//! A block: opportunities packed side by side so that one instruction works on [`LANES`] of them.

/// Rows side by side.
pub const LANES: usize = 16;

/// The row index of a lane that holds nothing.
pub const PAD: u32 = u32::MAX;

/// What a lane of a group stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// The opportunity's index in the sample; [`PAD`] for an empty lane.
    pub opportunity: u32,
    /// Candidates of the opportunity.
    pub len: u32,
    /// At most this many are taken.
    pub slots: u32,
    /// How many real opportunities it stands for.
    pub weight: f64,
}

/// [`LANES`] rows of similar length, candidate-major: candidate `j` of lane `a` lies at `offset + j * LANES + a`.
#[derive(Debug, Clone)]
pub struct Group {
    /// Where the group's candidates start.
    pub offset: usize,
    /// Candidates of its longest row.
    pub len: usize,
    /// The rows.
    pub rows: [Row; LANES],
}

/// A fixed set of opportunities in packed form. Candidates past the end of a row carry the column `columns_below - 1`, which is priced out.
#[derive(Debug, Clone)]
pub struct Block {
    groups: Vec<Group>,
    columns: Vec<u32>,
    measures: Vec<Vec<f32>>,
    columns_below: u32,
}

impl Block {
    /// Takes packed arrays, all of one length, a multiple of [`LANES`].
    ///
    /// # Panics
    /// If lengths disagree, a group reaches past them, or a column index is not below `columns_below`: the packer is at fault.
    #[must_use]
    pub fn new(groups: Vec<Group>, columns: Vec<u32>, measures: Vec<Vec<f32>>, columns_below: u32) -> Self {
        assert!(columns.len().is_multiple_of(LANES), "columns come in whole groups");
        assert!(measures.iter().all(|m| m.len() == columns.len()), "measures are as long as columns");
        assert!(groups.iter().all(|g| g.offset + g.len * LANES <= columns.len()), "groups lie inside the columns");
        assert!(columns.iter().all(|c| *c < columns_below), "column indices are below the bound");
        Self { groups, columns, measures, columns_below }
    }

    /// The groups.
    #[must_use]
    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// Column of every packed candidate.
    #[must_use]
    pub fn columns(&self) -> &[u32] {
        &self.columns
    }

    /// Measures of every packed candidate, `exposure` not among them.
    #[must_use]
    pub fn measures(&self) -> &[Vec<f32>] {
        &self.measures
    }

    /// Every column index is below this.
    #[must_use]
    pub fn columns_below(&self) -> u32 {
        self.columns_below
    }
}
